using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Overlay.Proofs.Group;

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
            Vector256<ulong> minusB = Vector256.Create(0, 0, ulong.MaxValue, ulong.MaxValue), minusS = Vector256.Create(ulong.MaxValue, 0, 0, 0);
            for (int i = 0; i < FieldVector.Size; i++)
            {
                ulong n = i == 0 ? Negative0 : i % 2 == 0 ? NegativeEven : NegativeOdd;
                Vector256<ulong> a = Avx2.Permute4x64(v[i], 0b00_00_00_00), b = Avx2.Permute4x64(v[i], 0b01_01_01_01);
                Vector256<ulong> s = Avx2.Permute4x64(v[i], 0b10_10_10_10) & minusS, c = Avx2.Permute4x64(v[i], 0b11_11_11_11) & third;
                v[i] = a + (b ^ minusB) + (Vector256.Create(n) & (minusB | minusS)) + (s ^ minusS) + c + c;
            }

            FieldVector.Carry(v);
            Complete(v, left, p);
        }
    }

    [SkipLocalsInit]
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Add(ref VectorPoint point, in VectorCachedPoint summand)
    {
        Vector256<ulong>* g = stackalloc Vector256<ulong>[FieldVector.Size];
        fixed (uint* q = summand.Limbs)
            for (int i = 0; i < FieldVector.Size; i++) g[i] = Avx2.ConvertToVector256Int64(q + (4 * i)).AsUInt64();
        AddUnpacked(ref point, g);
    }

    [SkipLocalsInit]
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Subtract(ref VectorPoint point, in VectorCachedPoint summand)
    {
        Vector256<ulong>* g = stackalloc Vector256<ulong>[FieldVector.Size];
        fixed (uint* q = summand.Limbs)
            for (int i = 0; i < FieldVector.Size; i++) g[i] = Avx2.ConvertToVector256Int64(Negate(Vector128.Load(q + (4 * i)), i)).AsUInt64();
        AddUnpacked(ref point, g);
    }

    [SkipLocalsInit]
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void AddSecret(ref VectorPoint point, in VectorCachedPoint summand, ulong negative)
    {
        Vector256<ulong>* g = stackalloc Vector256<ulong>[FieldVector.Size];
        Vector128<uint> mask = Vector128.Create((uint)negative);
        fixed (uint* q = summand.Limbs)
        {
            for (int i = 0; i < FieldVector.Size; i++)
            {
                Vector128<uint> limbs = Vector128.Load(q + (4 * i));
                g[i] = Avx2.ConvertToVector256Int64(Vector128.ConditionalSelect(mask, Negate(limbs, i), limbs)).AsUInt64();
            }
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
            Vector256<ulong> minus = Vector256.Create(ulong.MaxValue, 0, ulong.MaxValue, 0);
            for (int i = 0; i < FieldVector.Size; i++) v[i] = SumAndDifference(v[i], minus, i);
            Complete(v, g, p);
        }
    }

    // From v = (E, H, F, G) to the point (E·F, H·G, E·H, F·G). Overwrites v and scratch.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Complete(Vector256<ulong>* v, Vector256<ulong>* scratch, Vector256<ulong>* point)
    {
        for (int i = 0; i < FieldVector.Size; i++)
        {
            Vector256<ulong> efgh = v[i];
            scratch[i] = Avx2.Permute4x64(efgh, 0b10_00_01_00);
            v[i] = Avx2.Permute4x64(efgh, 0b11_01_11_10);
        }

        FieldVector.Multiply(scratch, v, point);
    }

    // (Y - X, Y + X, T, Z).
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void SumAndDifferenceOfXY(Vector256<ulong>* p, Vector256<ulong>* v)
    {
        Vector256<ulong> minus = Vector256.Create(ulong.MaxValue, 0, 0, 0), firstTwo = Vector256.Create(ulong.MaxValue, ulong.MaxValue, 0, 0);
        for (int i = 0; i < FieldVector.Size; i++)
        {
            Vector256<ulong> swapped = Avx2.Shuffle(p[i].AsInt32(), SwapNeighbours).AsUInt64() & firstTwo;
            v[i] = swapped + (p[i] ^ minus) + (Bias(i) & minus);
        }
    }

    // Even lanes: right neighbour minus left. Odd lanes: sum. `minus` is all ones in even lanes.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<ulong> SumAndDifference(Vector256<ulong> limbs, Vector256<ulong> minus, int index) =>
        Avx2.Shuffle(limbs.AsInt32(), SwapNeighbours).AsUInt64() + (limbs ^ minus) + (Bias(index) & minus);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<ulong> Bias(int index) => Vector256.Create(index == 0 ? Negative0 : index % 2 == 0 ? NegativeEven : NegativeOdd);

    // The negative of a cached point: Y - X and Y + X change places, 2·d·T its sign.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<uint> Negate(Vector128<uint> limbs, int index)
    {
        uint bias = (uint)(index == 0 ? Negative0 : index % 2 == 0 ? NegativeEven : NegativeOdd);
        return (Sse2.Shuffle(limbs, 0b11_10_00_01) ^ Vector128.Create(0, 0, uint.MaxValue, 0)) + Vector128.Create(0, 0, bias, 0);
    }

    // Limbs are carried, so each fits in 32 bits.
    private static void Pack(Vector256<ulong>* v, out VectorCachedPoint cached)
    {
        fixed (uint* limbs = cached.Limbs)
            for (int i = 0; i < FieldVector.Size; i++) Vector256.Narrow(v[i], v[i]).GetLower().Store(limbs + (4 * i));
    }
}
