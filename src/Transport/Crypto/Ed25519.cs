using System.Security.Cryptography;
using BouncyEd25519 = Org.BouncyCastle.Math.EC.Rfc8032.Ed25519;

namespace Overlay.Transport.Crypto;

/// <summary>Ed25519 (RFC 8032, section 5.1) behind the one name that this assembly uses for it.</summary>
internal static class Ed25519
{
    internal const int SeedSize = 32;
    internal const int PublicKeySize = 32;
    internal const int SignatureSize = 64;

    internal static byte[] GenerateSeed() => RandomNumberGenerator.GetBytes(SeedSize);

    internal static byte[] DerivePublicKey(ReadOnlySpan<byte> seed)
    {
        byte[] publicKey = new byte[PublicKeySize];
        BouncyEd25519.GeneratePublicKey(seed, publicKey);
        return publicKey;
    }

    /// <summary>Signs; giving the public key spares deriving it again, which is half the work.</summary>
    internal static void Sign(byte[] seed, byte[] publicKey, ReadOnlySpan<byte> message, Span<byte> signature)
    {
        byte[] text = message.ToArray();
        byte[] output = new byte[SignatureSize];
        BouncyEd25519.Sign(seed, 0, publicKey, 0, text, 0, text.Length, output, 0);
        output.CopyTo(signature);
    }

    internal static bool VerifyVarTime(ReadOnlySpan<byte> publicKey, ReadOnlySpan<byte> message, ReadOnlySpan<byte> signature)
    {
        if (publicKey.Length != PublicKeySize || signature.Length != SignatureSize) return false;
        byte[] text = message.ToArray();
        return BouncyEd25519.Verify(signature.ToArray(), 0, publicKey.ToArray(), 0, text, 0, text.Length);
    }
}
