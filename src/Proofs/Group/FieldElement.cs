using System.Buffers.Binary;
using System.Globalization;
using System.Numerics;
using System.Runtime.CompilerServices;

#if !OVERLAY_TRANSPORT
namespace Overlay.Proofs.Group;
#else
namespace Overlay.Transport.Crypto.Group;
#endif

/// <summary>An element of GF(2²⁵⁵ - 19) as five limbs of 51 bits: value = Σ Lᵢ·2^(51·i). All that needs no multiplication; products are in <see cref="Field{TWide}"/>.</summary>
/// <remarks>
/// Limbs may exceed 51 bits. "Carried" means below 2⁵¹ + 2¹⁸, which every product is. A product takes limbs below 2⁵⁴, so one or two additions or
/// subtractions of carried elements may come between products without a carry. Constant time throughout, except where a name says otherwise.
/// </remarks>
internal readonly struct FieldElement(ulong l0, ulong l1, ulong l2, ulong l3, ulong l4)
{
    /// <summary>Size of the encoding in bytes.</summary>
    internal const int Size = 32;

    /// <summary>Bits of a limb.</summary>
    internal const int LimbBits = 51;

    /// <summary>The lowest 51 bits.</summary>
    internal const ulong LimbMask = (1UL << LimbBits) - 1;

    internal readonly ulong L0 = l0, L1 = l1, L2 = l2, L3 = l3, L4 = l4;

    internal static FieldElement Zero => default;

    internal static FieldElement One => new(1, 0, 0, 0, 0);

    /// <summary>Sum without carry.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static FieldElement Add(in FieldElement a, in FieldElement b) => new(a.L0 + b.L0, a.L1 + b.L1, a.L2 + b.L2, a.L3 + b.L3, a.L4 + b.L4);

    /// <summary>Difference without carry: adds 4p, so that no limb of <paramref name="b"/> up to 2⁵³ - 76 borrows.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static FieldElement Subtract(in FieldElement a, in FieldElement b)
    {
        const ulong FourP0 = (1UL << 53) - 76, FourP = (1UL << 53) - 4;
        return new(a.L0 + FourP0 - b.L0, a.L1 + FourP - b.L1, a.L2 + FourP - b.L2, a.L3 + FourP - b.L3, a.L4 + FourP - b.L4);
    }

    /// <summary>The negative, carried.</summary>
    internal static FieldElement Negate(in FieldElement a) => Subtract(Zero, a).Carry();

    /// <summary>The same value with carried limbs.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal FieldElement Carry() => new(
        (L0 & LimbMask) + (19 * (L4 >> LimbBits)),
        (L1 & LimbMask) + (L0 >> LimbBits),
        (L2 & LimbMask) + (L1 >> LimbBits),
        (L3 & LimbMask) + (L2 >> LimbBits),
        (L4 & LimbMask) + (L3 >> LimbBits));

    /// <summary><paramref name="a"/> where <paramref name="mask"/> is all ones, <paramref name="b"/> where it is zero.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static FieldElement Select(ulong mask, in FieldElement a, in FieldElement b) => new(
        b.L0 ^ (mask & (a.L0 ^ b.L0)),
        b.L1 ^ (mask & (a.L1 ^ b.L1)),
        b.L2 ^ (mask & (a.L2 ^ b.L2)),
        b.L3 ^ (mask & (a.L3 ^ b.L3)),
        b.L4 ^ (mask & (a.L4 ^ b.L4)));

    /// <summary>The negative where <paramref name="mask"/> is all ones (CT_NEG of RFC 9496, section 3.1).</summary>
    internal static FieldElement NegateIf(ulong mask, in FieldElement a) => Select(mask, Negate(a), a);

    /// <summary>Whichever of a and -a is not negative (CT_ABS of RFC 9496, section 3.1).</summary>
    internal static FieldElement Abs(in FieldElement a) => NegateIf(a.IsNegative(), a);

    /// <summary>All ones when the canonical value is odd (IS_NEGATIVE of RFC 9496, section 3.1), else zero.</summary>
    internal ulong IsNegative() => 0UL - (Canonical().L0 & 1);

    /// <summary>All ones when the value is zero modulo p, else zero.</summary>
    internal ulong IsZero()
    {
        FieldElement c = Canonical();
        return MaskIfZero(c.L0 | c.L1 | c.L2 | c.L3 | c.L4);
    }

    /// <summary>All ones when both have the same value modulo p, else zero.</summary>
    internal static ulong AreEqual(in FieldElement a, in FieldElement b) => Subtract(a, b.Carry()).IsZero();

    /// <summary>All ones when <paramref name="value"/> is zero, else zero.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static ulong MaskIfZero(ulong value) => ((value | (0UL - value)) >> 63) - 1;

    /// <summary>The value in [0, p) with limbs below 2⁵¹.</summary>
    internal FieldElement Canonical()
    {
        // Two carries leave limbs below 2^51 but for the lowest by a few; then the value is below 2p, and adding 19 tells whether it reaches p.
        FieldElement c = Carry().Carry();
        ulong q = (c.L0 + 19) >> LimbBits;
        q = (c.L1 + q) >> LimbBits;
        q = (c.L2 + q) >> LimbBits;
        q = (c.L3 + q) >> LimbBits;
        q = (c.L4 + q) >> LimbBits;

        ulong l0 = c.L0 + (19 * q), l1 = c.L1 + (l0 >> LimbBits), l2 = c.L2 + (l1 >> LimbBits), l3 = c.L3 + (l2 >> LimbBits), l4 = c.L4 + (l3 >> LimbBits);
        return new(l0 & LimbMask, l1 & LimbMask, l2 & LimbMask, l3 & LimbMask, l4 & LimbMask);
    }

    /// <summary>Writes the 32 bytes of the canonical value, little-endian.</summary>
    internal void Encode(Span<byte> destination)
    {
        FieldElement c = Canonical();
        BinaryPrimitives.WriteUInt64LittleEndian(destination, c.L0 | (c.L1 << 51));
        BinaryPrimitives.WriteUInt64LittleEndian(destination[8..], (c.L1 >> 13) | (c.L2 << 38));
        BinaryPrimitives.WriteUInt64LittleEndian(destination[16..], (c.L2 >> 26) | (c.L3 << 25));
        BinaryPrimitives.WriteUInt64LittleEndian(destination[24..], (c.L3 >> 39) | (c.L4 << 12));
    }

    /// <summary>Reads 32 bytes, little-endian; bit 255 is ignored and values from p on are taken modulo p.</summary>
    internal static FieldElement DecodeModP(ReadOnlySpan<byte> bytes)
    {
        ulong a = BinaryPrimitives.ReadUInt64LittleEndian(bytes), b = BinaryPrimitives.ReadUInt64LittleEndian(bytes[8..]);
        ulong c = BinaryPrimitives.ReadUInt64LittleEndian(bytes[16..]), d = BinaryPrimitives.ReadUInt64LittleEndian(bytes[24..]);
        return new(a & LimbMask, ((a >> 51) | (b << 13)) & LimbMask, ((b >> 38) | (c << 26)) & LimbMask, ((c >> 25) | (d << 39)) & LimbMask, (d >> 12) & LimbMask);
    }

    /// <summary>Reads 32 bytes, little-endian, whatever they are.</summary>
    /// <returns>All ones when the bytes are the canonical encoding (below p, bit 255 clear), else zero.</returns>
    internal static ulong Decode(ReadOnlySpan<byte> bytes, out FieldElement value)
    {
        value = DecodeModP(bytes);
        // Canonical limbs are unchanged by reduction; bit 255 was dropped above.
        FieldElement c = value.Canonical();
        ulong different = (c.L0 ^ value.L0) | (c.L1 ^ value.L1) | (c.L2 ^ value.L2) | (c.L3 ^ value.L3) | (c.L4 ^ value.L4) | (uint)(bytes[31] >> 7);
        return MaskIfZero(different);
    }

    /// <summary>A constant as the specifications print it: a decimal number below p.</summary>
    internal static FieldElement ParseVarTime(string number)
    {
        byte[] bytes = new byte[Size];
        BigInteger.Parse(number, CultureInfo.InvariantCulture).TryWriteBytes(bytes, out _, isUnsigned: true);
        return DecodeModP(bytes);
    }
}
