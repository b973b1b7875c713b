using System.Globalization;

namespace Overlay.Node.Output;

/// <summary>Text that is safe to show: a peer's words could otherwise move the cursor, change colours or forge lines.</summary>
internal static class PlainText
{
    /// <summary>The same text on one line, control and direction characters replaced.</summary>
    internal static string OneLine(string text)
    {
        if (!text.AsSpan().ContainsAny(Breaks) && !text.Any(IsUnsafe)) return text;
        // A line break with what surrounds it becomes one space, as in a message of several lines.
        string joined = string.Join(' ', text.Split(['\r', '\n'], StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries));
        return string.Create(joined.Length, joined, static (span, source) =>
        {
            for (int i = 0; i < span.Length; i++) span[i] = IsUnsafe(source[i]) ? '\uFFFD' : source[i];
        });
    }

    private static ReadOnlySpan<char> Breaks => "\r\n";

    private static bool IsUnsafe(char c) =>
        char.GetUnicodeCategory(c) is UnicodeCategory.Control or UnicodeCategory.Format or UnicodeCategory.LineSeparator or UnicodeCategory.ParagraphSeparator;
}
