using System.Buffers;

namespace Overlay.Using;

/// <summary>The character classes of RFC 9110, section 5.6.2 and 5.5.</summary>
internal static class HttpCharacters
{
    private static readonly SearchValues<char> s_token = SearchValues.Create("!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz");

    public static bool IsToken(ReadOnlySpan<char> text) => !text.IsEmpty && !text.ContainsAnyExcept(s_token);

    /// <summary>Whether a line has only tabs, spaces, visible characters and bytes above 7F.</summary>
    public static bool IsText(ReadOnlySpan<char> text)
    {
        foreach (char c in text)
            if (c is < ' ' and not '\t' or '\x7f') return false;
        return true;
    }
}
