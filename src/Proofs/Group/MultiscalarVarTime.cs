using System.Buffers;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics.X86;

#if !OVERLAY_TRANSPORT
namespace Overlay.Proofs.Group;
#else
namespace Overlay.Transport.Crypto.Group;
#endif

/// <summary>Σ kᵢ·Pᵢ for public scalars and points, of which some are prepared in a table.</summary>
/// <remarks>
/// Few terms: Straus, with non-adjacent forms, one chain of doublings for all terms. Many: Pippenger, window by window: points with the same digit meet in
/// a bucket, and a running sum multiplies each bucket by its digit.
/// </remarks>
internal static class MultiscalarVarTime<TArithmetic, TPoint, TCached, TAffine>
    where TArithmetic : IPointArithmetic<TPoint, TCached, TAffine>
    where TPoint : unmanaged
    where TCached : unmanaged
    where TAffine : unmanaged
{
    // Measured with benchmarks/Proofs: from here on the buckets win over tables that have to be made first.
    private const int PippengerFrom = 190, NafWidth = 5, MultipleCount = 8, PositionShift = 24;

    /// <summary>Σ over the table's first points, plus Σ over the others.</summary>
    /// <param name="tableScalars">At most as many as the table has points.</param>
    /// <param name="table">Null without <paramref name="tableScalars"/>.</param>
    /// <param name="scalars">As many as <paramref name="points"/>.</param>
    /// <param name="points">Points that no table holds.</param>
    internal static EdwardsPoint Sum(ReadOnlySpan<Scalar> tableScalars, PointTable<TAffine>? table, ReadOnlySpan<Scalar> scalars, ReadOnlySpan<EdwardsPoint> points)
    {
        TPoint sum;
        if (points.Length < PippengerFrom && tableScalars.Length <= (table?.WideCount ?? 0)) Straus(tableScalars, table, scalars, points, out sum);
        else Pippenger(tableScalars, table, scalars, points, out sum);
        return TArithmetic.Store(sum);
    }

    /// <summary>Prepares points: all of them once, the first <paramref name="wideCount"/> with their odd multiples.</summary>
    /// <param name="points">All points.</param>
    /// <param name="wideCount">How many get multiples.</param>
    /// <param name="known">A table of the first of these points with the same multiples, or null.</param>
    internal static PointTable<TAffine> Prepare(ReadOnlySpan<EdwardsPoint> points, int wideCount, PointTable<TAffine>? known)
    {
        var singles = new TAffine[points.Length];
        int done = known?.Count ?? 0;
        known?.Singles.CopyTo(singles.AsSpan());
        TArithmetic.ToAffine(points[done..], singles.AsSpan(done));
        if (known is not null) return new PointTable<TAffine>(singles, known.OddMultiples);

        var odd = new TAffine[wideCount * PointTable<TAffine>.MultipleCount];
        var multiples = new EdwardsPoint[PointTable<TAffine>.MultipleCount];
        for (int i = 0; i < wideCount; i++)
        {
            TArithmetic.Load(points[i], out TPoint multiple);
            TPoint twice = multiple;
            TArithmetic.Double(ref twice);
            TArithmetic.ToCached(twice, out TCached step);
            for (int j = 0; j < multiples.Length; j++)
            {
                if (j > 0) TArithmetic.Add(ref multiple, step);
                multiples[j] = TArithmetic.Store(multiple);
            }

            TArithmetic.ToAffine(multiples, odd.AsSpan(i * multiples.Length, multiples.Length));
        }

        return new PointTable<TAffine>(singles, odd);
    }

    internal static void Straus(ReadOnlySpan<Scalar> tableScalars, PointTable<TAffine>? table, ReadOnlySpan<Scalar> scalars, ReadOnlySpan<EdwardsPoint> points, out TPoint sum)
    {
        int prepared = tableScalars.Length * PointTable<TAffine>.MultipleCount;
        int capacity = (tableScalars.Length * ((Recoding.NafSize / PointTable<TAffine>.NafWidth) + 1)) + (points.Length * ((Recoding.NafSize / NafWidth) + 1));
        int[] additions = ArrayPool<int>.Shared.Rent(capacity), sorted = ArrayPool<int>.Shared.Rent(capacity);
        TCached[] multiples = ArrayPool<TCached>.Shared.Rent(points.Length * MultipleCount);
        try
        {
            int count = ListAdditions(tableScalars, PointTable<TAffine>.NafWidth, firstEntry: 0, PointTable<TAffine>.MultipleCount, additions, 0);
            count = ListAdditions(scalars, NafWidth, prepared, MultipleCount, additions, count);
            SortByPosition(additions.AsSpan(0, count), sorted);
            for (int i = 0; i < points.Length; i++) FillMultiples(points[i], multiples.AsSpan(i * MultipleCount, MultipleCount));

            TArithmetic.Load(EdwardsPoint.Identity, out sum);
            int next = 0;
            for (int position = count == 0 ? -1 : sorted[0] >>> PositionShift; position >= 0; position--)
            {
                TArithmetic.Double(ref sum);
                for (; next < count && sorted[next] >>> PositionShift == position; next++)
                {
                    // A table of many points lies outside the fast caches, but the next entry is known now.
                    if (next + 1 < count && EntryOf(sorted[next + 1]) < prepared) Prefetch(ref table!.OddMultiples[EntryOf(sorted[next + 1])]);
                    int entry = EntryOf(sorted[next]);
                    bool negative = (sorted[next] & 1) != 0;
                    if (entry < prepared)
                    {
                        if (negative) TArithmetic.Subtract(ref sum, table!.OddMultiples[entry], default(AffineTag));
                        else TArithmetic.Add(ref sum, table!.OddMultiples[entry], default(AffineTag));
                    }
                    else if (negative)
                    {
                        TArithmetic.Subtract(ref sum, multiples[entry - prepared]);
                    }
                    else
                    {
                        TArithmetic.Add(ref sum, multiples[entry - prepared]);
                    }
                }
            }
        }
        finally
        {
            ArrayPool<int>.Shared.Return(additions);
            ArrayPool<int>.Shared.Return(sorted);
            ArrayPool<TCached>.Shared.Return(multiples);
        }
    }

    internal static void Pippenger(ReadOnlySpan<Scalar> tableScalars, PointTable<TAffine>? table, ReadOnlySpan<Scalar> scalars, ReadOnlySpan<EdwardsPoint> points, out TPoint sum)
    {
        int count = tableScalars.Length + points.Length, bits = Math.Max(BitLength(tableScalars), BitLength(scalars));
        int width = WindowWidth(count), windows = (bits / width) + 1;
        short[] digits = ArrayPool<short>.Shared.Rent(windows * count);
        TCached[] cached = ArrayPool<TCached>.Shared.Rent(points.Length);
        TPoint[] buckets = ArrayPool<TPoint>.Shared.Rent(1 << (width - 1));
        try
        {
            for (int i = 0; i < tableScalars.Length; i++) Recoding.SignedVarTime(tableScalars[i], width, digits.AsSpan(i), count, windows);
            for (int i = 0; i < points.Length; i++)
            {
                Recoding.SignedVarTime(scalars[i], width, digits.AsSpan(tableScalars.Length + i), count, windows);
                TArithmetic.Load(points[i], out TPoint point);
                TArithmetic.ToCached(point, out cached[i]);
            }

            TArithmetic.Load(EdwardsPoint.Identity, out TPoint identity);
            sum = identity;
            for (int window = windows - 1; window >= 0; window--)
            {
                if (window < windows - 1)
                    for (int i = 0; i < width; i++) TArithmetic.Double(ref sum);
                Span<TPoint> bucketsOfWindow = buckets.AsSpan(0, 1 << (width - 1));
                bucketsOfWindow.Fill(identity);
                ReadOnlySpan<short> row = digits.AsSpan(window * count, count);
                FillBuckets(row[..tableScalars.Length], table, bucketsOfWindow);
                FillBuckets(row[tableScalars.Length..], cached, bucketsOfWindow);
                AddBuckets(ref sum, bucketsOfWindow);
            }
        }
        finally
        {
            ArrayPool<short>.Shared.Return(digits);
            ArrayPool<TCached>.Shared.Return(cached);
            ArrayPool<TPoint>.Shared.Return(buckets);
        }
    }

    private static void FillBuckets(ReadOnlySpan<short> row, PointTable<TAffine>? table, Span<TPoint> buckets)
    {
        for (int i = row.IndexOfAnyExcept((short)0); i >= 0; i = Next(row, i))
        {
            int digit = row[i];
            if (digit > 0) TArithmetic.Add(ref buckets[digit - 1], table!.Singles[i], default(AffineTag));
            else TArithmetic.Subtract(ref buckets[-digit - 1], table!.Singles[i], default(AffineTag));
        }
    }

    private static void FillBuckets(ReadOnlySpan<short> row, TCached[] cached, Span<TPoint> buckets)
    {
        for (int i = row.IndexOfAnyExcept((short)0); i >= 0; i = Next(row, i))
        {
            int digit = row[i];
            if (digit > 0) TArithmetic.Add(ref buckets[digit - 1], cached[i]);
            else TArithmetic.Subtract(ref buckets[-digit - 1], cached[i]);
        }
    }

    // Σ (j + 1)·bucket[j], from the top: every bucket joins the running sum, and the running sum joins the total once for each step.
    private static void AddBuckets(ref TPoint sum, ReadOnlySpan<TPoint> buckets)
    {
        TPoint running = buckets[^1], total = running;
        for (int j = buckets.Length - 2; j >= 0; j--)
        {
            TArithmetic.ToCached(buckets[j], out TCached bucket);
            TArithmetic.Add(ref running, bucket);
            TArithmetic.ToCached(running, out TCached step);
            TArithmetic.Add(ref total, step);
        }

        TArithmetic.ToCached(total, out TCached cached);
        TArithmetic.Add(ref sum, cached);
    }

    // Every digit that is not zero is one addition, in one word: its position in the highest 8 bits, then the entry of the tables, then the sign.
    private static int ListAdditions(ReadOnlySpan<Scalar> scalars, int width, int firstEntry, int entriesPerPoint, Span<int> additions, int count)
    {
        Span<sbyte> naf = stackalloc sbyte[Recoding.NafSize];
        for (int i = 0; i < scalars.Length; i++)
        {
            if (scalars[i].IsZero()) continue;
            Recoding.NafVarTime(scalars[i], width, naf);
            for (int position = Next<sbyte>(naf, -1); position >= 0; position = Next<sbyte>(naf, position))
            {
                int digit = naf[position], entry = firstEntry + (i * entriesPerPoint) + (Math.Abs(digit) >> 1);
                additions[count++] = (position << PositionShift) | (entry << 1) | (digit < 0 ? 1 : 0);
            }
        }

        return count;
    }

    private static int EntryOf(int addition) => (addition & ((1 << PositionShift) - 1)) >> 1;

    // Highest position first; a counting sort.
    private static void SortByPosition(ReadOnlySpan<int> additions, Span<int> sorted)
    {
        Span<int> starts = stackalloc int[Recoding.NafSize + 1];
        starts.Clear();
        foreach (int addition in additions) starts[Recoding.NafSize - (addition >>> PositionShift)]++;
        for (int i = 1; i < starts.Length; i++) starts[i] += starts[i - 1];
        foreach (int addition in additions) sorted[starts[Recoding.NafSize - 1 - (addition >>> PositionShift)]++] = addition;
    }

    private static unsafe void Prefetch<T>(ref T entry) where T : unmanaged
    {
        if (!Sse.IsSupported) return;
        // Only a hint: if the collector moves the table meanwhile, nothing is lost but the hint.
        byte* address = (byte*)Unsafe.AsPointer(ref entry);
        for (int offset = 0; offset < sizeof(T); offset += 64) Sse.Prefetch0(address + offset);
    }

    private static void FillMultiples(in EdwardsPoint point, Span<TCached> multiples)
    {
        TArithmetic.Load(point, out TPoint multiple);
        TPoint twice = multiple;
        TArithmetic.Double(ref twice);
        TArithmetic.ToCached(twice, out TCached step);
        for (int j = 0; j < multiples.Length; j++)
        {
            if (j > 0) TArithmetic.Add(ref multiple, step);
            TArithmetic.ToCached(multiple, out multiples[j]);
        }
    }

    // Where count·windows + 2·buckets·windows is least.
    private static int WindowWidth(int count)
    {
        int best = 1;
        double least = double.MaxValue;
        for (int width = 2; width <= 15; width++)
        {
            double cost = (count + (2.5 * (1 << (width - 1)))) * ((253 / width) + 1);
            if (cost >= least) continue;
            least = cost;
            best = width;
        }

        return best;
    }

    private static int BitLength(ReadOnlySpan<Scalar> scalars)
    {
        int bits = 0;
        foreach (ref readonly Scalar scalar in scalars) bits = Math.Max(bits, scalar.BitLengthVarTime());
        return bits;
    }

    private static int Next<T>(ReadOnlySpan<T> row, int after) where T : IEquatable<T>
    {
        int next = row[(after + 1)..].IndexOfAnyExcept(default(T)!);
        return next < 0 ? -1 : next + after + 1;
    }
}
