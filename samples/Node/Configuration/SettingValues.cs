using System.CommandLine;

namespace Overlay.Node.Configuration;

/// <summary>Where a setting's value was written.</summary>
internal enum SettingSource
{
    File,
    Environment,
    CommandLine,
}

/// <summary>The settings of one run after the three sources have been laid over each other. Immutable.</summary>
internal sealed class SettingValues
{
    private readonly Dictionary<Setting, (object Value, SettingSource Source)> _values;

    private SettingValues(Dictionary<Setting, (object Value, SettingSource Source)> values) => _values = values;

    /// <summary>The value, or null where nobody gave one.</summary>
    internal T? Find<T>(ValueSetting<T> setting)
        where T : struct => _values.TryGetValue(setting, out (object Value, SettingSource Source) found) ? (T)found.Value : null;

    /// <summary>The value, or null where nobody gave one.</summary>
    internal T? FindObject<T>(ValueSetting<T> setting)
        where T : class => _values.TryGetValue(setting, out (object Value, SettingSource Source) found) ? (T)found.Value : null;

    /// <summary>The values, none where nobody gave any.</summary>
    internal IReadOnlyList<T> Get<T>(ListSetting<T> setting) =>
        _values.TryGetValue(setting, out (object Value, SettingSource Source) found) ? (IReadOnlyList<T>)found.Value : [];

    /// <summary>Whether it is on.</summary>
    internal bool IsOn(SwitchSetting setting) => _values.TryGetValue(setting, out (object Value, SettingSource Source) found) && (bool)found.Value;

    /// <summary>Whether the value that counts was written on the command line.</summary>
    internal bool IsFromCommandLine(Setting setting) =>
        _values.TryGetValue(setting, out (object Value, SettingSource Source) found) && found.Source == SettingSource.CommandLine;

    /// <summary>Lays the sources over each other: file, then environment, then command line; the later wins, lists as a whole.</summary>
    /// <param name="file">What the configuration file says, or null without one.</param>
    /// <param name="variables">The environment. Empty variables count as unset.</param>
    /// <param name="flags">What the command line says; an empty list is a switch without a value.</param>
    /// <exception cref="UsageException">A value that counts is not allowed.</exception>
    internal static SettingValues Merge(
        ConfigurationFile? file, IReadOnlyDictionary<string, string> variables, IReadOnlyDictionary<Setting, IReadOnlyList<string>> flags)
    {
        var values = new Dictionary<Setting, (object Value, SettingSource Source)>();
        foreach (Setting setting in Settings.All)
        {
            if (flags.TryGetValue(setting, out IReadOnlyList<string>? texts))
                values[setting] = (setting.Read(texts, setting.Flag), SettingSource.CommandLine);
            else if (variables.TryGetValue(setting.Variable, out string? variable) && variable.Length > 0)
                values[setting] = (setting.Read(Split(setting, variable), setting.Variable), SettingSource.Environment);
            else if (file is not null && file.Values.TryGetValue(setting, out texts))
                values[setting] = (setting.Read(texts, $"'{setting.Key}' in {file.Path}"), SettingSource.File);
        }

        return new SettingValues(values);
    }

    /// <summary>Variables that look like settings and are none, each with the name nearest to it: slips of the pen that would otherwise do nothing.</summary>
    internal static IEnumerable<(string Variable, string Nearest)> FindStrangers(IReadOnlyDictionary<string, string> variables)
    {
        string[] known = [.. Settings.All.Select(setting => setting.Variable), SettingOptions.ConfigVariable];
        return variables.Keys
            .Where(name => name.StartsWith(Setting.VariablePrefix, StringComparison.OrdinalIgnoreCase) && !known.Contains(name, StringComparer.Ordinal))
            .Order(StringComparer.Ordinal)
            .Select(name => (name, NearestName.Among(known, name)));
    }

    private static string[] Split(Setting setting, string variable) =>
        setting.IsList ? variable.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries) : [variable];
}
