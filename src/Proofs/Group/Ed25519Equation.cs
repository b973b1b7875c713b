using System.Security.Cryptography;

#if !OVERLAY_TRANSPORT
namespace Overlay.Proofs.Group;
#else
namespace Overlay.Transport.Crypto.Group;
#endif

/// <summary>The one rule by which Ed25519 signatures hold, for one and, as a random combination, for many. Immutable; safe on several threads.</summary>
/// <remarks>
/// Two honest verifiers must never disagree, so the rule is stricter than RFC 8032 leaves it: a public key or R that is not the canonical encoding of a
/// point, a public key or R of small order, and an S outside [0, L) are refused; then the equation with cofactor, 8·(S·B - R - k·A) = 0 (RFC 8032, section
/// 5.1.7, its first form), must hold. Variable time: all of it is public.
/// </remarks>
internal sealed class Ed25519Equation
{
    internal const int SignatureSize = 64;
    internal const int PublicKeySize = 32;

    // The y coordinates of the eight points whose order divides 8, without sign bit: 0 (order 4), 1 (order 1), -1 (order 2), and two of order 8.
    private static readonly byte[][] s_smallOrder =
    [
        Convert.FromHexString("0000000000000000000000000000000000000000000000000000000000000000"),
        Convert.FromHexString("0100000000000000000000000000000000000000000000000000000000000000"),
        Convert.FromHexString("ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f"),
        Convert.FromHexString("26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05"),
        Convert.FromHexString("c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a"),
    ];

    private readonly CurveBackend _backend;
    private readonly PointTable _base;

    internal Ed25519Equation(CurveBackend backend)
    {
        _backend = backend;
        _base = backend.PrepareTable([CurveConstants.Basepoint], wideCount: 1, known: null);
    }

    /// <summary>For the fastest backend here.</summary>
    internal static Ed25519Equation Default { get; } = new(CurveBackend.Best);

    /// <summary>Whether a signature holds. False for anything that does not, wrong lengths included.</summary>
    internal bool HoldsVarTime(ReadOnlySpan<byte> publicKey, ReadOnlySpan<byte> message, ReadOnlySpan<byte> signature)
    {
        if (!TryParse(publicKey, message, signature, out Scalar s, out Scalar k)) return false;
        if (!TryDecode(publicKey, out EdwardsPoint A) || !TryDecode(signature[..32], out EdwardsPoint R)) return false;
        return HoldsVarTime(s, [-k], [A], R);
    }

    /// <summary>Whether 8·(s·B + Σ scalars·points - rest) is the neutral point.</summary>
    internal bool HoldsVarTime(in Scalar s, ReadOnlySpan<Scalar> scalars, ReadOnlySpan<EdwardsPoint> points, in EdwardsPoint rest)
    {
        EdwardsPoint sum = _backend.Subtract(_backend.MultiscalarMulVarTime([s], _base, scalars, points), rest);
        return _backend.Double(_backend.Double(_backend.Double(sum))).IsIdentity();
    }

    /// <summary>Decodes an edwards25519 point that is given in its canonical encoding.</summary>
    internal bool TryDecode(ReadOnlySpan<byte> encoding, out EdwardsPoint point) => _backend.DecodeEdwards(encoding, out point) != 0;

    /// <summary>Takes a signature apart and refuses what the rule refuses without the equation: all but "on the curve".</summary>
    /// <param name="publicKey">A, encoded.</param>
    /// <param name="message">What was signed.</param>
    /// <param name="signature">R, encoded, and S.</param>
    /// <param name="s">S.</param>
    /// <param name="k">SHA-512(R ‖ A ‖ message) modulo the order.</param>
    internal static bool TryParse(ReadOnlySpan<byte> publicKey, ReadOnlySpan<byte> message, ReadOnlySpan<byte> signature, out Scalar s, out Scalar k)
    {
        s = k = default;
        if (signature.Length != SignatureSize || !Scalar.TryDecode(signature[32..], out s)) return false;
        if (!IsAcceptableEncoding(publicKey) || !IsAcceptableEncoding(signature[..32])) return false;
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA512);
        Span<byte> digest = stackalloc byte[SHA512.HashSizeInBytes];
        hash.AppendData(signature[..32]);
        hash.AppendData(publicKey);
        hash.AppendData(message);
        hash.GetHashAndReset(digest);
        k = Scalar.ReduceWide(digest);
        return true;
    }

    /// <summary>Whether bytes can be the canonical encoding of a point that is not of small order. Whether there is such a point on the curve, decoding tells.</summary>
    internal static bool IsAcceptableEncoding(ReadOnlySpan<byte> encoding)
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
