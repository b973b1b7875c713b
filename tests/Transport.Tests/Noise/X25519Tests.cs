using CsCheck;
using Overlay.Transport.Crypto;
using Overlay.Transport.Crypto.Group;
using BouncyX25519 = Org.BouncyCastle.Math.EC.Rfc7748.X25519;

namespace Overlay.Transport.Tests.Noise;

public sealed class X25519Tests
{
    private static readonly byte[] s_tops = [0x00, 0x7F, 0x80, 0xFF];

    // Any 32 bytes, and those next to 0, p and 2^255, with either of the highest bit.
    private static readonly Gen<byte[]> s_numbers = Gen.OneOf(
        Gen.Byte.Array[32],
        Gen.Select(Gen.Byte, Gen.Int[0, 3], Gen.Bool)
            .Select((low, high, middle) => (byte[])[low, .. Enumerable.Repeat(middle ? (byte)0xFF : (byte)0, 30), s_tops[high]]));

    // The points of small order and their non-canonical twins (RFC 7748, section 6.1; cr.yp.to/ecdh.html#validate).
    [Theory]
    [InlineData("0000000000000000000000000000000000000000000000000000000000000000")]
    [InlineData("0100000000000000000000000000000000000000000000000000000000000000")]
    [InlineData("ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f")]
    [InlineData("edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f")]
    [InlineData("eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f")]
    [InlineData("e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800")]
    [InlineData("5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157")]
    public void Agree_PointOfSmallOrder_Fails(string point)
    {
        using X25519KeyPair pair = X25519KeyPair.Generate();
        byte[] shared = [.. Enumerable.Repeat((byte)1, 32)];
        Assert.False(pair.TryAgree(Convert.FromHexString(point), shared));
        Assert.Equal(new byte[32], shared);
    }

    // What BouncyCastle makes of them, by either wide product.
    [Fact]
    public void Ladder_AnyScalarAndPoint_IsWhatBouncyCastleSays()
    {
        Gen.Select(s_numbers, s_numbers).Sample((scalar, point) =>
        {
            byte[] expected = new byte[32], mulx = new byte[32], portable = new byte[32];
            BouncyX25519.ScalarMult(scalar, point, expected);
            if (System.Runtime.Intrinsics.X86.Bmi2.X64.IsSupported) MontgomeryLadder.Multiply<MulxProduct>(scalar, point, mulx);
            else mulx = expected;
            MontgomeryLadder.Multiply<PortableProduct>(scalar, point, portable);
            Assert.Equal(expected, mulx);
            Assert.Equal(expected, portable);
        }, iter: 2000);
    }

    [Fact]
    public void PublicKey_OfAnyPrivateKey_IsWhatBouncyCastleSaysWithEveryBackend()
    {
        FixedBase[] tables = [.. CurveBackend.All.Select(backend => backend.PrepareFixedBase(CurveConstants.Basepoint))];
        s_numbers.Sample(privateKey =>
        {
            byte[] expected = new byte[32], actual = new byte[32], portable = new byte[32], wide = new byte[64];
            BouncyX25519.ScalarMultBase(privateKey, expected);
            X25519.DerivePublicKey(privateKey, actual);
            Assert.Equal(expected, actual);

            privateKey.CopyTo(wide, 0);
            MontgomeryLadder.Clamp(wide);
            for (int i = 0; i < tables.Length; i++)
            {
                MontgomeryLadder.Encode<PortableProduct>(CurveBackend.All[i].Multiply(Scalar.ReduceWide(wide), tables[i]), portable);
                Assert.Equal(expected, portable);
            }
        }, iter: 1000);
    }

    [Fact]
    public void KeyPair_AfterDispose_Throws()
    {
        X25519KeyPair pair = X25519KeyPair.Generate();
        byte[] publicKey = pair.PublicKey.ToArray();
        pair.Dispose();
        Assert.Throws<ObjectDisposedException>(() => pair.TryAgree(publicKey, new byte[32]));
    }
}
