using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics.X86;
using System.Security.Cryptography;

#if !OVERLAY_TRANSPORT
namespace Overlay.Proofs.Group;
#else
namespace Overlay.Transport.Crypto.Group;
#endif

/// <summary>Arithmetic of four-word numbers modulo ℓ = 2²⁵² + c, the order of the group (RFC 9496, section 4.1). Constant time.</summary>
internal static class ScalarArithmetic
{
    // c = 27742317777372353535851937790883648493, 125 bits.
    private const ulong C0 = 0x5812631A5CF5D3ED, C1 = 0x14DEF9DEA2F79CD6;

    // Top word of ℓ.
    private const ulong L3 = 1UL << 60, TopMask = L3 - 1;

    /// <summary>All ones when the number is below ℓ, else zero.</summary>
    internal static ulong IsReduced(ulong w0, ulong w1, ulong w2, ulong w3)
    {
        ulong borrow = 0;
        Subtract(w0, C0, ref borrow);
        Subtract(w1, C1, ref borrow);
        Subtract(w2, 0, ref borrow);
        Subtract(w3, L3, ref borrow);
        return 0UL - borrow;
    }

    internal static Scalar Add(in Scalar a, in Scalar b)
    {
        ulong carry = 0;
        ulong w0 = Add(a.W0, b.W0, ref carry), w1 = Add(a.W1, b.W1, ref carry), w2 = Add(a.W2, b.W2, ref carry), w3 = Add(a.W3, b.W3, ref carry);
        return SubtractOrderOnce(w0, w1, w2, w3);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static Scalar Subtract(in Scalar a, in Scalar b)
    {
        ulong borrow = 0;
        ulong w0 = Subtract(a.W0, b.W0, ref borrow), w1 = Subtract(a.W1, b.W1, ref borrow), w2 = Subtract(a.W2, b.W2, ref borrow), w3 = Subtract(a.W3, b.W3, ref borrow);
        return AddOrderIf(0UL - borrow, w0, w1, w2, w3);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    internal static Scalar Multiply(in Scalar a, in Scalar b)
    {
        ulong r0 = 0, r1 = 0, r2 = 0, r3 = 0, r4 = 0, r5 = 0, r6 = 0, r7 = 0;
        Row(a.W0, b, ref r0, ref r1, ref r2, ref r3, ref r4);
        Row(a.W1, b, ref r1, ref r2, ref r3, ref r4, ref r5);
        Row(a.W2, b, ref r2, ref r3, ref r4, ref r5, ref r6);
        Row(a.W3, b, ref r3, ref r4, ref r5, ref r6, ref r7);
        return Reduce(r0, r1, r2, r3, r4, r5, r6, r7);
    }

    /// <summary>Takes a number of 512 bits modulo ℓ.</summary>
    /// <remarks>
    /// 2²⁵² ≡ -c. With x = q·2²⁵² + r: x ≡ r - c·q, and so again with c·q, which loses 127 bits each time: x ≡ r₀ - r₁ + r₂ - r₃, each below 2²⁵².
    /// </remarks>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    internal static Scalar Reduce(ulong x0, ulong x1, ulong x2, ulong x3, ulong x4, ulong x5, ulong x6, ulong x7)
    {
        // q of 260 bits in five words, c·q of 385 bits.
        ulong q0 = (x3 >> 60) | (x4 << 4), q1 = (x4 >> 60) | (x5 << 4), q2 = (x5 >> 60) | (x6 << 4), q3 = (x6 >> 60) | (x7 << 4), q4 = x7 >> 60;
        ulong y0 = 0, y1 = 0, y2 = 0, y3 = 0, y4 = 0, y5 = 0, y6 = 0;
        Step(q0, ref y0, ref y1, ref y2);
        Step(q1, ref y1, ref y2, ref y3);
        Step(q2, ref y2, ref y3, ref y4);
        Step(q3, ref y3, ref y4, ref y5);
        Step(q4, ref y4, ref y5, ref y6);

        // Again: q of 133 bits in three words, c·q of 258 bits.
        q0 = (y3 >> 60) | (y4 << 4);
        q1 = (y4 >> 60) | (y5 << 4);
        q2 = (y5 >> 60) | (y6 << 4);
        ulong z0 = 0, z1 = 0, z2 = 0, z3 = 0, z4 = 0;
        Step(q0, ref z0, ref z1, ref z2);
        Step(q1, ref z1, ref z2, ref z3);
        Step(q2, ref z2, ref z3, ref z4);

        // And last: q of 6 bits.
        q0 = (z3 >> 60) | (z4 << 4);
        ulong t0 = 0, t1 = 0, t2 = 0;
        Step(q0, ref t0, ref t1, ref t2);

        // r₀ + r₂ is below 2²⁵³, r₁ + r₃ below 2ℓ: both sums taken modulo ℓ differ by less than ℓ.
        ulong carry = 0;
        ulong p0 = Add(x0, z0, ref carry), p1 = Add(x1, z1, ref carry), p2 = Add(x2, z2, ref carry), p3 = Add(x3 & TopMask, z3 & TopMask, ref carry);
        Scalar plus = SubtractOrderOnce(p0, p1, p2, p3);
        carry = 0;
        ulong m0 = Add(y0, t0, ref carry), m1 = Add(y1, t1, ref carry), m2 = Add(y2, t2, ref carry), m3 = Add(y3 & TopMask, 0, ref carry);
        Scalar minus = SubtractOrderOnce(m0, m1, m2, m3);
        return Subtract(plus, minus);
    }

    /// <summary>1/a = a^(ℓ - 2) (Fermat); zero for zero.</summary>
    internal static Scalar Invert(in Scalar a)
    {
        // The upper half of ℓ - 2 is one bit, 2²⁵²; below it stand the 125 bits of c - 2. Windows of four bits; the exponent is public.
        Span<Scalar> powers = stackalloc Scalar[16];
        powers[0] = Scalar.One;
        for (int i = 1; i < 16; i++) powers[i] = Multiply(powers[i - 1], a);
        Scalar r = a;
        for (int i = 0; i < 252 - 128; i++) r = Multiply(r, r);
        for (int shift = 124; shift >= 0; shift -= 4)
        {
            for (int i = 0; i < 4; i++) r = Multiply(r, r);
            ulong word = shift >= 64 ? C1 : C0 - 2;
            r = Multiply(r, powers[(int)(word >> (shift & 63)) & 15]);
        }

        CryptographicOperations.ZeroMemory(MemoryMarshal.AsBytes(powers));
        return r;
    }

    /// <summary>The odd one of k and k + ℓ, as words: the same multiple of every ristretto255 element.</summary>
    internal static void MakeOdd(in Scalar k, Span<ulong> words)
    {
        ulong even = (k.W0 & 1) - 1, carry = 0;
        words[0] = Add(k.W0, C0 & even, ref carry);
        words[1] = Add(k.W1, C1 & even, ref carry);
        words[2] = Add(k.W2, 0, ref carry);
        words[3] = Add(k.W3, L3 & even, ref carry);
    }

    // For numbers below 2ℓ.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Scalar SubtractOrderOnce(ulong w0, ulong w1, ulong w2, ulong w3)
    {
        ulong borrow = 0;
        w0 = Subtract(w0, C0, ref borrow);
        w1 = Subtract(w1, C1, ref borrow);
        w2 = Subtract(w2, 0, ref borrow);
        w3 = Subtract(w3, L3, ref borrow);
        return AddOrderIf(0UL - borrow, w0, w1, w2, w3);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Scalar AddOrderIf(ulong mask, ulong w0, ulong w1, ulong w2, ulong w3)
    {
        ulong carry = 0;
        w0 = Add(w0, C0 & mask, ref carry);
        w1 = Add(w1, C1 & mask, ref carry);
        w2 = Add(w2, 0, ref carry);
        w3 = Add(w3, L3 & mask, ref carry);
        return new Scalar(w0, w1, w2, w3);
    }

    // r += a·b at r's place; what stood above is overwritten with the carry.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Row(ulong a, in Scalar b, ref ulong r0, ref ulong r1, ref ulong r2, ref ulong r3, ref ulong r4)
    {
        ulong carry = 0;
        r0 = MultiplyAdd(a, b.W0, r0, ref carry);
        r1 = MultiplyAdd(a, b.W1, r1, ref carry);
        r2 = MultiplyAdd(a, b.W2, r2, ref carry);
        r3 = MultiplyAdd(a, b.W3, r3, ref carry);
        r4 = carry;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Step(ulong q, ref ulong r0, ref ulong r1, ref ulong r2)
    {
        ulong carry = 0;
        r0 = MultiplyAdd(q, C0, r0, ref carry);
        r1 = MultiplyAdd(q, C1, r1, ref carry);
        r2 = carry;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static ulong MultiplyAdd(ulong a, ulong b, ulong c, ref ulong carry)
    {
        // The lower word by a product of its own: see MulxProduct.
        ulong low = a * b, high = Bmi2.X64.IsSupported ? MulxProduct.High(a, b) : PortableProduct.High(a, b);
        low += c;
        high += low < c ? 1UL : 0;
        low += carry;
        high += low < carry ? 1UL : 0;
        carry = high;
        return low;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static ulong Add(ulong a, ulong b, ref ulong carry)
    {
        ulong sum = a + b, c = sum < a ? 1UL : 0;
        sum += carry;
        carry = c | (sum < carry ? 1UL : 0);
        return sum;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static ulong Subtract(ulong a, ulong b, ref ulong borrow)
    {
        ulong difference = a - b, c = a < b ? 1UL : 0;
        ulong result = difference - borrow;
        borrow = c | (difference < borrow ? 1UL : 0);
        return result;
    }
}
