using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

#if !OVERLAY_TRANSPORT
namespace Overlay.Proofs.Group;
#else
namespace Overlay.Transport.Crypto.Group;
#endif

/// <summary>Point arithmetic with four field products at a time: the formulas of <see cref="EdwardsArithmetic{TWide}"/> in two steps, as their authors lay them out for
/// four processors (eprint 2008/522, section 4). For processors with AVX2 and BMI2 only.</summary>
/// <remarks>
/// An addition is (Y₁ - X₁, Y₁ + X₁, T₁, Z₁) · (Y₂ - X₂, Y₂ + X₂, 2d·T₂, 2·Z₂) = (A, B, C, D); then E = B - A, H = B + A, F = D - C, G = D + C, which is one
/// exchange of neighbours with a sum and a difference; then (X, Y, T, Z) = (E, H, E, F) · (F, G, H, G).
/// </remarks>
internal readonly unsafe struct VectorArithmetic : IPointArithmetic<VectorPoint, VectorCachedPoint, VectorCachedPoint>
{
    private const byte SwapNeighbours = 0b01_00_11_10;

    // 2p in limbs of 26 and 25 bits, plus 1: what makes a complement the negative modulo p without a borrow.
    private const ulong Negative0 = (1UL << 27) - 38 + 1, NegativeEven = (1UL << 27) - 2 + 1, NegativeOdd = (1UL << 26) - 2 + 1;

    public static void Load(in EdwardsPoint source, out VectorPoint point)
    {
        Vector256<ulong>* v = stackalloc Vector256<ulong>[FieldVector.Size];
        FieldVector.Load(source.X, source.Y, source.T, source.Z, v);
        fixed (ulong* limbs = point.Limbs)
            for (int i = 0; i < FieldVector.Size; i++) v[i].Store(limbs + (4 * i));
    }

    public static EdwardsPoint Store(in VectorPoint point)
    {
        fixed (ulong* limbs = point.Limbs)
        {
            var v = (Vector256<ulong>*)limbs;
            return new EdwardsPoint(FieldVector.Store(v, 0), FieldVector.Store(v, 1), FieldVector.Store(v, 3), FieldVector.Store(v, 2));
        }
    }

    public static void ToCached(in VectorPoint point, out VectorCachedPoint cached)
    {
        Vector256<ulong>* v = stackalloc Vector256<ulong>[FieldVector.Size];
        fixed (ulong* limbs = point.Limbs) SumAndDifferenceOfXY((Vector256<ulong>*)limbs, v);
        fixed (ulong* factors = s_cachedFactors.Limbs) FieldVector.Multiply(v, (Vector256<ulong>*)factors, v);
        Pack(v, out cached);
    }

    public static void ToAffine(ReadOnlySpan<EdwardsPoint> points, Span<VectorCachedPoint> affine)
    {
        var scalar = new AffinePoint[points.Length];
        EdwardsArithmetic<MulxProduct>.ToAffine(points, scalar);
        Vector256<ulong>* v = stackalloc Vector256<ulong>[FieldVector.Size];
        for (int i = 0; i < scalar.Length; i++)
        {
            FieldVector.Load(scalar[i].YMinusX, scalar[i].YPlusX, scalar[i].Xy2d, new FieldElement(2, 0, 0, 0, 0), v);
            Pack(v, out affine[i]);
        }
    }

    [SkipLocalsInit]
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Double(ref VectorPoint point)
    {
        // (X, Y, X + Y, Z)² = (A, B, S, C); then E = A + B - S, H = A + B, F = 2·C + A - B, G = A - B.
        Vector256<ulong>* v = stackalloc Vector256<ulong>[FieldVector.Size], left = stackalloc Vector256<ulong>[FieldVector.Size];
        fixed (ulong* limbs = point.Limbs)
        {
            var p = (Vector256<ulong>*)limbs;
            Vector256<ulong> third = Vector256.Create(0, 0, ulong.MaxValue, 0);
            for (int i = 0; i < FieldVector.Size; i++)
            {
                Vector256<ulong> x = Avx2.Permute4x64(p[i], 0b11_00_01_00), y = Avx2.Permute4x64(p[i], 0b01_01_01_01);
                v[i] = x + (y & third);
            }

            FieldVector.Square(v, v);
            Combine(v, 0, Negative0);
            Combine(v, 1, NegativeOdd);
            Combine(v, 2, NegativeEven);
            Combine(v, 3, NegativeOdd);
            Combine(v, 4, NegativeEven);
            Combine(v, 5, NegativeOdd);
            Combine(v, 6, NegativeEven);
            Combine(v, 7, NegativeOdd);
            Combine(v, 8, NegativeEven);
            Combine(v, 9, NegativeOdd);
            FieldVector.Carry(v);
            for (int i = 0; i < FieldVector.Size; i++) Arrange(v[i], v + i, left + i);
            FieldVector.Multiply(left, v, p);
        }
    }

    [SkipLocalsInit]
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Add(ref VectorPoint point, in VectorCachedPoint summand)
    {
        Vector256<ulong>* g = stackalloc Vector256<ulong>[FieldVector.Size];
        fixed (uint* q = summand.Limbs)
        {
            g[0] = Avx2.ConvertToVector256Int64(q).AsUInt64();
            g[1] = Avx2.ConvertToVector256Int64(q + 4).AsUInt64();
            g[2] = Avx2.ConvertToVector256Int64(q + 8).AsUInt64();
            g[3] = Avx2.ConvertToVector256Int64(q + 12).AsUInt64();
            g[4] = Avx2.ConvertToVector256Int64(q + 16).AsUInt64();
            g[5] = Avx2.ConvertToVector256Int64(q + 20).AsUInt64();
            g[6] = Avx2.ConvertToVector256Int64(q + 24).AsUInt64();
            g[7] = Avx2.ConvertToVector256Int64(q + 28).AsUInt64();
            g[8] = Avx2.ConvertToVector256Int64(q + 32).AsUInt64();
            g[9] = Avx2.ConvertToVector256Int64(q + 36).AsUInt64();
        }

        AddUnpacked(ref point, g);
    }

    public static void Subtract(ref VectorPoint point, in VectorCachedPoint summand) => AddSecret(ref point, summand, ulong.MaxValue);

    [SkipLocalsInit]
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void AddSecret(ref VectorPoint point, in VectorCachedPoint summand, ulong negative)
    {
        Vector256<ulong>* g = stackalloc Vector256<ulong>[FieldVector.Size];
        Vector128<uint> mask = Vector128.Create((uint)negative), odd = Vector128.Create(0, 0, (uint)NegativeOdd, 0), even = Vector128.Create(0, 0, (uint)NegativeEven, 0);
        fixed (uint* q = summand.Limbs)
        {
            g[0] = NegateIf(q, mask, Vector128.Create(0, 0, (uint)Negative0, 0));
            g[1] = NegateIf(q + 4, mask, odd);
            g[2] = NegateIf(q + 8, mask, even);
            g[3] = NegateIf(q + 12, mask, odd);
            g[4] = NegateIf(q + 16, mask, even);
            g[5] = NegateIf(q + 20, mask, odd);
            g[6] = NegateIf(q + 24, mask, even);
            g[7] = NegateIf(q + 28, mask, odd);
            g[8] = NegateIf(q + 32, mask, even);
            g[9] = NegateIf(q + 36, mask, odd);
        }

        AddUnpacked(ref point, g);
    }

    public static void Add(ref VectorPoint point, in VectorCachedPoint summand, AffineTag tag) => Add(ref point, summand);

    public static void Subtract(ref VectorPoint point, in VectorCachedPoint summand, AffineTag tag) => Subtract(ref point, summand);

    public static void AddSecret(ref VectorPoint point, in VectorCachedPoint summand, ulong negative, AffineTag tag) => AddSecret(ref point, summand, negative);

    // What turns (Y - X, Y + X, T, Z) into a cached point: 1, 1, 2·d, 2.
    private static readonly VectorPoint s_cachedFactors = MakeCachedFactors();

    private static VectorPoint MakeCachedFactors()
    {
        Load(new EdwardsPoint(FieldElement.One, FieldElement.One, new FieldElement(2, 0, 0, 0, 0), CurveConstants.D2), out VectorPoint factors);
        return factors;
    }

    // From (A, B, S, C) to (A + B - S, A + B, A - B + 2·C, A - B).
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Combine(Vector256<ulong>* v, int index, ulong bias)
    {
        Vector256<ulong> minusB = Vector256.Create(0, 0, ulong.MaxValue, ulong.MaxValue), minusS = Vector256.Create(ulong.MaxValue, 0, 0, 0);
        Vector256<ulong> limbs = v[index], a = Avx2.Permute4x64(limbs, 0b00_00_00_00), b = Avx2.Permute4x64(limbs, 0b01_01_01_01);
        // Lanes (S, B, C, A) without the second and the last.
        Vector256<ulong> rest = Avx2.Permute4x64(limbs, 0b00_11_01_10) & Vector256.Create(ulong.MaxValue, 0, ulong.MaxValue, 0);
        v[index] = a + (b ^ minusB) + (rest ^ minusS) + (rest & minusB) + Vector256.Create(bias, 0, bias, bias);
    }

    [SkipLocalsInit]
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void AddUnpacked(ref VectorPoint point, Vector256<ulong>* g)
    {
        Vector256<ulong>* v = stackalloc Vector256<ulong>[FieldVector.Size];
        fixed (ulong* limbs = point.Limbs)
        {
            var p = (Vector256<ulong>*)limbs;
            SumAndDifferenceOfXY(p, v);
            FieldVector.Multiply(v, g, v);
            SumAndDifferenceAndComplete(v, g, p);
        }
    }

    // (Y - X, Y + X, T, Z).
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void SumAndDifferenceOfXY(Vector256<ulong>* p, Vector256<ulong>* v)
    {
        Vector256<ulong> minus = Vector256.Create(ulong.MaxValue, 0, 0, 0), keep = Vector256.Create(ulong.MaxValue, ulong.MaxValue, 0, 0);
        Vector256<ulong> even = Vector256.Create(NegativeEven, 0, 0, 0), odd = Vector256.Create(NegativeOdd, 0, 0, 0);
        v[0] = SumAndDifference(p[0], minus, keep, Vector256.Create(Negative0, 0, 0, 0));
        v[1] = SumAndDifference(p[1], minus, keep, odd);
        v[2] = SumAndDifference(p[2], minus, keep, even);
        v[3] = SumAndDifference(p[3], minus, keep, odd);
        v[4] = SumAndDifference(p[4], minus, keep, even);
        v[5] = SumAndDifference(p[5], minus, keep, odd);
        v[6] = SumAndDifference(p[6], minus, keep, even);
        v[7] = SumAndDifference(p[7], minus, keep, odd);
        v[8] = SumAndDifference(p[8], minus, keep, even);
        v[9] = SumAndDifference(p[9], minus, keep, odd);
    }

    // From (A, B, C, D) to (B - A, B + A, D - C, D + C), then to the point.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void SumAndDifferenceAndComplete(Vector256<ulong>* v, Vector256<ulong>* scratch, Vector256<ulong>* point)
    {
        Vector256<ulong> minus = Vector256.Create(ulong.MaxValue, 0, ulong.MaxValue, 0), keep = Vector256<ulong>.AllBitsSet;
        Vector256<ulong> even = Vector256.Create(NegativeEven, 0, NegativeEven, 0), odd = Vector256.Create(NegativeOdd, 0, NegativeOdd, 0);
        Arrange(SumAndDifference(v[0], minus, keep, Vector256.Create(Negative0, 0, Negative0, 0)), v, scratch);
        Arrange(SumAndDifference(v[1], minus, keep, odd), v + 1, scratch + 1);
        Arrange(SumAndDifference(v[2], minus, keep, even), v + 2, scratch + 2);
        Arrange(SumAndDifference(v[3], minus, keep, odd), v + 3, scratch + 3);
        Arrange(SumAndDifference(v[4], minus, keep, even), v + 4, scratch + 4);
        Arrange(SumAndDifference(v[5], minus, keep, odd), v + 5, scratch + 5);
        Arrange(SumAndDifference(v[6], minus, keep, even), v + 6, scratch + 6);
        Arrange(SumAndDifference(v[7], minus, keep, odd), v + 7, scratch + 7);
        Arrange(SumAndDifference(v[8], minus, keep, even), v + 8, scratch + 8);
        Arrange(SumAndDifference(v[9], minus, keep, odd), v + 9, scratch + 9);
        FieldVector.Multiply(scratch, v, point);
    }

    // The neighbour, where it is kept, plus or minus the limb itself; `bias` stands where `minus` does.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<ulong> SumAndDifference(Vector256<ulong> limbs, Vector256<ulong> minus, Vector256<ulong> keep, Vector256<ulong> bias) =>
        (Avx2.Shuffle(limbs.AsInt32(), SwapNeighbours).AsUInt64() & keep) + (limbs ^ minus) + bias;

    // (E, H, F, G) to the two sides of the last product: (E, H, E, F) and (F, G, H, G).
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Arrange(Vector256<ulong> efgh, Vector256<ulong>* right, Vector256<ulong>* left)
    {
        *left = Avx2.Permute4x64(efgh, 0b10_00_01_00);
        *right = Avx2.Permute4x64(efgh, 0b11_01_11_10);
    }

    // The negative of a cached point: Y - X and Y + X change places, 2·d·T its sign.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<ulong> NegateIf(uint* limbs, Vector128<uint> mask, Vector128<uint> bias)
    {
        Vector128<uint> positive = Vector128.Load(limbs);
        Vector128<uint> negative = (Sse2.Shuffle(positive, 0b11_10_00_01) ^ Vector128.Create(0, 0, uint.MaxValue, 0)) + bias;
        return Avx2.ConvertToVector256Int64(Vector128.ConditionalSelect(mask, negative, positive)).AsUInt64();
    }

    // Limbs are carried, so each fits in 32 bits.
    private static void Pack(Vector256<ulong>* v, out VectorCachedPoint cached)
    {
        fixed (uint* limbs = cached.Limbs)
            for (int i = 0; i < FieldVector.Size; i++) Vector256.Narrow(v[i], v[i]).GetLower().Store(limbs + (4 * i));
    }
}
