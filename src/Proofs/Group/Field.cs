using System.Runtime.CompilerServices;

namespace Overlay.Proofs.Group;

/// <summary>Products, powers and roots in GF(2²⁵⁵ - 19). Constant time.</summary>
/// <remarks>
/// Each product of limbs is cut at bit 51 at once: the low part is (a·b) mod 2⁵¹, the high part the upper word of (2⁹·a)·(2⁴·b), that is ⌊a·b / 2⁵¹⌋.
/// Both kinds of parts add up in single words, so no carry has to be carried between words. Operands have limbs below 2⁵⁴: a high part is then
/// below 2⁵⁷, with the factor 19 below 2^61.25, and five of them below 2⁶⁴.
/// </remarks>
internal static class Field<TWide> where TWide : struct, IWideProduct
{
    private const ulong Mask = FieldElement.LimbMask;
    private const int Bits = FieldElement.LimbBits, ShiftA = 9, ShiftB = 4;

    /// <summary>a·b, carried.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    internal static FieldElement Multiply(in FieldElement a, in FieldElement b)
    {
        ulong a0 = a.L0, a1 = a.L1, a2 = a.L2, a3 = a.L3, a4 = a.L4, b0 = b.L0, b1 = b.L1, b2 = b.L2, b3 = b.L3, b4 = b.L4;
        ulong c1 = b1 * 19, c2 = b2 * 19, c3 = b3 * 19, c4 = b4 * 19;

        ulong l0 = Low(a0, b0) + Low(a1, c4) + Low(a2, c3) + Low(a3, c2) + Low(a4, c1);
        ulong l1 = Low(a0, b1) + Low(a1, b0) + Low(a2, c4) + Low(a3, c3) + Low(a4, c2);
        ulong l2 = Low(a0, b2) + Low(a1, b1) + Low(a2, b0) + Low(a3, c4) + Low(a4, c3);
        ulong l3 = Low(a0, b3) + Low(a1, b2) + Low(a2, b1) + Low(a3, b0) + Low(a4, c4);
        ulong l4 = Low(a0, b4) + Low(a1, b3) + Low(a2, b2) + Low(a3, b1) + Low(a4, b0);

        a0 <<= ShiftA; a1 <<= ShiftA; a2 <<= ShiftA; a3 <<= ShiftA; a4 <<= ShiftA;
        b0 <<= ShiftB; b1 <<= ShiftB; b2 <<= ShiftB; b3 <<= ShiftB; b4 <<= ShiftB;
        c1 <<= ShiftB; c2 <<= ShiftB; c3 <<= ShiftB; c4 <<= ShiftB;

        ulong h0 = High(a0, b0) + High(a1, c4) + High(a2, c3) + High(a3, c2) + High(a4, c1);
        ulong h1 = High(a0, b1) + High(a1, b0) + High(a2, c4) + High(a3, c3) + High(a4, c2);
        ulong h2 = High(a0, b2) + High(a1, b1) + High(a2, b0) + High(a3, c4) + High(a4, c3);
        ulong h3 = High(a0, b3) + High(a1, b2) + High(a2, b1) + High(a3, b0) + High(a4, c4);
        ulong h4 = High(a0, b4) + High(a1, b3) + High(a2, b2) + High(a3, b1) + High(a4, b0);
        return Reduce(l0, l1, l2, l3, l4, h0, h1, h2, h3, h4);
    }

    /// <summary>a², carried.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    internal static FieldElement Square(in FieldElement a)
    {
        ulong a0 = a.L0, a1 = a.L1, a2 = a.L2, a3 = a.L3, a4 = a.L4, c3 = a3 * 19, c4 = a4 * 19;

        ulong l0 = Low(a0, a0) + (2 * (Low(a1, c4) + Low(a2, c3)));
        ulong l1 = (2 * (Low(a0, a1) + Low(a2, c4))) + Low(a3, c3);
        ulong l2 = (2 * (Low(a0, a2) + Low(a3, c4))) + Low(a1, a1);
        ulong l3 = (2 * (Low(a0, a3) + Low(a1, a2))) + Low(a4, c4);
        ulong l4 = (2 * (Low(a0, a4) + Low(a1, a3))) + Low(a2, a2);

        ulong b0 = a0 << ShiftA, b1 = a1 << ShiftA, b2 = a2 << ShiftA, b3 = a3 << ShiftA, b4 = a4 << ShiftA;
        a0 <<= ShiftB; a1 <<= ShiftB; a2 <<= ShiftB; a3 <<= ShiftB; a4 <<= ShiftB; c3 <<= ShiftB; c4 <<= ShiftB;

        ulong h0 = High(b0, a0) + (2 * (High(b1, c4) + High(b2, c3)));
        ulong h1 = (2 * (High(b0, a1) + High(b2, c4))) + High(b3, c3);
        ulong h2 = (2 * (High(b0, a2) + High(b3, c4))) + High(b1, a1);
        ulong h3 = (2 * (High(b0, a3) + High(b1, a2))) + High(b4, c4);
        ulong h4 = (2 * (High(b0, a4) + High(b1, a3))) + High(b2, a2);
        return Reduce(l0, l1, l2, l3, l4, h0, h1, h2, h3, h4);
    }

    /// <summary>a^(2^<paramref name="times"/>).</summary>
    internal static FieldElement SquareTimes(in FieldElement a, int times)
    {
        FieldElement r = a;
        for (int i = 0; i < times; i++) r = Square(r);
        return r;
    }

    /// <summary>1/a = a^(p - 2); zero for zero.</summary>
    internal static FieldElement Invert(in FieldElement a)
    {
        FieldElement a250 = PowerOfTwo250Less1(a, out FieldElement a11);
        return Multiply(SquareTimes(a250, 5), a11);
    }

    /// <summary>a^((p - 5)/8) = a^(2²⁵² - 3).</summary>
    internal static FieldElement PowerP58(in FieldElement a) => Multiply(SquareTimes(PowerOfTwo250Less1(a, out _), 2), a);

    /// <summary>SQRT_RATIO_M1 of RFC 9496, section 4.2: the non-negative root of u/v, or of i·u/v when u/v is no square.</summary>
    /// <returns>All ones when u/v is a square (zero counts, v = 0 only with u = 0), else zero.</returns>
    internal static ulong SqrtRatioM1(in FieldElement u, in FieldElement v, out FieldElement root)
    {
        FieldElement v3 = Multiply(Square(v), v), uv3 = Multiply(u, v3), uv7 = Multiply(uv3, Square(Square(v)));
        FieldElement r = Multiply(uv3, PowerP58(uv7));
        FieldElement check = Multiply(v, Square(r)), minusU = FieldElement.Negate(u);

        ulong correct = FieldElement.AreEqual(check, u);
        ulong flipped = FieldElement.AreEqual(check, minusU);
        ulong flippedI = FieldElement.AreEqual(check, Multiply(minusU, CurveConstants.SqrtM1));
        r = FieldElement.Select(flipped | flippedI, Multiply(r, CurveConstants.SqrtM1), r);
        root = FieldElement.Abs(r);
        return correct | flipped;
    }

    // a^(2^250 - 1) and a^11, the common part of both exponents above.
    private static FieldElement PowerOfTwo250Less1(in FieldElement a, out FieldElement a11)
    {
        FieldElement a2 = Square(a), a9 = Multiply(SquareTimes(a2, 2), a);
        a11 = Multiply(a9, a2);
        FieldElement x5 = Multiply(Square(a11), a9);
        FieldElement x10 = Multiply(SquareTimes(x5, 5), x5);
        FieldElement x20 = Multiply(SquareTimes(x10, 10), x10);
        FieldElement x40 = Multiply(SquareTimes(x20, 20), x20);
        FieldElement x50 = Multiply(SquareTimes(x40, 10), x10);
        FieldElement x100 = Multiply(SquareTimes(x50, 50), x50);
        FieldElement x200 = Multiply(SquareTimes(x100, 100), x100);
        return Multiply(SquareTimes(x200, 50), x50);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static ulong Low(ulong a, ulong b) => (a * b) & Mask;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static ulong High(ulong a, ulong b) => TWide.High(a, b);

    // Low parts stand at their own limb, high parts one above; what passes the top comes back times 19. One carry, all limbs side by side.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static FieldElement Reduce(ulong l0, ulong l1, ulong l2, ulong l3, ulong l4, ulong h0, ulong h1, ulong h2, ulong h3, ulong h4)
    {
        l0 += 19 * h4;
        l1 += h0;
        l2 += h1;
        l3 += h2;
        l4 += h3;
        return new(
            (l0 & Mask) + (19 * (l4 >> Bits)), (l1 & Mask) + (l0 >> Bits), (l2 & Mask) + (l1 >> Bits), (l3 & Mask) + (l2 >> Bits), (l4 & Mask) + (l3 >> Bits));
    }
}
