using System.Numerics;

namespace Overlay.Proofs.Crypto;

/// <summary>Checks Ed25519 signatures by the one rule that holds here for one signature and for many.</summary>
/// <remarks>
/// Two honest verifiers must never disagree about a receipt, so the rule is stricter than RFC 8032 leaves it: a public key or R that is not the
/// canonical encoding of a point, a public key or R of small order, and an S outside [0, L) are all refused; then the equation with cofactor,
/// 8·S·B = 8·R + 8·k·A (RFC 8032, section 5.1.7, its first form), must hold. It is the form that checking many signatures at once gives too
/// (<see cref="Ed25519Batch"/>), so that one by one and all together never differ.
/// </remarks>
public static class Ed25519
{
    /// <summary>Size of a signature in bytes.</summary>
    public const int SignatureSize = 64;

    /// <summary>Size of a public key in bytes.</summary>
    public const int PublicKeySize = 32;

    /// <summary>Size of a private seed in bytes.</summary>
    public const int SeedSize = 32;

    /// <summary>Checks a signature under the rule in the remarks of this class.</summary>
    /// <param name="publicKey">The signer's key.</param>
    /// <param name="message">The signed bytes.</param>
    /// <param name="signature">The signature; any length but <see cref="SignatureSize"/> is refused.</param>
    /// <returns>False for anything that does not hold. Nothing that a peer can send makes this method throw.</returns>
    public static bool VerifyVarTime(PublicKey publicKey, ReadOnlySpan<byte> message, ReadOnlySpan<byte> signature) =>
        Ed25519Equation.Default.HoldsVarTime(publicKey, message, signature);

    /// <summary>Whether 32 bytes can be the canonical encoding of a point that is not of small order. Whether there is such a point on the curve, the equation tells.</summary>
    internal static bool IsAcceptableEncoding(ReadOnlySpan<byte> encoding)
    {
        // Canonical: y < 2^255 - 19 once the sign bit is taken off.
        Span<byte> y = stackalloc byte[PublicKeySize];
        encoding.CopyTo(y);
        y[31] &= 0x7F;
        if (y[31] == 0x7F && y[0] >= 0xED && !y[1..31].ContainsAnyExcept((byte)0xFF)) return false;
        // With x = 0 only the sign bit 0 is canonical; both such points (y = 1, y = -1) have small order and are in the table below.
        foreach (byte[] small in s_smallOrder)
            if (y.SequenceEqual(small)) return false;
        return true;
    }

    // The y coordinates of the eight points whose order divides 8, without sign bit: 1 (order 1), -1 (2), 0 (4), and two of order 8.
    private static readonly byte[][] s_smallOrder =
    [
        LittleEndian(BigInteger.One),
        LittleEndian(BigInteger.Pow(2, 255) - 20),
        LittleEndian(BigInteger.Zero),
        Convert.FromHexString("26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05"),
        Convert.FromHexString("c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a"),
    ];

    private static byte[] LittleEndian(BigInteger value)
    {
        byte[] bytes = new byte[PublicKeySize];
        value.TryWriteBytes(bytes, out _, isUnsigned: true);
        return bytes;
    }
}
