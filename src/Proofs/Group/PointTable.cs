#if !OVERLAY_TRANSPORT
namespace Overlay.Proofs.Group;
#else
namespace Overlay.Transport.Crypto.Group;
#endif

/// <summary>Points that are multiplied again and again, prepared by one backend for <see cref="CurveBackend.MultiscalarMulVarTime"/>. Immutable; safe on several threads.</summary>
internal abstract class PointTable
{
    /// <summary>How many points.</summary>
    internal abstract int Count { get; }
}

/// <param name="singles">Every point once, for Pippenger's buckets.</param>
/// <param name="oddMultiples">The first points' multiples 1, 3, … 63, <see cref="MultipleCount"/> for each, for Straus with a form of width 7.</param>
internal sealed class PointTable<TAffine>(TAffine[] singles, TAffine[] oddMultiples) : PointTable
{
    internal const int MultipleCount = 32, NafWidth = 7;

    internal TAffine[] Singles { get; } = singles;

    internal TAffine[] OddMultiples { get; } = oddMultiples;

    internal int WideCount => OddMultiples.Length / MultipleCount;

    internal override int Count => Singles.Length;
}

/// <summary>One point prepared by one backend for constant-time multiplication by many scalars. Immutable; safe on several threads.</summary>
internal abstract class FixedBase;

/// <param name="entries">For i from 0 to 31 the odd multiples 1, 3, … 15 of 256ⁱ times the point.</param>
internal sealed class FixedBase<TAffine>(TAffine[] entries) : FixedBase
{
    internal const int RowCount = Recoding.OddDigitCount / 2;

    internal ReadOnlySpan<TAffine> Row(int index) => entries.AsSpan(index * TableLookup.Size, TableLookup.Size);
}
