using System.Numerics;
using Overlay.Proofs.Group;
using Overlay.Proofs.Tests.Crypto;

namespace Overlay.Proofs.Tests.Group;

public sealed class FieldElementTests
{
    // RFC 9496, appendix A.4.
    [Theory]
    [InlineData("0000000000000000000000000000000000000000000000000000000000000000", "0000000000000000000000000000000000000000000000000000000000000000", true, "0000000000000000000000000000000000000000000000000000000000000000")]
    [InlineData("0000000000000000000000000000000000000000000000000000000000000000", "0100000000000000000000000000000000000000000000000000000000000000", true, "0000000000000000000000000000000000000000000000000000000000000000")]
    [InlineData("0100000000000000000000000000000000000000000000000000000000000000", "0000000000000000000000000000000000000000000000000000000000000000", false, "0000000000000000000000000000000000000000000000000000000000000000")]
    [InlineData("0200000000000000000000000000000000000000000000000000000000000000", "0100000000000000000000000000000000000000000000000000000000000000", false, "3c5ff1b5d8e4113b871bd052f9e7bcd0582804c266ffb2d4f4203eb07fdb7c54")]
    [InlineData("0400000000000000000000000000000000000000000000000000000000000000", "0100000000000000000000000000000000000000000000000000000000000000", true, "0200000000000000000000000000000000000000000000000000000000000000")]
    [InlineData("0100000000000000000000000000000000000000000000000000000000000000", "0400000000000000000000000000000000000000000000000000000000000000", true, "f6ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff3f")]
    public void Rfc9496_AppendixA4_SqrtRatioM1(string u, string v, bool wasSquare, string root)
    {
        FieldElement Read(string hex) => FieldElement.DecodeModP(Convert.FromHexString(hex));
        byte[] encoded = new byte[32];

        ulong mask = Field<PortableProduct>.SqrtRatioM1(Read(u), Read(v), out FieldElement r);

        r.Encode(encoded);
        Assert.Equal(wasSquare ? ulong.MaxValue : 0, mask);
        Assert.Equal(root, Convert.ToHexStringLower(encoded));
    }

    [Fact]
    public void Decode_ValueFromPOn_IsNotCanonicalButTakenModuloP()
    {
        for (int above = -3; above < 19; above++)
        {
            byte[] bytes = EdwardsCurve.Encode(EdwardsCurve.P + above);
            ulong canonical = FieldElement.Decode(bytes, out FieldElement value);
            Assert.Equal(above < 0 ? ulong.MaxValue : 0, canonical);
            Assert.Equal((EdwardsCurve.P + above) % EdwardsCurve.P, FieldContract.ToNumber(value));

            bytes[31] |= 0x80;
            Assert.Equal(0UL, FieldElement.Decode(bytes, out value));
            Assert.Equal((EdwardsCurve.P + above) % EdwardsCurve.P, FieldContract.ToNumber(value));
        }
    }

    [Fact]
    public void Invert_ElementAndZero_AreInverseAndZero()
    {
        FieldElement a = FieldContract.FromNumber(BigInteger.Pow(3, 150));
        Assert.Equal(BigInteger.One, FieldContract.ToNumber(Field<PortableProduct>.Multiply(a, Field<PortableProduct>.Invert(a))));
        Assert.NotEqual(0UL, Field<PortableProduct>.Invert(FieldElement.Zero).IsZero());
    }

    [Fact]
    public void Negate_Abs_Select_FollowTheirMasks()
    {
        FieldElement two = FieldContract.FromNumber(2), three = FieldContract.FromNumber(3);
        Assert.Equal(EdwardsCurve.P - 3, FieldContract.ToNumber(FieldElement.Negate(three)));
        Assert.Equal(EdwardsCurve.P - 3, FieldContract.ToNumber(FieldElement.Abs(three)));
        Assert.Equal(2, FieldContract.ToNumber(FieldElement.Abs(FieldElement.Negate(two))));
        Assert.Equal(3, FieldContract.ToNumber(FieldElement.Select(0, two, three)));
        Assert.Equal(2, FieldContract.ToNumber(FieldElement.Select(ulong.MaxValue, two, three)));
        Assert.Equal(ulong.MaxValue, FieldElement.AreEqual(FieldElement.Subtract(two, three), FieldElement.Negate(FieldElement.One)));
    }
}
