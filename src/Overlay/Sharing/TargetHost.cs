using System.Buffers;
using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Net;
using System.Net.Sockets;

namespace Overlay.Sharing;

/// <summary>The host part of a connect request, taken apart strictly: an IP address in its standard text form, or a DNS name, or neither.</summary>
/// <remarks>
/// Resolvers and <c>inet_aton</c> read <c>0x7f.1</c>, <c>017700000001</c>, <c>2130706433</c> and <c>127.1</c> as addresses. A text of that kind is neither here,
/// so that it never reaches a resolver which would disagree with the policy about what it means.
/// </remarks>
internal readonly struct TargetHost
{
    private const int MaxNameLength = 253; // RFC 1035, section 2.3.4, in text form without the trailing dot
    private const int MaxLabelLength = 63; // RFC 1035, section 2.3.4

    private static readonly SearchValues<char> s_labelCharacters = SearchValues.Create("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_");
    private static readonly SearchValues<char> s_hexDigits = SearchValues.Create("0123456789abcdefABCDEF");
    private static readonly SearchValues<char> s_v6Characters = SearchValues.Create("0123456789abcdefABCDEF:.");

    private TargetHost(IPAddress? address, string? name)
    {
        Address = address;
        Name = name;
    }

    /// <summary>The address, when the text was one.</summary>
    public IPAddress? Address { get; }

    /// <summary>The name in lower case and without a trailing dot, when the text was one.</summary>
    public string? Name { get; }

    /// <summary>Takes <paramref name="text"/> apart.</summary>
    /// <param name="text">Hostile.</param>
    /// <param name="host">The address or the name.</param>
    /// <param name="reason">Why it is neither, in words fit for the consumer.</param>
    public static bool TryParse(string text, out TargetHost host, [NotNullWhen(false)] out string? reason)
    {
        host = default;
        reason = null;
        if (text.Length == 0) reason = "The host is empty.";
        else if (text.Length > MaxNameLength + 1) reason = "The host is longer than a DNS name can be.";
        else if (text.Contains(':', StringComparison.Ordinal))
        {
            if (TryParseV6(text, out IPAddress? v6)) host = new TargetHost(v6, null);
            else reason = "The host is not an IPv6 address in standard form.";
        }
        else if (EndsInNumber(text))
        {
            if (TryParseV4(text, out IPAddress? v4)) host = new TargetHost(v4, null);
            else reason = "The host is not an IPv4 address in standard form.";
        }
        else if (IsName(text)) host = new TargetHost(null, text.TrimEnd('.').ToLowerInvariant());
        else reason = "The host is not a DNS name.";

        return reason is null;
    }

    // RFC 4291, section 2.2, forms 1 to 3, either case; no brackets, zone or prefix length. The framework's parser is right about
    // these once its extensions are kept away from it.
    private static bool TryParseV6(ReadOnlySpan<char> text, [NotNullWhen(true)] out IPAddress? address)
    {
        address = null;
        if (text.ContainsAnyExcept(s_v6Characters)) return false;
        if (text.Contains('.') && !TryParseV4(text[(text.LastIndexOf(':') + 1)..], out _)) return false;
        return IPAddress.TryParse(text, out address) && address.AddressFamily == AddressFamily.InterNetworkV6;
    }

    // Exactly four decimal numbers from 0 to 255 without leading zeros (RFC 6943, section 3.1.1, "strict").
    private static bool TryParseV4(ReadOnlySpan<char> text, [NotNullWhen(true)] out IPAddress? address)
    {
        address = null;
        Span<byte> bytes = stackalloc byte[4];
        int count = 0;
        foreach (Range part in text.Split('.'))
        {
            ReadOnlySpan<char> digits = text[part];
            if (count == 4 || digits.Length is 0 or > 3 || (digits.Length > 1 && digits[0] == '0')) return false;
            if (!byte.TryParse(digits, NumberStyles.None, CultureInfo.InvariantCulture, out bytes[count])) return false;
            count++;
        }

        if (count != 4) return false;
        address = new IPAddress(bytes);
        return true;
    }

    // A last label of decimal digits, or 0x and hexadecimal ones, makes the whole an attempt at an IPv4 address, as in the URL standard; no
    // top-level domain is of that form.
    private static bool EndsInNumber(ReadOnlySpan<char> text)
    {
        ReadOnlySpan<char> trimmed = text[^1] == '.' ? text[..^1] : text;
        ReadOnlySpan<char> last = trimmed[(trimmed.LastIndexOf('.') + 1)..];
        if (last.IsEmpty) return false;
        if (!last.ContainsAnyExceptInRange('0', '9')) return true;
        return last.StartsWith("0x", StringComparison.OrdinalIgnoreCase) && !last[2..].ContainsAnyExcept(s_hexDigits);
    }

    // Letters, digits, hyphens (RFC 1123, section 2.1) and, because names in use have them, underscores. Other scripts come as A-labels (RFC 5890).
    private static bool IsName(ReadOnlySpan<char> text)
    {
        ReadOnlySpan<char> name = text[^1] == '.' ? text[..^1] : text;
        if (name.Length > MaxNameLength) return false;
        foreach (Range part in name.Split('.'))
        {
            ReadOnlySpan<char> label = name[part];
            if (label.Length is 0 or > MaxLabelLength || label[0] == '-' || label[^1] == '-' || label.ContainsAnyExcept(s_labelCharacters)) return false;
        }

        return !name.IsEmpty;
    }
}
