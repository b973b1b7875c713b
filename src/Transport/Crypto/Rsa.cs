using System.Security.Cryptography;

namespace Overlay.Transport.Crypto;

/// <summary>RSA identity keys of foreign peers (peer-ids specification, "RSA"): PKIX, RSASSA-PKCS1-v1_5 with SHA-256.</summary>
internal static class Rsa
{
    /// <summary>Smallest key in bits, as go-libp2p and js-libp2p ask.</summary>
    internal const int MinKeyBits = 2048;

    /// <summary>Largest key in bits, as go-libp2p allows: verifying gets slower with the square of the size.</summary>
    internal const int MaxKeyBits = 8192;

    internal static bool VerifyVarTime(ReadOnlySpan<byte> subjectPublicKeyInfo, ReadOnlySpan<byte> message, ReadOnlySpan<byte> signature)
    {
        try
        {
            using var key = RSA.Create();
            key.ImportSubjectPublicKeyInfo(subjectPublicKeyInfo, out _);
            // Only the one encoding that the key has: another would give it another peer id.
            return subjectPublicKeyInfo.SequenceEqual(key.ExportSubjectPublicKeyInfo())
                && key.KeySize is >= MinKeyBits and <= MaxKeyBits
                && key.VerifyData(message, signature, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1);
        }
        catch (CryptographicException)
        {
            return false;
        }
    }
}
