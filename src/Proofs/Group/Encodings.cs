#if !OVERLAY_TRANSPORT
namespace Overlay.Proofs.Group;
#else
namespace Overlay.Transport.Crypto.Group;
#endif

/// <summary>Points from and to bytes: ristretto255 (RFC 9496, sections 4.3.1 to 4.3.4) and plain edwards25519 (RFC 8032, section 5.1). Names as printed there.</summary>
internal static class Encodings<TWide> where TWide : struct, IWideProduct
{
    /// <summary>DECODE of RFC 9496. Constant time.</summary>
    /// <returns>All ones when the 32 bytes are the one encoding of an element, else zero.</returns>
    internal static ulong DecodeRistretto(ReadOnlySpan<byte> bytes, out EdwardsPoint point)
    {
        ulong canonical = FieldElement.Decode(bytes, out FieldElement s) & ~s.IsNegative();
        FieldElement ss = Square(s), u1 = FieldElement.Subtract(FieldElement.One, ss).Carry(), u2 = FieldElement.Add(FieldElement.One, ss), u2Squared = Square(u2);
        FieldElement v = FieldElement.Subtract(FieldElement.Negate(Multiply(CurveConstants.D, Square(u1))), u2Squared).Carry();
        ulong wasSquare = Field<TWide>.SqrtRatioM1(FieldElement.One, Multiply(v, u2Squared), out FieldElement invSqrt);
        FieldElement denX = Multiply(invSqrt, u2), denY = Multiply(Multiply(invSqrt, denX), v);
        FieldElement x = FieldElement.Abs(Multiply(FieldElement.Add(s, s), denX)).Carry(), y = Multiply(u1, denY), t = Multiply(x, y);
        point = new EdwardsPoint(x, y, FieldElement.One, t);
        return canonical & wasSquare & ~t.IsNegative() & ~y.IsZero();
    }

    /// <summary>ENCODE of RFC 9496. Constant time.</summary>
    internal static void EncodeRistretto(in EdwardsPoint p, Span<byte> destination)
    {
        FieldElement u1 = Multiply(FieldElement.Add(p.Z, p.Y), FieldElement.Subtract(p.Z, p.Y)), u2 = Multiply(p.X, p.Y);
        Field<TWide>.SqrtRatioM1(FieldElement.One, Multiply(u1, Square(u2)), out FieldElement invSqrt);
        FieldElement den1 = Multiply(invSqrt, u1), den2 = Multiply(invSqrt, u2), zInv = Multiply(Multiply(den1, den2), p.T);
        FieldElement ix = Multiply(p.X, CurveConstants.SqrtM1), iy = Multiply(p.Y, CurveConstants.SqrtM1);
        FieldElement enchanted = Multiply(den1, CurveConstants.InvSqrtAMinusD);

        ulong rotate = Multiply(p.T, zInv).IsNegative();
        FieldElement x = FieldElement.Select(rotate, iy, p.X), y = FieldElement.Select(rotate, ix, p.Y);
        FieldElement denInv = FieldElement.Select(rotate, enchanted, den2);
        y = FieldElement.NegateIf(Multiply(x, zInv).IsNegative(), y);
        FieldElement.Abs(Multiply(denInv, FieldElement.Subtract(p.Z, y))).Encode(destination);
    }

    /// <summary>The one-way map of RFC 9496, section 4.3.4: 64 uniform bytes to an element. Constant time.</summary>
    internal static EdwardsPoint MapRistretto(ReadOnlySpan<byte> bytes)
    {
        EdwardsPoint sum = Map(FieldElement.DecodeModP(bytes[..32])), second = Map(FieldElement.DecodeModP(bytes[32..64]));
        EdwardsArithmetic<TWide>.ToCached(second, out CachedPoint cached);
        EdwardsArithmetic<TWide>.Add(ref sum, cached);
        return sum;
    }

    /// <summary>Equality of ristretto255 elements (RFC 9496, section 4.3.3). Constant time.</summary>
    internal static ulong AreEqualRistretto(in EdwardsPoint a, in EdwardsPoint b) =>
        FieldElement.AreEqual(Multiply(a.X, b.Y), Multiply(a.Y, b.X)) | FieldElement.AreEqual(Multiply(a.Y, b.Y), Multiply(a.X, b.X));

    /// <summary>Decodes a point of edwards25519 (RFC 8032, section 5.1.3), canonical encodings only.</summary>
    /// <returns>All ones for a canonical encoding of a point on the curve, else zero. The point may be of any order.</returns>
    internal static ulong DecodeEdwards(ReadOnlySpan<byte> bytes, out EdwardsPoint point)
    {
        Span<byte> encoding = stackalloc byte[FieldElement.Size];
        bytes.CopyTo(encoding);
        ulong sign = 0UL - (uint)(encoding[31] >> 7);
        encoding[31] &= 0x7F;
        ulong canonical = FieldElement.Decode(encoding, out FieldElement y);
        FieldElement yy = Square(y), u = FieldElement.Subtract(yy, FieldElement.One).Carry(), v = FieldElement.Add(Multiply(yy, CurveConstants.D), FieldElement.One);
        ulong onCurve = Field<TWide>.SqrtRatioM1(u, v, out FieldElement root);
        FieldElement x = FieldElement.NegateIf(sign, root).Carry();
        point = new EdwardsPoint(x, y, FieldElement.One, Multiply(x, y));
        return canonical & onCurve & ~(sign & root.IsZero());
    }

    // MAP of RFC 9496, section 4.3.4.
    private static EdwardsPoint Map(in FieldElement t)
    {
        FieldElement one = FieldElement.One, minusOne = FieldElement.Negate(one);
        FieldElement r = Multiply(CurveConstants.SqrtM1, Square(t)), u = Multiply(FieldElement.Add(r, one), CurveConstants.OneMinusDSquared);
        FieldElement v = Multiply(FieldElement.Subtract(minusOne, Multiply(r, CurveConstants.D)), FieldElement.Add(r, CurveConstants.D));
        ulong wasSquare = Field<TWide>.SqrtRatioM1(u, v, out FieldElement s);
        FieldElement sPrime = FieldElement.Negate(FieldElement.Abs(Multiply(s, t)));
        s = FieldElement.Select(wasSquare, s, sPrime).Carry();
        FieldElement c = FieldElement.Select(wasSquare, minusOne, r);
        FieldElement n = FieldElement.Subtract(Multiply(Multiply(c, FieldElement.Subtract(r, one)), CurveConstants.DMinusOneSquared), v).Carry();

        FieldElement ss = Square(s), w0 = Multiply(FieldElement.Add(s, s), v), w1 = Multiply(n, CurveConstants.SqrtAdMinusOne);
        FieldElement w2 = FieldElement.Subtract(one, ss).Carry(), w3 = FieldElement.Add(one, ss);
        return new EdwardsPoint(Multiply(w0, w3), Multiply(w2, w1), Multiply(w1, w3), Multiply(w0, w2));
    }

    private static FieldElement Multiply(in FieldElement a, in FieldElement b) => Field<TWide>.Multiply(a, b);

    private static FieldElement Square(in FieldElement a) => Field<TWide>.Square(a);
}
