#if !OVERLAY_TRANSPORT
namespace Overlay.Proofs.Group;
#else
namespace Overlay.Transport.Crypto.Group;
#endif

/// <summary>Multiplication by secret scalars: the same additions and the same memory touched whatever the scalars are. Results are right as ristretto255 elements.</summary>
internal static class SecretMultiplication<TArithmetic, TPoint, TCached, TAffine>
    where TArithmetic : IPointArithmetic<TPoint, TCached, TAffine>
    where TPoint : unmanaged
    where TCached : unmanaged
    where TAffine : unmanaged
{
    /// <summary>Σ kᵢ·Pᵢ, all points sharing their doublings (Straus), digits of radix 16. Lengths are equal.</summary>
    internal static EdwardsPoint Sum(ReadOnlySpan<Scalar> scalars, ReadOnlySpan<EdwardsPoint> points)
    {
        var tables = new TCached[points.Length * TableLookup.Size];
        sbyte[] digits = GC.AllocateUninitializedArray<sbyte>(scalars.Length * Recoding.OddDigitCount, pinned: true);
        try
        {
            for (int i = 0; i < points.Length; i++)
            {
                FillOddMultiples(points[i], tables.AsSpan(i * TableLookup.Size, TableLookup.Size));
                Recoding.OddRadix16(scalars[i], digits.AsSpan(i * Recoding.OddDigitCount, Recoding.OddDigitCount));
            }

            TArithmetic.Load(EdwardsPoint.Identity, out TPoint sum);
            for (int digit = Recoding.OddDigitCount - 1; digit >= 0; digit--)
            {
                if (digit != Recoding.OddDigitCount - 1) DoubleTimes4(ref sum);
                for (int i = 0; i < points.Length; i++)
                {
                    ulong negative = TableLookup.Select(
                        tables.AsSpan(i * TableLookup.Size, TableLookup.Size), digits[(i * Recoding.OddDigitCount) + digit], out TCached entry);
                    TArithmetic.AddSecret(ref sum, entry, negative);
                }
            }

            return TArithmetic.Store(sum);
        }
        finally
        {
            digits.AsSpan().Clear();
        }
    }

    /// <summary>Prepares a point.</summary>
    internal static FixedBase<TAffine> Prepare(in EdwardsPoint point)
    {
        var multiples = new EdwardsPoint[FixedBase<TAffine>.RowCount * TableLookup.Size];
        TArithmetic.Load(point, out TPoint row);
        for (int i = 0; i < FixedBase<TAffine>.RowCount; i++)
        {
            TPoint odd = row;
            TPoint twice = row;
            TArithmetic.Double(ref twice);
            TArithmetic.ToCached(twice, out TCached step);
            for (int j = 0; j < TableLookup.Size; j++)
            {
                if (j > 0) TArithmetic.Add(ref odd, step);
                multiples[(i * TableLookup.Size) + j] = TArithmetic.Store(odd);
            }

            DoubleTimes4(ref row);
            DoubleTimes4(ref row);
        }

        var entries = new TAffine[multiples.Length];
        TArithmetic.ToAffine(multiples, entries);
        return new FixedBase<TAffine>(entries);
    }

    /// <summary>k·P for a prepared P: the digits of odd places first, then four doublings, then the even places.</summary>
    internal static EdwardsPoint Multiply(in Scalar k, FixedBase<TAffine> prepared)
    {
        Span<sbyte> digits = stackalloc sbyte[Recoding.OddDigitCount];
        Recoding.OddRadix16(k, digits);
        TArithmetic.Load(EdwardsPoint.Identity, out TPoint sum);
        for (int odd = 1; odd >= 0; odd--)
        {
            for (int i = 0; i < FixedBase<TAffine>.RowCount; i++)
            {
                ulong negative = TableLookup.Select(prepared.Row(i), digits[(2 * i) + odd], out TAffine entry);
                TArithmetic.AddSecret(ref sum, entry, negative, default);
            }

            if (odd == 1) DoubleTimes4(ref sum);
        }

        digits.Clear();
        return TArithmetic.Store(sum);
    }

    private static void FillOddMultiples(in EdwardsPoint point, Span<TCached> table)
    {
        TArithmetic.Load(point, out TPoint odd);
        TPoint twice = odd;
        TArithmetic.Double(ref twice);
        TArithmetic.ToCached(twice, out TCached step);
        for (int j = 0; j < table.Length; j++)
        {
            if (j > 0) TArithmetic.Add(ref odd, step);
            TArithmetic.ToCached(odd, out table[j]);
        }
    }

    private static void DoubleTimes4(ref TPoint point)
    {
        for (int i = 0; i < 4; i++) TArithmetic.Double(ref point);
    }
}
