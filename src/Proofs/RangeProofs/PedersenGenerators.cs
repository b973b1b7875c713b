using Overlay.Proofs.Crypto;
using Overlay.Proofs.Group;

namespace Overlay.Proofs.RangeProofs;

/// <summary>The two bases of every commitment, prepared for one backend: B, the generator, and B_blinding, hashed from B so that nobody knows its logarithm. Immutable.</summary>
internal sealed class PedersenGenerators
{
    private readonly CurveBackend _backend;
    private readonly FixedBase _b, _bBlinding;

    internal PedersenGenerators(CurveBackend backend)
    {
        _backend = backend;
        Span<byte> encoding = stackalloc byte[CompressedPoint.Size], hash = stackalloc byte[RistrettoPoint.UniformSize];
        backend.EncodeRistretto(CurveConstants.Basepoint, encoding);
        KeccakSponge sponge = KeccakSponge.Sha3512();
        sponge.Absorb(encoding);
        sponge.Squeeze(hash);
        BBlinding = backend.MapRistretto(hash);
        _b = backend.PrepareFixedBase(B);
        _bBlinding = backend.PrepareFixedBase(BBlinding);
    }

    /// <summary>For the fastest backend here.</summary>
    internal static PedersenGenerators Default { get; } = new(CurveBackend.Best);

    internal EdwardsPoint B { get; } = CurveConstants.Basepoint;

    internal EdwardsPoint BBlinding { get; }

    /// <summary>value·B + blinding·B_blinding, in constant time.</summary>
    internal EdwardsPoint Commit(in Scalar value, in Scalar blinding) => _backend.Add(_backend.Multiply(value, _b), _backend.Multiply(blinding, _bBlinding));

    internal CompressedPoint Compress(in EdwardsPoint point)
    {
        Span<byte> bytes = stackalloc byte[CompressedPoint.Size];
        _backend.EncodeRistretto(point, bytes);
        return new CompressedPoint(bytes);
    }
}
