using System.Text.Json;
using Overlay.Node.Output;

namespace Overlay.Node.Doctor;

/// <summary>How a thing stands.</summary>
internal enum Health
{
    /// <summary>As it should be.</summary>
    Good = 1,

    /// <summary>Not known, or worth a look.</summary>
    Doubtful,

    /// <summary>Keeps the node from earning.</summary>
    Bad,
}

/// <summary>One thing that was looked at.</summary>
/// <param name="Check">What, in a word.</param>
/// <param name="Health">How it stands.</param>
/// <param name="Text">What was found.</param>
/// <param name="Remedy">What to do about it; null where there is nothing to do.</param>
internal sealed record Finding(string Check, Health Health, string Text, string? Remedy = null) : IMessage
{
    public string Event => "finding";

    public void WriteJson(Utf8JsonWriter json)
    {
        json.WriteString("check"u8, Check);
        json.WriteString("health"u8, Health switch { Health.Good => "good", Health.Doubtful => "doubtful", _ => "bad" });
        json.WriteString("text"u8, Text);
        json.WriteString("remedy"u8, Remedy);
    }

    public void WriteText(TextPage page)
    {
        string line = $"{Health switch { Health.Good => "ok  ", Health.Doubtful => "?   ", _ => "BAD " }} {Check,-14} {Text}";
        if (Health == Health.Bad) page.Bad(line);
        else if (Health == Health.Good) page.Good(line);
        else page.Line(line);
        if (Remedy is not null) page.Line($"     {"",-14} {Remedy}");
    }
}
