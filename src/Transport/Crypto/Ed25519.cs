using System.Security.Cryptography;
using Overlay.Transport.Crypto.Group;
using BouncyEd25519 = Org.BouncyCastle.Math.EC.Rfc8032.Ed25519;

namespace Overlay.Transport.Crypto;

/// <summary>Ed25519 (RFC 8032, section 5.1) behind the one name that this assembly uses for it: signing by BouncyCastle, checking over the group.</summary>
internal static class Ed25519
{
    internal const int SeedSize = 32;
    internal const int PublicKeySize = Ed25519Equation.PublicKeySize;
    internal const int SignatureSize = Ed25519Equation.SignatureSize;

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

    /// <summary>Checks a signature by the rule of <see cref="Ed25519Equation"/>. False for anything that does not hold, wrong lengths included.</summary>
    internal static bool VerifyVarTime(ReadOnlySpan<byte> publicKey, ReadOnlySpan<byte> message, ReadOnlySpan<byte> signature) =>
        Ed25519Equation.Default.HoldsVarTime(publicKey, message, signature);
}
