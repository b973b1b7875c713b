using System.Buffers;

namespace Overlay.Proofs.Group;

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
    private const int PippengerFrom = 190, NafWidth = 5, MultipleCount = 8;

    /// <summary>Σ over the table's first points, plus Σ over the others.</summary>
    /// <param name="tableScalars">At most as many as the table has points.</param>
    /// <param name="table">Null without <paramref name="tableScalars"/>.</param>
    /// <param name="scalars">As many as <paramref name="points"/>.</param>
    /// <param name="points">Points that no table holds.</param>
    internal static EdwardsPoint Sum(ReadOnlySpan<Scalar> tableScalars, PointTable<TAffine>? table, ReadOnlySpan<Scalar> scalars, ReadOnlySpan<EdwardsPoint> points)
    {
        TPoint sum;
        if (points.Length < PippengerFrom && tableScalars.Length <= (table?.WideCount ?? 0))
        {
            Straus(tableScalars, table, scalars, points, out sum);
        }
        else if (points.Length >= PippengerFrom && tableScalars.Length <= (table?.WideCount ?? 0) && points.Length < 8 * PippengerFrom && tableScalars.Length > 0)
        {
            // Few prepared points keep their wide table, which needs no buckets.
            Straus(tableScalars, table, [], [], out sum);
            Pippenger([], null, scalars, points, out TPoint rest);
            TArithmetic.ToCached(rest, out TCached cached);
            TArithmetic.Add(ref sum, cached);
        }
        else
        {
            Pippenger(tableScalars, table, scalars, points, out sum);
        }

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
        int count = tableScalars.Length + points.Length;
        sbyte[] digits = ArrayPool<sbyte>.Shared.Rent(Recoding.NafSize * count);
        TCached[] multiples = ArrayPool<TCached>.Shared.Rent(points.Length * MultipleCount);
        try
        {
            int top = FillDigits(tableScalars, scalars, digits.AsSpan(0, Recoding.NafSize * count));
            for (int i = 0; i < points.Length; i++) FillMultiples(points[i], multiples.AsSpan(i * MultipleCount, MultipleCount));

            TArithmetic.Load(EdwardsPoint.Identity, out sum);
            for (int position = top; position >= 0; position--)
            {
                TArithmetic.Double(ref sum);
                ReadOnlySpan<sbyte> row = digits.AsSpan(position * count, count);
                for (int i = row.IndexOfAnyExcept((sbyte)0); i >= 0; i = Next(row, i))
                {
                    int digit = row[i], multiple = Math.Abs(digit) >> 1;
                    if (i < tableScalars.Length)
                    {
                        ref TAffine summand = ref table!.OddMultiples[(i * PointTable<TAffine>.MultipleCount) + multiple];
                        if (digit > 0) TArithmetic.Add(ref sum, summand, default(AffineTag));
                        else TArithmetic.Subtract(ref sum, summand, default(AffineTag));
                    }
                    else
                    {
                        ref TCached summand = ref multiples[((i - tableScalars.Length) * MultipleCount) + multiple];
                        if (digit > 0) TArithmetic.Add(ref sum, summand);
                        else TArithmetic.Subtract(ref sum, summand);
                    }
                }
            }
        }
        finally
        {
            ArrayPool<sbyte>.Shared.Return(digits);
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

    // Digits by position, so that the loop over a position reads one row. Returns the highest position with a digit.
    private static int FillDigits(ReadOnlySpan<Scalar> tableScalars, ReadOnlySpan<Scalar> scalars, Span<sbyte> digits)
    {
        int count = tableScalars.Length + scalars.Length, top = -1;
        digits.Clear();
        Span<sbyte> naf = stackalloc sbyte[Recoding.NafSize];
        for (int i = 0; i < count; i++)
        {
            bool prepared = i < tableScalars.Length;
            Recoding.NafVarTime(prepared ? tableScalars[i] : scalars[i - tableScalars.Length], prepared ? PointTable<TAffine>.NafWidth : NafWidth, naf);
            for (int position = ((ReadOnlySpan<sbyte>)naf).IndexOfAnyExcept((sbyte)0); position >= 0; position = Next<sbyte>(naf, position))
            {
                digits[(position * count) + i] = naf[position];
                top = Math.Max(top, position);
            }
        }

        return top;
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
