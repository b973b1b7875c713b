using System.Security.Cryptography;
using Overlay.Proofs.Group;

namespace Overlay.Proofs.Crypto;

/// <summary>The equation of <see cref="Ed25519"/>'s rule, 8·(S·B - R - k·A) = 0, for one signature, and as a random combination for many. Immutable; safe on several threads.</summary>
internal sealed class Ed25519Equation
{
    private readonly CurveBackend _backend;
    private readonly PointTable _base;

    internal Ed25519Equation(CurveBackend backend)
    {
        _backend = backend;
        _base = backend.PrepareTable([CurveConstants.Basepoint], wideCount: 1, known: null);
    }

    /// <summary>For the fastest backend here.</summary>
    internal static Ed25519Equation Default { get; } = new(CurveBackend.Best);

    /// <summary>Takes a signature apart and refuses what the rule refuses without the equation: all but "on the curve".</summary>
    internal static bool TryParse(PublicKey publicKey, ReadOnlySpan<byte> message, ReadOnlySpan<byte> signature, out Term term)
    {
        term = default;
        if (signature.Length != Ed25519.SignatureSize || !Scalar.TryDecode(signature[32..], out Scalar s)) return false;
        if (!Ed25519.IsAcceptableEncoding(publicKey.Bytes) || !Ed25519.IsAcceptableEncoding(signature[..32])) return false;
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA512);
        Span<byte> digest = stackalloc byte[SHA512.HashSizeInBytes];
        hash.AppendData(signature[..32]);
        hash.AppendData(publicKey.Bytes);
        hash.AppendData(message);
        hash.GetHashAndReset(digest);
        term = new Term(publicKey, new CompressedPoint(signature[..32]), s, Scalar.ReduceWide(digest));
        return true;
    }

    /// <summary>Decodes an edwards25519 point that is given in its canonical encoding.</summary>
    internal bool TryDecode(ReadOnlySpan<byte> encoding, out EdwardsPoint point) => _backend.DecodeEdwards(encoding, out point) != 0;

    /// <summary>One signature.</summary>
    internal bool HoldsVarTime(PublicKey publicKey, ReadOnlySpan<byte> message, ReadOnlySpan<byte> signature)
    {
        if (!TryParse(publicKey, message, signature, out Term term)) return false;
        if (!TryDecode(publicKey.Bytes, out EdwardsPoint A) || !TryDecode(term.R.Bytes, out EdwardsPoint R)) return false;
        return HoldsVarTime(term.S, [-term.K], [A], R);
    }

    /// <summary>Whether 8·(s·B + Σ scalars·points - rest) is the neutral point.</summary>
    internal bool HoldsVarTime(in Scalar s, ReadOnlySpan<Scalar> scalars, ReadOnlySpan<EdwardsPoint> points, in EdwardsPoint rest)
    {
        EdwardsPoint sum = _backend.Subtract(_backend.MultiscalarMulVarTime([s], _base, scalars, points), rest);
        return _backend.Double(_backend.Double(_backend.Double(sum))).IsIdentity();
    }

    /// <param name="Key">A, encoded.</param>
    /// <param name="R">The signature's first half.</param>
    /// <param name="S">Its second half.</param>
    /// <param name="K">SHA-512(R ‖ A ‖ message) modulo the order.</param>
    internal readonly record struct Term(PublicKey Key, CompressedPoint R, Scalar S, Scalar K);
}
