using System.Security.Cryptography;

namespace Overlay.Transport.Crypto;

/// <summary>HKDF with HMAC-SHA256 (RFC 5869) and an empty info, which is the HKDF of the Noise specification, section 4.3.</summary>
internal static class HkdfSha256
{
    internal const int HashSize = SHA256.HashSizeInBytes;

    /// <summary>Derives two keys of 32 bytes.</summary>
    internal static void DeriveTwo(ReadOnlySpan<byte> chainingKey, ReadOnlySpan<byte> inputKeyMaterial, Span<byte> first, Span<byte> second)
    {
        Span<byte> output = stackalloc byte[2 * HashSize];
        HKDF.DeriveKey(HashAlgorithmName.SHA256, inputKeyMaterial, output, chainingKey, info: default);
        output[..HashSize].CopyTo(first);
        output[HashSize..].CopyTo(second);
        CryptographicOperations.ZeroMemory(output);
    }
}
