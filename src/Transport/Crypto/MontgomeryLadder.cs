using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics.X86;
using System.Security.Cryptography;
using Overlay.Transport.Crypto.Group;

namespace Overlay.Transport.Crypto;

/// <summary>Multiples of a point of curve25519 by its u coordinate (RFC 7748, section 5). Constant time: neither a branch nor an address depends on the scalar or the point.</summary>
internal static class MontgomeryLadder
{
    // (486662 - 2) / 4.
    private const uint A24 = 121665;

    /// <summary>Writes the u coordinate of a multiple, 32 bytes.</summary>
    /// <param name="scalar">32 bytes, taken as a private key: three lowest bits clear, the highest clear and the next one set, whatever they are.</param>
    /// <param name="point">32 bytes, the u coordinate; its highest bit and that it may be p or more do not matter.</param>
    /// <param name="destination">All zero for a point of small order.</param>
    internal static void Multiply(ReadOnlySpan<byte> scalar, ReadOnlySpan<byte> point, Span<byte> destination)
    {
        if (Bmi2.X64.IsSupported) Multiply<MulxProduct>(scalar, point, destination);
        else Multiply<PortableProduct>(scalar, point, destination);
    }

    /// <summary>The same with the wide product that is named, for whoever compares them.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    internal static void Multiply<TWide>(ReadOnlySpan<byte> scalar, ReadOnlySpan<byte> point, Span<byte> destination)
        where TWide : struct, IWideProduct
    {
        Span<byte> k = stackalloc byte[FieldElement.Size];
        scalar.CopyTo(k);
        Clamp(k);

        FieldElement x1 = FieldElement.DecodeModP(point), x2 = FieldElement.One, z2 = FieldElement.Zero, x3 = x1, z3 = FieldElement.One;
        ulong swapped = 0;
        for (int bit = 254; bit >= 0; bit--)
        {
            ulong mask = 0UL - (((ulong)k[bit >> 3] >> (bit & 7)) & 1);
            Swap(swapped ^ mask, ref x2, ref x3);
            Swap(swapped ^ mask, ref z2, ref z3);
            swapped = mask;

            // Sums and differences of carried elements stay below 2^54, as factors have to.
            FieldElement a = FieldElement.Add(x2, z2), b = FieldElement.Subtract(x2, z2);
            FieldElement da = Field<TWide>.Multiply(FieldElement.Subtract(x3, z3), a), cb = Field<TWide>.Multiply(FieldElement.Add(x3, z3), b);
            FieldElement aa = Field<TWide>.Square(a), bb = Field<TWide>.Square(b), e = FieldElement.Subtract(aa, bb);
            x3 = Field<TWide>.Square(FieldElement.Add(da, cb));
            z3 = Field<TWide>.Multiply(x1, Field<TWide>.Square(FieldElement.Subtract(da, cb)));
            x2 = Field<TWide>.Multiply(aa, bb);
            z2 = Field<TWide>.Multiply(e, FieldElement.Add(aa, Field<TWide>.MultiplySmall(e, A24)));
        }

        Swap(swapped, ref x2, ref x3);
        Swap(swapped, ref z2, ref z3);
        Field<TWide>.Multiply(x2, Field<TWide>.Invert(z2)).Encode(destination);
        CryptographicOperations.ZeroMemory(k);
    }

    /// <summary>Makes any 32 bytes a private key (RFC 7748, section 5, decodeScalar25519).</summary>
    internal static void Clamp(Span<byte> scalar)
    {
        scalar[0] &= 0xF8;
        scalar[31] = (byte)((scalar[31] & 0x7F) | 0x40);
    }

    /// <summary>The u coordinate of a point of edwards25519, u = (1 + y)/(1 - y) (RFC 7748, section 4.1); zero for the neutral point.</summary>
    internal static void Encode(in EdwardsPoint point, Span<byte> destination)
    {
        if (Bmi2.X64.IsSupported) Encode<MulxProduct>(point, destination);
        else Encode<PortableProduct>(point, destination);
    }

    /// <summary>The same with the wide product that is named.</summary>
    internal static void Encode<TWide>(in EdwardsPoint p, Span<byte> destination) where TWide : struct, IWideProduct =>
        Field<TWide>.Multiply(FieldElement.Add(p.Z, p.Y), Field<TWide>.Invert(FieldElement.Subtract(p.Z, p.Y))).Encode(destination);

    // Exchanges both where the mask is all ones, nothing where it is zero.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Swap(ulong mask, ref FieldElement a, ref FieldElement b)
    {
        FieldElement first = FieldElement.Select(mask, b, a);
        b = FieldElement.Select(mask, a, b);
        a = first;
    }
}
