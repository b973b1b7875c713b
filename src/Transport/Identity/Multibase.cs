using System.Buffers.Text;
using System.Diagnostics.CodeAnalysis;
using SimpleBase;

namespace Overlay.Transport.Identity;

/// <summary>Self-describing text forms of bytes (github.com/multiformats/multibase): the bases that peer ids and certificate hashes are written in.</summary>
/// <remarks>Bits that a last digit has beyond the last byte are ignored, as other implementations do: what is compared later is the bytes.</remarks>
internal static class Multibase
{
    /// <summary>Longest text that is decoded, in characters. Decoding base58 and base36 takes quadratic time.</summary>
    internal const int MaxTextLength = 512;

    /// <summary>Decodes base16, base32, base36, base58btc, base64 and base64url, told apart by the first character.</summary>
    internal static bool TryDecode(ReadOnlySpan<char> text, [NotNullWhen(true)] out byte[]? bytes)
    {
        bytes = null;
        if (text.Length is < 2 or > MaxTextLength || !HasOnlyVisible(text)) return false;
        ReadOnlySpan<char> digits = text[1..];
        return text[0] switch
        {
            'f' or 'F' => TryDecodeBase16(digits, out bytes),
            'b' or 'B' => TryDecodeBase32(digits, out bytes),
            'k' => TryDecodeBase36(digits, out bytes),
            'K' => TryDecodeBase36(digits.ToString().ToLowerInvariant(), out bytes),
            'z' => TryDecodeBase58(digits, out bytes),
            'm' => !digits.ContainsAny('-', '_') && TryDecodeBase64(digits.ToString().Replace('+', '-').Replace('/', '_'), out bytes),
            'u' => TryDecodeBase64(digits, out bytes),
            _ => false,
        };
    }

    /// <summary>Encodes as base64url without padding and its prefix, the form in which certificate hashes are printed.</summary>
    internal static string EncodeBase64Url(ReadOnlySpan<byte> bytes) => "u" + Base64Url.EncodeToString(bytes);

    /// <summary>Encodes as base32 in lower case, without padding and without a prefix.</summary>
    internal static string EncodeBase32Digits(ReadOnlySpan<byte> bytes) => Base32.Rfc4648.Encode(bytes, padding: false).ToLowerInvariant();

    /// <summary>Decodes base58btc without a prefix.</summary>
    internal static bool TryDecodeBase58(ReadOnlySpan<char> digits, [NotNullWhen(true)] out byte[]? bytes)
    {
        bytes = null;
        if (digits.IsEmpty || digits.Length > MaxTextLength || !HasOnlyVisible(digits)) return false;
        byte[] buffer = new byte[Base58.Bitcoin.GetSafeByteCountForDecoding(digits)];
        if (!Base58.Bitcoin.TryDecode(digits, buffer, out int size)) return false;
        bytes = buffer[..size];
        return true;
    }

    /// <summary>Decodes base32 of either case, without padding and without a prefix.</summary>
    internal static bool TryDecodeBase32(ReadOnlySpan<char> digits, [NotNullWhen(true)] out byte[]? bytes)
    {
        bytes = null;
        // 1, 3 or 6 digits over a multiple of 8 are the length of no number of whole bytes.
        if (digits.IsEmpty || digits.Length % 8 is 1 or 3 or 6 || !HasOnlyVisible(digits)) return false;
        byte[] buffer = new byte[Base32.Rfc4648.GetSafeByteCountForDecoding(digits)];
        if (!Base32.Rfc4648.TryDecode(digits, buffer, out int size)) return false;
        bytes = buffer[..size];
        return true;
    }

    // The package's decoders index tables of 127 entries by character and fail on any beyond, DEL included. No base has a digit outside of these.
    private static bool HasOnlyVisible(ReadOnlySpan<char> text) => !text.ContainsAnyExceptInRange('!', '~');

    private static bool TryDecodeBase16(ReadOnlySpan<char> digits, [NotNullWhen(true)] out byte[]? bytes)
    {
        byte[] buffer = new byte[digits.Length / 2];
        bool valid = digits.Length % 2 == 0 && Convert.FromHexString(digits, buffer, out _, out _) == System.Buffers.OperationStatus.Done;
        bytes = valid ? buffer : null;
        return valid;
    }

    private static bool TryDecodeBase36(ReadOnlySpan<char> digits, [NotNullWhen(true)] out byte[]? bytes)
    {
        byte[] buffer = new byte[Base36.LowerCase.GetSafeByteCountForDecoding(digits)];
        bool valid = Base36.LowerCase.TryDecode(digits, buffer, out int size);
        bytes = valid ? buffer[..size] : null;
        return valid;
    }

    private static bool TryDecodeBase64(ReadOnlySpan<char> digits, [NotNullWhen(true)] out byte[]? bytes)
    {
        bytes = null;
        byte[] buffer = new byte[Base64Url.GetMaxDecodedLength(digits.Length) + 3];
        if (!Base64Url.IsValid(digits) || !Base64Url.TryDecodeFromChars(digits, buffer, out int size)) return false;
        bytes = buffer[..size];
        return true;
    }
}
