using System.Buffers;
using System.Buffers.Binary;
using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Overlay.Transport.Identity;

/// <summary>How a protocol's value is written in text and in bytes. Every value that is accepted prints to a text that parses to the same bytes.</summary>
internal abstract class MultiaddrValue
{
    private static readonly UTF8Encoding s_strictUtf8 = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    internal static MultiaddrValue None { get; } = new NoValue();

    internal static MultiaddrValue Ip4 { get; } = new Ip4Value();

    internal static MultiaddrValue Ip6 { get; } = new Ip6Value();

    internal static MultiaddrValue Port { get; } = new PortValue();

    internal static MultiaddrValue PrefixLength { get; } = new PrefixLengthValue();

    internal static MultiaddrValue Text { get; } = new TextValue();

    internal static MultiaddrValue Path { get; } = new PathValue();

    internal static MultiaddrValue Peer { get; } = new PeerValue();

    internal static MultiaddrValue Onion { get; } = new OnionValue(hostSize: 10);

    internal static MultiaddrValue Onion3 { get; } = new OnionValue(hostSize: 35);

    internal static MultiaddrValue Garlic64 { get; } = new Garlic64Value();

    internal static MultiaddrValue Garlic32 { get; } = new Garlic32Value();

    internal static MultiaddrValue CertHash { get; } = new CertHashValue();

    internal static MultiaddrValue HttpPath { get; } = new HttpPathValue();

    /// <summary>Whether the value takes the rest of the address, slashes included.</summary>
    internal virtual bool TakesRest => false;

    /// <summary>Reads the text form.</summary>
    internal abstract bool TryParse(string text, [NotNullWhen(true)] out byte[]? raw);

    /// <summary>Checks the bytes, whose size the table has checked where it is fixed, and prints them.</summary>
    internal abstract bool TryPrint(ReadOnlySpan<byte> raw, [NotNullWhen(true)] out string? text);

    // Digits only: no sign, no blanks, no exponents, as int.Parse would take.
    private static bool TryParseNumber(string text, int max, out int number)
    {
        number = 0;
        return text.Length is > 0 and <= 5
            && !text.AsSpan().ContainsAnyExceptInRange('0', '9')
            && int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out number)
            && number <= max;
    }

    private static string PrintNumber(int number) => number.ToString(CultureInfo.InvariantCulture);

    // Control characters are refused: such a text would end up in logs and terminals.
    private static bool TryDecodeText(ReadOnlySpan<byte> raw, [NotNullWhen(true)] out string? text)
    {
        text = null;
        if (raw.IsEmpty) return false;
        try
        {
            text = s_strictUtf8.GetString(raw);
        }
        catch (DecoderFallbackException)
        {
            return false;
        }

        if (!text.Any(char.IsControl)) return true;
        text = null;
        return false;
    }

    private static bool TryEncodeText(string text, [NotNullWhen(true)] out byte[]? raw)
    {
        raw = null;
        if (text.Length == 0 || text.Any(char.IsControl)) return false;
        try
        {
            raw = s_strictUtf8.GetBytes(text);
            return true;
        }
        catch (EncoderFallbackException)
        {
            return false;
        }
    }

    private sealed class NoValue : MultiaddrValue
    {
        internal override bool TryParse(string text, [NotNullWhen(true)] out byte[]? raw)
        {
            raw = [];
            return text.Length == 0;
        }

        internal override bool TryPrint(ReadOnlySpan<byte> raw, [NotNullWhen(true)] out string? text)
        {
            text = "";
            return true;
        }
    }

    private sealed class Ip4Value : MultiaddrValue
    {
        internal override bool TryParse(string text, [NotNullWhen(true)] out byte[]? raw)
        {
            // IPAddress also takes "1" and "0x7f.1"; only the form that it prints itself is an address here.
            bool valid = IPAddress.TryParse(text, out IPAddress? address) && address.AddressFamily == AddressFamily.InterNetwork && address.ToString() == text;
            raw = valid ? address!.GetAddressBytes() : null;
            return valid;
        }

        internal override bool TryPrint(ReadOnlySpan<byte> raw, [NotNullWhen(true)] out string? text)
        {
            text = new IPAddress(raw).ToString();
            return true;
        }
    }

    private sealed class Ip6Value : MultiaddrValue
    {
        private static readonly SearchValues<char> s_characters = SearchValues.Create("0123456789abcdefABCDEF:.");

        internal override bool TryParse(string text, [NotNullWhen(true)] out byte[]? raw)
        {
            // The character set keeps out brackets, ports and zones, which IPAddress would take.
            raw = null;
            if (text.AsSpan().ContainsAnyExcept(s_characters) || !IPAddress.TryParse(text, out IPAddress? address)) return false;
            if (address.AddressFamily != AddressFamily.InterNetworkV6) return false;
            raw = address.GetAddressBytes();
            return true;
        }

        internal override bool TryPrint(ReadOnlySpan<byte> raw, [NotNullWhen(true)] out string? text)
        {
            text = new IPAddress(raw).ToString();
            return true;
        }
    }

    private sealed class PortValue : MultiaddrValue
    {
        internal override bool TryParse(string text, [NotNullWhen(true)] out byte[]? raw)
        {
            bool valid = TryParseNumber(text, ushort.MaxValue, out int port);
            raw = valid ? [(byte)(port >> 8), (byte)port] : null;
            return valid;
        }

        internal override bool TryPrint(ReadOnlySpan<byte> raw, [NotNullWhen(true)] out string? text)
        {
            text = PrintNumber(BinaryPrimitives.ReadUInt16BigEndian(raw));
            return true;
        }
    }

    private sealed class PrefixLengthValue : MultiaddrValue
    {
        internal override bool TryParse(string text, [NotNullWhen(true)] out byte[]? raw)
        {
            bool valid = TryParseNumber(text, byte.MaxValue, out int bits);
            raw = valid ? [(byte)bits] : null;
            return valid;
        }

        internal override bool TryPrint(ReadOnlySpan<byte> raw, [NotNullWhen(true)] out string? text)
        {
            text = PrintNumber(raw[0]);
            return true;
        }
    }

    /// <summary>Names and zones: UTF-8 without a slash.</summary>
    private sealed class TextValue : MultiaddrValue
    {
        internal override bool TryParse(string text, [NotNullWhen(true)] out byte[]? raw)
        {
            raw = null;
            return !text.Contains('/') && TryEncodeText(text, out raw);
        }

        internal override bool TryPrint(ReadOnlySpan<byte> raw, [NotNullWhen(true)] out string? text) => TryDecodeText(raw, out text) && !text.Contains('/');
    }

    /// <summary>A path with its leading slash and without a trailing one.</summary>
    private sealed class PathValue : MultiaddrValue
    {
        internal override bool TakesRest => true;

        internal override bool TryParse(string text, [NotNullWhen(true)] out byte[]? raw)
        {
            raw = null;
            return IsPath(text) && TryEncodeText(text, out raw);
        }

        internal override bool TryPrint(ReadOnlySpan<byte> raw, [NotNullWhen(true)] out string? text) => TryDecodeText(raw, out text) && IsPath(text);

        private static bool IsPath(string text) => text.Length > 1 && text[0] == '/' && text[^1] != '/';
    }

    private sealed class PeerValue : MultiaddrValue
    {
        internal override bool TryParse(string text, [NotNullWhen(true)] out byte[]? raw)
        {
            raw = PeerId.TryParse(text, out PeerId? peer) ? peer.Bytes.ToArray() : null;
            return raw is not null;
        }

        internal override bool TryPrint(ReadOnlySpan<byte> raw, [NotNullWhen(true)] out string? text)
        {
            text = PeerId.TryFromBytes(raw, out PeerId? peer) ? peer.ToString() : null;
            return text is not null;
        }
    }

    /// <summary>An onion service: its host in base32, a colon and a port other than 0.</summary>
    private sealed class OnionValue(int hostSize) : MultiaddrValue
    {
        internal override bool TryParse(string text, [NotNullWhen(true)] out byte[]? raw)
        {
            raw = null;
            int colon = text.IndexOf(':', StringComparison.Ordinal);
            if (colon < 0 || !TryParseNumber(text[(colon + 1)..], ushort.MaxValue, out int port) || port == 0) return false;
            if (!Multibase.TryDecodeBase32(text.AsSpan(0, colon), out byte[]? host) || host.Length != hostSize) return false;
            raw = [.. host, (byte)(port >> 8), (byte)port];
            return true;
        }

        internal override bool TryPrint(ReadOnlySpan<byte> raw, [NotNullWhen(true)] out string? text)
        {
            int port = BinaryPrimitives.ReadUInt16BigEndian(raw[hostSize..]);
            text = port == 0 ? null : $"{Multibase.EncodeBase32Digits(raw[..hostSize])}:{PrintNumber(port)}";
            return text is not null;
        }
    }

    /// <summary>A whole I2P destination in I2P's base64, which has '-' and '~' for '+' and '/'. 386 bytes is the least that one has.</summary>
    private sealed class Garlic64Value : MultiaddrValue
    {
        private const int MinSize = 386, MaxTextLength = 1024;

        internal override bool TryParse(string text, [NotNullWhen(true)] out byte[]? raw)
        {
            raw = null;
            if (text.Length > MaxTextLength || text.AsSpan().ContainsAny('+', '/')) return false;
            byte[] buffer = new byte[text.Length];
            if (!Convert.TryFromBase64String(text.Replace('-', '+').Replace('~', '/'), buffer, out int size) || size < MinSize) return false;
            if (Print(buffer.AsSpan(0, size)) != text) return false;
            raw = buffer[..size];
            return true;
        }

        internal override bool TryPrint(ReadOnlySpan<byte> raw, [NotNullWhen(true)] out string? text)
        {
            text = raw.Length < MinSize ? null : Print(raw);
            return text is not null;
        }

        private static string Print(ReadOnlySpan<byte> raw) => Convert.ToBase64String(raw).Replace('+', '-').Replace('/', '~');
    }

    /// <summary>The hash of an I2P destination: 32 bytes, or at least 35 where the lease set is encrypted.</summary>
    private sealed class Garlic32Value : MultiaddrValue
    {
        internal override bool TryParse(string text, [NotNullWhen(true)] out byte[]? raw) => Multibase.TryDecodeBase32(text, out raw) && HasSize(raw.Length);

        internal override bool TryPrint(ReadOnlySpan<byte> raw, [NotNullWhen(true)] out string? text)
        {
            text = HasSize(raw.Length) ? Multibase.EncodeBase32Digits(raw) : null;
            return text is not null;
        }

        private static bool HasSize(int size) => size is 32 or >= 35;
    }

    /// <summary>A multihash, in text as multibase.</summary>
    private sealed class CertHashValue : MultiaddrValue
    {
        // Any hash function is taken, up to the longest digest in use (64 bytes) and some room.
        private const int MaxDigestSize = 128;

        internal override bool TryParse(string text, [NotNullWhen(true)] out byte[]? raw) => Multibase.TryDecode(text, out raw) && IsMultihash(raw);

        internal override bool TryPrint(ReadOnlySpan<byte> raw, [NotNullWhen(true)] out string? text)
        {
            text = IsMultihash(raw) ? Multibase.EncodeBase64Url(raw) : null;
            return text is not null;
        }

        private static bool IsMultihash(ReadOnlySpan<byte> raw) =>
            Varint.TryRead(raw, out _, out int codeSize) == VarintStatus.Done
            && Varint.TryRead(raw[codeSize..], out ulong size, out int sizeSize) == VarintStatus.Done
            && size is > 0 and <= MaxDigestSize
            && (ulong)(raw.Length - codeSize - sizeSize) == size;
    }

    /// <summary>Any bytes but none, in text percent-encoded as a path segment (RFC 3986, section 3.3).</summary>
    private sealed class HttpPathValue : MultiaddrValue
    {
        private static readonly SearchValues<char> s_plain =
            SearchValues.Create("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~$&+=:@");

        internal override bool TryParse(string text, [NotNullWhen(true)] out byte[]? raw)
        {
            raw = null;
            if (!TryEncodeText(text, out byte[]? source) || text.Contains('/')) return false;
            var bytes = new ArrayBufferWriter<byte>(source.Length);
            for (int i = 0; i < source.Length; i++)
            {
                byte b = source[i];
                if (b == '%')
                {
                    if (i + 2 >= source.Length || !char.IsAsciiHexDigit((char)source[i + 1]) || !char.IsAsciiHexDigit((char)source[i + 2])) return false;
                    b = byte.Parse(source.AsSpan(i + 1, 2), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture);
                    i += 2;
                }

                bytes.Write([b]);
            }

            raw = bytes.WrittenSpan.ToArray();
            return true;
        }

        internal override bool TryPrint(ReadOnlySpan<byte> raw, [NotNullWhen(true)] out string? text)
        {
            text = null;
            if (raw.IsEmpty) return false;
            var builder = new StringBuilder(raw.Length);
            foreach (byte b in raw)
            {
                if (s_plain.Contains((char)b)) builder.Append((char)b);
                else builder.Append('%').Append(b.ToString("X2", CultureInfo.InvariantCulture));
            }

            text = builder.ToString();
            return true;
        }
    }
}
