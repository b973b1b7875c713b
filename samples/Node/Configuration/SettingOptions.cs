using System.CommandLine;
using System.CommandLine.Parsing;

namespace Overlay.Node.Configuration;

/// <summary>The settings that one command takes as flags, with <c>--config</c> beside them.</summary>
internal sealed class SettingOptions
{
    internal const string ConfigVariable = "OVERLAY_CONFIG";

    private readonly Dictionary<Setting, Option> _options = [];
    private readonly Option<string> _config = new("--config")
    {
        HelpName = "FILE",
        Description = "JSON file of settings, named like the flags (httpProxy for --http-proxy). OVERLAY_… variables and flags win over it.",
    };

    /// <summary>Adds the flags to <paramref name="command"/>.</summary>
    internal SettingOptions(Command command, params ReadOnlySpan<Setting> settings)
    {
        foreach (Setting setting in settings)
        {
            Option option = setting.CreateOption();
            _options.Add(setting, option);
            command.Options.Add(option);
        }

        command.Options.Add(_config);
    }

    /// <summary>Reads all three sources.</summary>
    /// <exception cref="UsageException">A source says what is not allowed.</exception>
    internal SettingValues Read(ParseResult parsed, IReadOnlyDictionary<string, string> variables)
    {
        string? path = parsed.GetValue(_config);
        if (path is null && variables.TryGetValue(ConfigVariable, out string? named) && named.Length > 0) path = named;

        var flags = new Dictionary<Setting, IReadOnlyList<string>>();
        foreach ((Setting setting, Option option) in _options)
            if (parsed.GetResult(option) is { Implicit: false } given) flags[setting] = [.. given.Tokens.Select(token => token.Value)];
        return SettingValues.Merge(path is null ? null : ConfigurationFile.Read(path), variables, flags);
    }
}
