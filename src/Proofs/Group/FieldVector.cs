using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

#if !OVERLAY_TRANSPORT
namespace Overlay.Proofs.Group;
#else
namespace Overlay.Transport.Crypto.Group;
#endif

/// <summary>Four elements of GF(2²⁵⁵ - 19), one in each 64-bit lane of ten vectors: limbs of 26 and 25 bits in turn, value = Σ limbᵢ·2^⌈25.5·i⌉.</summary>
/// <remarks>
/// "Carried" means limbs below 2^26.01 and 2^25.01, which every product is. A product takes limbs below 2^28 on its left side and below 2^27.7 on its right,
/// one bit less for odd limbs: 19 times a limb of the right side, and twice an odd limb of the left, then still fit in 32 bits, and ten products in 64.
/// All pointers are to ten vectors. Constant time. For processors with AVX2 only.
/// </remarks>
internal static unsafe class FieldVector
{
    /// <summary>Vectors of an element.</summary>
    internal const int Size = 10;

    /// <summary>h = f·g, carried. h may be f or g.</summary>
    /// <remarks>
    /// One limb of f after the other, against limbs of g that are read where they stand: ten sums, a limb, its double and a product fit in the sixteen
    /// registers, so nothing is spilled. Sums taken one by one instead need twenty operands at a time, which costs twice as much.
    /// </remarks>
    [SkipLocalsInit]
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    internal static void Multiply(Vector256<ulong>* f, Vector256<ulong>* g, Vector256<ulong>* h)
    {
        Vector256<ulong>* w = stackalloc Vector256<ulong>[Size];
        for (int i = 1; i < Size; i++) w[i] = Product(g[i], Vector256.Create(19UL));

        Vector256<ulong> x, d, h0, h1, h2, h3, h4, h5, h6, h7, h8, h9;
        x = f[0];
        h0 = Product(x, g[0]); h1 = Product(x, g[1]); h2 = Product(x, g[2]); h3 = Product(x, g[3]); h4 = Product(x, g[4]);
        h5 = Product(x, g[5]); h6 = Product(x, g[6]); h7 = Product(x, g[7]); h8 = Product(x, g[8]); h9 = Product(x, g[9]);
        x = f[1]; d = x + x;
        h1 += Product(x, g[0]); h2 += Product(d, g[1]); h3 += Product(x, g[2]); h4 += Product(d, g[3]); h5 += Product(x, g[4]);
        h6 += Product(d, g[5]); h7 += Product(x, g[6]); h8 += Product(d, g[7]); h9 += Product(x, g[8]); h0 += Product(d, w[9]);
        x = f[2];
        h2 += Product(x, g[0]); h3 += Product(x, g[1]); h4 += Product(x, g[2]); h5 += Product(x, g[3]); h6 += Product(x, g[4]);
        h7 += Product(x, g[5]); h8 += Product(x, g[6]); h9 += Product(x, g[7]); h0 += Product(x, w[8]); h1 += Product(x, w[9]);
        x = f[3]; d = x + x;
        h3 += Product(x, g[0]); h4 += Product(d, g[1]); h5 += Product(x, g[2]); h6 += Product(d, g[3]); h7 += Product(x, g[4]);
        h8 += Product(d, g[5]); h9 += Product(x, g[6]); h0 += Product(d, w[7]); h1 += Product(x, w[8]); h2 += Product(d, w[9]);
        x = f[4];
        h4 += Product(x, g[0]); h5 += Product(x, g[1]); h6 += Product(x, g[2]); h7 += Product(x, g[3]); h8 += Product(x, g[4]);
        h9 += Product(x, g[5]); h0 += Product(x, w[6]); h1 += Product(x, w[7]); h2 += Product(x, w[8]); h3 += Product(x, w[9]);
        x = f[5]; d = x + x;
        h5 += Product(x, g[0]); h6 += Product(d, g[1]); h7 += Product(x, g[2]); h8 += Product(d, g[3]); h9 += Product(x, g[4]);
        h0 += Product(d, w[5]); h1 += Product(x, w[6]); h2 += Product(d, w[7]); h3 += Product(x, w[8]); h4 += Product(d, w[9]);
        x = f[6];
        h6 += Product(x, g[0]); h7 += Product(x, g[1]); h8 += Product(x, g[2]); h9 += Product(x, g[3]); h0 += Product(x, w[4]);
        h1 += Product(x, w[5]); h2 += Product(x, w[6]); h3 += Product(x, w[7]); h4 += Product(x, w[8]); h5 += Product(x, w[9]);
        x = f[7]; d = x + x;
        h7 += Product(x, g[0]); h8 += Product(d, g[1]); h9 += Product(x, g[2]); h0 += Product(d, w[3]); h1 += Product(x, w[4]);
        h2 += Product(d, w[5]); h3 += Product(x, w[6]); h4 += Product(d, w[7]); h5 += Product(x, w[8]); h6 += Product(d, w[9]);
        x = f[8];
        h8 += Product(x, g[0]); h9 += Product(x, g[1]); h0 += Product(x, w[2]); h1 += Product(x, w[3]); h2 += Product(x, w[4]);
        h3 += Product(x, w[5]); h4 += Product(x, w[6]); h5 += Product(x, w[7]); h6 += Product(x, w[8]); h7 += Product(x, w[9]);
        x = f[9]; d = x + x;
        h9 += Product(x, g[0]); h0 += Product(d, w[1]); h1 += Product(x, w[2]); h2 += Product(d, w[3]); h3 += Product(x, w[4]);
        h4 += Product(d, w[5]); h5 += Product(x, w[6]); h6 += Product(d, w[7]); h7 += Product(x, w[8]); h8 += Product(d, w[9]);
        Store(h0, h1, h2, h3, h4, h5, h6, h7, h8, h9, h);
    }

    /// <summary>h = f², carried. h may be f. Limbs of f are below 2^27.2, odd ones below 2^26.2.</summary>
    [SkipLocalsInit]
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    internal static void Square(Vector256<ulong>* f, Vector256<ulong>* h)
    {
        // t: doubled odd limbs. w: what wraps around, times 19, and odd limbs doubled as well.
        Vector256<ulong>* t = stackalloc Vector256<ulong>[Size], w = stackalloc Vector256<ulong>[Size];
        for (int i = 1; i < Size; i += 2) t[i] = f[i] + f[i];
        for (int i = 5; i < Size; i++) w[i] = Product(i % 2 == 0 ? f[i] : t[i], Vector256.Create(19UL));

        Vector256<ulong> x, d, h0, h1, h2, h3, h4, h5, h6, h7, h8, h9;
        x = f[0]; d = x + x;
        h0 = Product(x, f[0]); h1 = Product(d, f[1]); h2 = Product(d, f[2]); h3 = Product(d, f[3]); h4 = Product(d, f[4]);
        h5 = Product(d, f[5]); h6 = Product(d, f[6]); h7 = Product(d, f[7]); h8 = Product(d, f[8]); h9 = Product(d, f[9]);
        x = f[1]; d = x + x;
        h2 += Product(d, f[1]); h3 += Product(d, f[2]); h4 += Product(d, t[3]); h5 += Product(d, f[4]); h6 += Product(d, t[5]);
        h7 += Product(d, f[6]); h8 += Product(d, t[7]); h9 += Product(d, f[8]); h0 += Product(d, w[9]);
        x = f[2]; d = x + x;
        h4 += Product(x, f[2]); h5 += Product(d, f[3]); h6 += Product(d, f[4]); h7 += Product(d, f[5]); h8 += Product(d, f[6]);
        h9 += Product(d, f[7]); h0 += Product(d, w[8]); h1 += Product(x, w[9]);
        x = f[3]; d = x + x;
        h6 += Product(d, f[3]); h7 += Product(d, f[4]); h8 += Product(d, t[5]); h9 += Product(d, f[6]); h0 += Product(d, w[7]);
        h1 += Product(d, w[8]); h2 += Product(d, w[9]);
        x = f[4]; d = x + x;
        h8 += Product(x, f[4]); h9 += Product(d, f[5]); h0 += Product(d, w[6]); h1 += Product(x, w[7]); h2 += Product(d, w[8]);
        h3 += Product(x, w[9]);
        x = f[5]; d = x + x;
        h0 += Product(x, w[5]); h1 += Product(d, w[6]); h2 += Product(d, w[7]); h3 += Product(d, w[8]); h4 += Product(d, w[9]);
        x = f[6]; d = x + x;
        h2 += Product(x, w[6]); h3 += Product(x, w[7]); h4 += Product(d, w[8]); h5 += Product(x, w[9]);
        x = f[7]; d = x + x;
        h4 += Product(x, w[7]); h5 += Product(d, w[8]); h6 += Product(d, w[9]);
        x = f[8];
        h6 += Product(x, w[8]); h7 += Product(x, w[9]);
        x = f[9];
        h8 += Product(x, w[9]);
        Store(h0, h1, h2, h3, h4, h5, h6, h7, h8, h9, h);
    }

    /// <summary>Carries limbs up to 2^30, all at once.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static void Carry(Vector256<ulong>* h)
    {
        Vector256<ulong> even = Vector256.Create((1UL << 26) - 1), odd = Vector256.Create((1UL << 25) - 1), over = h[9] >>> 25;
        over = Product(over, Vector256.Create(19UL));
        for (int i = 0; i < Size; i += 2)
        {
            Vector256<ulong> c = h[i] >>> 26;
            h[i] = (h[i] & even) + over;
            over = h[i + 1] >>> 25;
            h[i + 1] = (h[i + 1] & odd) + c;
        }
    }

    /// <summary>Puts four elements into the lanes.</summary>
    internal static void Load(in FieldElement a, in FieldElement b, in FieldElement c, in FieldElement d, Vector256<ulong>* h)
    {
        FieldElement p = a.Canonical(), q = b.Canonical(), r = c.Canonical(), s = d.Canonical();
        Split(Vector256.Create(p.L0, q.L0, r.L0, s.L0), h);
        Split(Vector256.Create(p.L1, q.L1, r.L1, s.L1), h + 2);
        Split(Vector256.Create(p.L2, q.L2, r.L2, s.L2), h + 4);
        Split(Vector256.Create(p.L3, q.L3, r.L3, s.L3), h + 6);
        Split(Vector256.Create(p.L4, q.L4, r.L4, s.L4), h + 8);
    }

    /// <summary>Takes the element out of one lane, carried. Limbs are carried.</summary>
    internal static FieldElement Store(Vector256<ulong>* h, int lane) => new FieldElement(
        h[0].GetElement(lane) + (h[1].GetElement(lane) << 26),
        h[2].GetElement(lane) + (h[3].GetElement(lane) << 26),
        h[4].GetElement(lane) + (h[5].GetElement(lane) << 26),
        h[6].GetElement(lane) + (h[7].GetElement(lane) << 26),
        h[8].GetElement(lane) + (h[9].GetElement(lane) << 26)).Carry();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Split(Vector256<ulong> limbs, Vector256<ulong>* h)
    {
        h[0] = limbs & Vector256.Create((1UL << 26) - 1);
        h[1] = limbs >>> 26;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<ulong> Product(Vector256<ulong> a, Vector256<ulong> b) => Avx2.Multiply(a.AsUInt32(), b.AsUInt32());

    // Carries sums of products below 2^64: two chains at once, from limb 0 and from limb 5, then the two that came last once more.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Store(
        Vector256<ulong> h0, Vector256<ulong> h1, Vector256<ulong> h2, Vector256<ulong> h3, Vector256<ulong> h4,
        Vector256<ulong> h5, Vector256<ulong> h6, Vector256<ulong> h7, Vector256<ulong> h8, Vector256<ulong> h9, Vector256<ulong>* h)
    {
        Vector256<ulong> even = Vector256.Create((1UL << 26) - 1), odd = Vector256.Create((1UL << 25) - 1), c;
        c = h0 >>> 26; h0 &= even; h1 += c;
        c = h5 >>> 25; h5 &= odd; h6 += c;
        c = h1 >>> 25; h[1] = h1 & odd; h2 += c;
        c = h6 >>> 26; h[6] = h6 & even; h7 += c;
        c = h2 >>> 26; h[2] = h2 & even; h3 += c;
        c = h7 >>> 25; h[7] = h7 & odd; h8 += c;
        c = h3 >>> 25; h[3] = h3 & odd; h4 += c;
        c = h8 >>> 26; h[8] = h8 & even; h9 += c;
        c = h4 >>> 26; h[4] = h4 & even; h5 += c;
        c = h9 >>> 25; h[9] = h9 & odd; h0 += (c << 4) + (c << 1) + c;
        c = h5 >>> 25; h[5] = h5 & odd; h[6] += c;
        c = h0 >>> 26; h[0] = h0 & even; h[1] += c;
    }
}
