using System.Security.Cryptography;
using Overlay.Transport.Crypto.Group;
using BouncyEd25519 = Org.BouncyCastle.Math.EC.Rfc8032.Ed25519;

namespace Overlay.Transport.Crypto;

/// <summary>Ed25519 (RFC 8032, section 5.1) behind the one name that this assembly uses for it: signing by BouncyCastle, checking over the group.</summary>
/// <remarks>
/// Signatures are checked by the same rule as receipts are (the proofs assembly, which this one never sees, has its own copy; a conformance test
/// holds both against big integers, a property this one against BouncyCastle): a public key or R that is not the canonical encoding of a point, a public key or R of small order, and an S outside [0, L) are
/// refused; then the equation with cofactor, 8·S·B = 8·R + 8·k·A (RFC 8032, section 5.1.7, its first form), must hold.
/// </remarks>
internal static class Ed25519
{
    internal const int SeedSize = 32;
    internal const int PublicKeySize = 32;
    internal const int SignatureSize = 64;

    // The y coordinates, without sign bit, of the eight points whose order divides 8: 0, 1, -1 and the two of order 8.
    private static readonly byte[][] s_smallOrder =
    [
        Convert.FromHexString("0000000000000000000000000000000000000000000000000000000000000000"),
        Convert.FromHexString("0100000000000000000000000000000000000000000000000000000000000000"),
        Convert.FromHexString("ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f"),
        Convert.FromHexString("26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05"),
        Convert.FromHexString("c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a"),
    ];

    private static readonly PointTable s_base = CurveBackend.Best.PrepareTable([CurveConstants.Basepoint], wideCount: 1, known: null);

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

    /// <summary>Checks a signature by the rule in the remarks of this class. False for anything that does not hold, wrong lengths included.</summary>
    internal static bool VerifyVarTime(ReadOnlySpan<byte> publicKey, ReadOnlySpan<byte> message, ReadOnlySpan<byte> signature)
    {
        if (signature.Length != SignatureSize || !IsAcceptableEncoding(publicKey) || !IsAcceptableEncoding(signature[..32])) return false;
        CurveBackend curve = CurveBackend.Best;
        if (!Scalar.TryDecode(signature[32..], out Scalar s)) return false;
        if (curve.DecodeEdwards(publicKey, out EdwardsPoint A) == 0 || curve.DecodeEdwards(signature[..32], out EdwardsPoint R) == 0) return false;

        EdwardsPoint sum = curve.MultiscalarMulVarTime([s], s_base, [-Challenge(signature[..32], publicKey, message)], [A]);
        sum = curve.Subtract(sum, R);
        return curve.Double(curve.Double(curve.Double(sum))).IsIdentity();
    }

    // SHA-512(R ‖ A ‖ message) modulo the order.
    private static Scalar Challenge(ReadOnlySpan<byte> R, ReadOnlySpan<byte> publicKey, ReadOnlySpan<byte> message)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA512);
        Span<byte> digest = stackalloc byte[SHA512.HashSizeInBytes];
        hash.AppendData(R);
        hash.AppendData(publicKey);
        hash.AppendData(message);
        hash.GetHashAndReset(digest);
        return Scalar.ReduceWide(digest);
    }

    // Whether 32 bytes can be the canonical encoding of a point that is not of small order; decoding tells whether there is such a point.
    private static bool IsAcceptableEncoding(ReadOnlySpan<byte> encoding)
    {
        if (encoding.Length != PublicKeySize) return false;
        Span<byte> y = stackalloc byte[PublicKeySize];
        encoding.CopyTo(y);
        y[31] &= 0x7F;
        // Canonical: y < 2^255 - 19. That x = 0 goes with sign 0 needs no check: both such points are of small order.
        if (y[31] == 0x7F && y[0] >= 0xED && !y[1..31].ContainsAnyExcept((byte)0xFF)) return false;
        foreach (byte[] small in s_smallOrder)
            if (y.SequenceEqual(small)) return false;
        return true;
    }
}
