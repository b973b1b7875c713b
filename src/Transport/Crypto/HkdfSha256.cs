using System.Security.Cryptography;

namespace Overlay.Transport.Crypto;

/// <summary>The HKDF of the Noise specification, section 4.3: RFC 5869 with HMAC-SHA256 and an empty info.</summary>
internal static class HkdfSha256
{
    internal const int HashSize = SHA256.HashSizeInBytes;

    /// <summary>Derives two keys of 32 bytes. <paramref name="first"/> may be the memory of <paramref name="chainingKey"/>.</summary>
    /// <remarks>Made of single HMACs, because some platforms' HKDF refuses the empty key material with which a handshake ends.</remarks>
    internal static void DeriveTwo(ReadOnlySpan<byte> chainingKey, ReadOnlySpan<byte> inputKeyMaterial, Span<byte> first, Span<byte> second)
    {
        Span<byte> temporaryKey = stackalloc byte[HashSize];
        HMACSHA256.HashData(chainingKey, inputKeyMaterial, temporaryKey);

        Span<byte> input = stackalloc byte[HashSize + 1];
        input[0] = 1;
        HMACSHA256.HashData(temporaryKey, input[..1], first);

        first[..HashSize].CopyTo(input);
        input[HashSize] = 2;
        HMACSHA256.HashData(temporaryKey, input, second);

        CryptographicOperations.ZeroMemory(temporaryKey);
        CryptographicOperations.ZeroMemory(input);
    }
}
