using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

#if !OVERLAY_TRANSPORT
namespace Overlay.Proofs.Group;
#else
namespace Overlay.Transport.Crypto.Group;
#endif

/// <summary>All operations on points that cost something, in one of the ways this processor can do them. Every backend gives the same results.</summary>
/// <remarks>Constant time, but for members whose names end in VarTime, which are for public scalars.</remarks>
internal abstract class CurveBackend
{
    /// <summary>Words and 64-bit products, as every platform has them.</summary>
    internal static CurveBackend Portable { get; } = new CurveBackend<PortableProduct, EdwardsArithmetic<PortableProduct>, EdwardsPoint, CachedPoint, AffinePoint>("portable");

    /// <summary>What runs here, the fastest first; the last is always <see cref="Portable"/>.</summary>
    internal static IReadOnlyList<CurveBackend> All { get; } = [.. FindSupported()];

    /// <summary>The fastest that runs here.</summary>
    internal static CurveBackend Best => All[0];

    /// <summary>A word for tests and benchmarks.</summary>
    internal abstract string Name { get; }

    internal abstract ulong DecodeRistretto(ReadOnlySpan<byte> bytes, out EdwardsPoint point);

    internal abstract void EncodeRistretto(in EdwardsPoint point, Span<byte> destination);

    internal abstract EdwardsPoint MapRistretto(ReadOnlySpan<byte> bytes);

    internal abstract ulong AreEqualRistretto(in EdwardsPoint a, in EdwardsPoint b);

    internal abstract ulong DecodeEdwards(ReadOnlySpan<byte> bytes, out EdwardsPoint point);

    internal abstract EdwardsPoint Add(in EdwardsPoint a, in EdwardsPoint b);

    internal abstract EdwardsPoint Subtract(in EdwardsPoint a, in EdwardsPoint b);

    internal abstract EdwardsPoint Double(in EdwardsPoint point);

    /// <summary>Σ kᵢ·Pᵢ for secret kᵢ, as a ristretto255 element.</summary>
    internal abstract EdwardsPoint MultiscalarMul(ReadOnlySpan<Scalar> scalars, ReadOnlySpan<EdwardsPoint> points);

    internal abstract FixedBase PrepareFixedBase(in EdwardsPoint point);

    /// <summary>k·P for a secret k, as a ristretto255 element.</summary>
    internal abstract EdwardsPoint Multiply(in Scalar k, FixedBase prepared);

    /// <summary>Prepares points: all of them once, the first <paramref name="wideCount"/> with many multiples. <paramref name="known"/> is a table of the first of them, or null.</summary>
    internal abstract PointTable PrepareTable(ReadOnlySpan<EdwardsPoint> points, int wideCount, PointTable? known);

    /// <summary>Σ over the table's first points, plus Σ over the others, exactly on edwards25519. All of it public.</summary>
    internal abstract EdwardsPoint MultiscalarMulVarTime(
        ReadOnlySpan<Scalar> tableScalars, PointTable? table, ReadOnlySpan<Scalar> scalars, ReadOnlySpan<EdwardsPoint> points);

    private static IEnumerable<CurveBackend> FindSupported()
    {
        if (Avx2.IsSupported && Vector256.IsHardwareAccelerated && Bmi2.X64.IsSupported)
            yield return new CurveBackend<MulxProduct, VectorArithmetic, VectorPoint, VectorCachedPoint, VectorCachedPoint>("avx2");
        if (Bmi2.X64.IsSupported)
            yield return new CurveBackend<MulxProduct, EdwardsArithmetic<MulxProduct>, EdwardsPoint, CachedPoint, AffinePoint>("bmi2");
        yield return Portable;
    }
}

internal sealed class CurveBackend<TWide, TArithmetic, TPoint, TCached, TAffine>(string name) : CurveBackend
    where TWide : struct, IWideProduct
    where TArithmetic : IPointArithmetic<TPoint, TCached, TAffine>
    where TPoint : unmanaged
    where TCached : unmanaged
    where TAffine : unmanaged
{
    internal override string Name => name;

    internal override ulong DecodeRistretto(ReadOnlySpan<byte> bytes, out EdwardsPoint point) => Encodings<TWide>.DecodeRistretto(bytes, out point);

    internal override void EncodeRistretto(in EdwardsPoint point, Span<byte> destination) => Encodings<TWide>.EncodeRistretto(point, destination);

    internal override EdwardsPoint MapRistretto(ReadOnlySpan<byte> bytes) => Encodings<TWide>.MapRistretto(bytes);

    internal override ulong AreEqualRistretto(in EdwardsPoint a, in EdwardsPoint b) => Encodings<TWide>.AreEqualRistretto(a, b);

    internal override ulong DecodeEdwards(ReadOnlySpan<byte> bytes, out EdwardsPoint point) => Encodings<TWide>.DecodeEdwards(bytes, out point);

    internal override EdwardsPoint Add(in EdwardsPoint a, in EdwardsPoint b)
    {
        EdwardsPoint sum = a;
        EdwardsArithmetic<TWide>.ToCached(b, out CachedPoint summand);
        EdwardsArithmetic<TWide>.Add(ref sum, summand);
        return sum;
    }

    internal override EdwardsPoint Subtract(in EdwardsPoint a, in EdwardsPoint b)
    {
        EdwardsPoint difference = a;
        EdwardsArithmetic<TWide>.ToCached(b, out CachedPoint summand);
        EdwardsArithmetic<TWide>.Subtract(ref difference, summand);
        return difference;
    }

    internal override EdwardsPoint Double(in EdwardsPoint point)
    {
        EdwardsPoint twice = point;
        EdwardsArithmetic<TWide>.Double(ref twice);
        return twice;
    }

    internal override EdwardsPoint MultiscalarMul(ReadOnlySpan<Scalar> scalars, ReadOnlySpan<EdwardsPoint> points) =>
        SecretMultiplication<TArithmetic, TPoint, TCached, TAffine>.Sum(scalars, points);

    internal override FixedBase PrepareFixedBase(in EdwardsPoint point) => SecretMultiplication<TArithmetic, TPoint, TCached, TAffine>.Prepare(point);

    internal override EdwardsPoint Multiply(in Scalar k, FixedBase prepared) =>
        SecretMultiplication<TArithmetic, TPoint, TCached, TAffine>.Multiply(k, (FixedBase<TAffine>)prepared);

    internal override PointTable PrepareTable(ReadOnlySpan<EdwardsPoint> points, int wideCount, PointTable? known) =>
        MultiscalarVarTime<TArithmetic, TPoint, TCached, TAffine>.Prepare(points, wideCount, (PointTable<TAffine>?)known);

    internal override EdwardsPoint MultiscalarMulVarTime(
        ReadOnlySpan<Scalar> tableScalars, PointTable? table, ReadOnlySpan<Scalar> scalars, ReadOnlySpan<EdwardsPoint> points) =>
        MultiscalarVarTime<TArithmetic, TPoint, TCached, TAffine>.Sum(tableScalars, (PointTable<TAffine>?)table, scalars, points);
}
