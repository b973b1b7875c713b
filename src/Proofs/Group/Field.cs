using System.Runtime.CompilerServices;

#if !OVERLAY_TRANSPORT
namespace Overlay.Proofs.Group;
#else
namespace Overlay.Transport.Crypto.Group;
#endif

/// <summary>Products and powers in GF(2²⁵⁵ - 19). Constant time.</summary>
/// <remarks>
/// Each product of limbs is cut at bit 51 at once: the low part is (a·b) mod 2⁵¹, the high part the upper word of (2⁹·a)·(2⁴·b), that is ⌊a·b / 2⁵¹⌋,
/// and belongs to the limb above. Both add up in single words, so that no carry goes from word to word. Operands have limbs below 2⁵⁴: a high part is
/// then below 2⁵⁷, with the factor 19 of a product that wraps around below 2^61.25, and five of them below 2⁶⁴.
/// </remarks>
internal static partial class Field<TWide> where TWide : struct, IWideProduct
{
    private const ulong Mask = FieldElement.LimbMask;
    private const int Bits = FieldElement.LimbBits, ShiftA = 9, ShiftB = 4, WrappedShiftA = 5, WrappedShiftB = 8;

    /// <summary>a·b, carried.</summary>
    /// <remarks>One limb of a after the other, so that few words are alive at once: the other order costs half as much again in spilled registers.</remarks>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    internal static FieldElement Multiply(in FieldElement a, in FieldElement b)
    {
        ulong x = a.L0, y = x << ShiftA, s0 = b.L0 << ShiftB, s1 = b.L1 << ShiftB, s2 = b.L2 << ShiftB, s3 = b.L3 << ShiftB, s4 = b.L4 << ShiftB;
        ulong r0 = Low(x, b.L0), r1 = Low(x, b.L1), r2 = Low(x, b.L2), r3 = Low(x, b.L3), r4 = Low(x, b.L4);
        r1 += High(y, s0); r2 += High(y, s1); r3 += High(y, s2); r4 += High(y, s3);
        ulong r5 = High(y, s4);

        x = a.L1; y = x << ShiftA;
        r1 += Low(x, b.L0); r2 += Low(x, b.L1); r3 += Low(x, b.L2); r4 += Low(x, b.L3);
        r2 += High(y, s0); r3 += High(y, s1); r4 += High(y, s2); r5 += High(y, s3);
        x *= 19; y = x << WrappedShiftA; s4 <<= WrappedShiftB - ShiftB;
        r0 += Low(x, b.L4);
        r1 += High(y, s4);

        x = a.L2; y = x << ShiftA;
        r2 += Low(x, b.L0); r3 += Low(x, b.L1); r4 += Low(x, b.L2);
        r3 += High(y, s0); r4 += High(y, s1); r5 += High(y, s2);
        x *= 19; y = x << WrappedShiftA; s3 <<= WrappedShiftB - ShiftB;
        r0 += Low(x, b.L3); r1 += Low(x, b.L4);
        r1 += High(y, s3); r2 += High(y, s4);

        x = a.L3; y = x << ShiftA;
        r3 += Low(x, b.L0); r4 += Low(x, b.L1);
        r4 += High(y, s0); r5 += High(y, s1);
        x *= 19; y = x << WrappedShiftA; s2 <<= WrappedShiftB - ShiftB;
        r0 += Low(x, b.L2); r1 += Low(x, b.L3); r2 += Low(x, b.L4);
        r1 += High(y, s2); r2 += High(y, s3); r3 += High(y, s4);

        x = a.L4; y = x << ShiftA;
        r4 += Low(x, b.L0);
        r5 += High(y, s0);
        x *= 19; y = x << WrappedShiftA; s1 <<= WrappedShiftB - ShiftB;
        r0 += Low(x, b.L1); r1 += Low(x, b.L2); r2 += Low(x, b.L3); r3 += Low(x, b.L4);
        r1 += High(y, s1); r2 += High(y, s2); r3 += High(y, s3); r4 += High(y, s4);
        return Reduce(r0, r1, r2, r3, r4, r5);
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

        l1 += High(b0, a0) + (2 * (High(b1, c4) + High(b2, c3)));
        l2 += (2 * (High(b0, a1) + High(b2, c4))) + High(b3, c3);
        l3 += (2 * (High(b0, a2) + High(b3, c4))) + High(b1, a1);
        l4 += (2 * (High(b0, a3) + High(b1, a2))) + High(b4, c4);
        ulong l5 = (2 * (High(b0, a4) + High(b1, a3))) + High(b2, a2);
        return Reduce(l0, l1, l2, l3, l4, l5);
    }

    /// <summary>a·k for k below 2¹⁷, limbs below 2⁵².</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static FieldElement MultiplySmall(in FieldElement a, uint k)
    {
        ulong s = (ulong)k << ShiftB;
        return new(
            Low(a.L0, k) + (19 * High(a.L4 << ShiftA, s)), Low(a.L1, k) + High(a.L0 << ShiftA, s), Low(a.L2, k) + High(a.L1 << ShiftA, s),
            Low(a.L3, k) + High(a.L2 << ShiftA, s), Low(a.L4, k) + High(a.L3 << ShiftA, s));
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

    // What passes the top comes back times 19. One carry, all limbs side by side.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static FieldElement Reduce(ulong r0, ulong r1, ulong r2, ulong r3, ulong r4, ulong r5)
    {
        r0 += 19 * r5;
        return new(
            (r0 & Mask) + (19 * (r4 >> Bits)), (r1 & Mask) + (r0 >> Bits), (r2 & Mask) + (r1 >> Bits), (r3 & Mask) + (r2 >> Bits), (r4 & Mask) + (r3 >> Bits));
    }
}
