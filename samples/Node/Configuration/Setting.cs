using System.CommandLine;

namespace Overlay.Node.Configuration;

/// <summary>One thing that a node can be told, by one name in three spellings: <c>--http-proxy</c>, <c>OVERLAY_HTTP_PROXY</c>, <c>httpProxy</c>.</summary>
internal abstract class Setting
{
    private protected Setting(string flag, string description)
    {
        Flag = flag;
        Description = description;
        string[] words = flag[2..].Split('-');
        Key = words[0] + string.Concat(words.Skip(1).Select(word => char.ToUpperInvariant(word[0]) + word[1..]));
        Variable = VariablePrefix + string.Join('_', words).ToUpperInvariant();
    }

    internal const string VariablePrefix = "OVERLAY_";

    /// <summary>On the command line, with its two dashes.</summary>
    internal string Flag { get; }

    /// <summary>In the configuration file.</summary>
    internal string Key { get; }

    /// <summary>In the environment.</summary>
    internal string Variable { get; }

    internal string Description { get; }

    /// <summary>Whether several values may be given.</summary>
    internal abstract bool IsList { get; }

    /// <summary>A fresh option for one command; options belong to one command tree.</summary>
    internal abstract Option CreateOption();

    /// <summary>Turns what was written into the setting's value.</summary>
    /// <exception cref="UsageException">The text is not one that is allowed; the message names <paramref name="spelling"/> and the allowed values.</exception>
    internal abstract object Read(IReadOnlyList<string> texts, string spelling);
}

/// <summary>Reads one value; false for text that is not allowed.</summary>
internal delegate bool ValueReader<T>(string text, out T value);

/// <summary>A setting with one value.</summary>
internal sealed class ValueSetting<T>(string flag, string valueName, string description, string allowed, ValueReader<T> reader) : Setting(flag, description)
    where T : notnull
{
    internal override bool IsList => false;

    internal override Option CreateOption() => new Option<string>(Flag) { Description = Description, HelpName = valueName };

    internal override object Read(IReadOnlyList<string> texts, string spelling) =>
        texts is [string text] && reader(text, out T value) ? value : throw new UsageException(SettingErrors.NotAllowed(spelling, texts, allowed));
}

/// <summary>A setting with any number of values. A later source replaces the whole list of an earlier one.</summary>
internal sealed class ListSetting<T>(string flag, string valueName, string description, string allowed, ValueReader<T> reader) : Setting(flag, description)
{
    internal override bool IsList => true;

    internal override Option CreateOption() =>
        new Option<string[]>(Flag) { Description = Description, HelpName = valueName, Arity = ArgumentArity.OneOrMore, AllowMultipleArgumentsPerToken = true };

    internal override object Read(IReadOnlyList<string> texts, string spelling)
    {
        var values = new List<T>(texts.Count);
        foreach (string text in texts)
            values.Add(reader(text, out T value) ? value : throw new UsageException(SettingErrors.NotAllowed(spelling, [text], allowed)));
        return values;
    }
}

/// <summary>A setting that is on or off.</summary>
internal sealed class SwitchSetting(string flag, string description) : Setting(flag, description)
{
    internal override bool IsList => false;

    internal override Option CreateOption() => new Option<bool>(Flag) { Description = Description };

    internal override object Read(IReadOnlyList<string> texts, string spelling) => texts switch
    {
        [] => true,
        [string text] when bool.TryParse(text, out bool value) => value,
        _ => throw new UsageException(SettingErrors.NotAllowed(spelling, texts, "true or false")),
    };
}

internal static class SettingErrors
{
    internal static string NotAllowed(string spelling, IReadOnlyList<string> texts, string allowed) =>
        $"{spelling} cannot be '{string.Join(", ", texts)}': it takes {allowed}.";
}
