using Overlay.Transport.Crypto;

namespace Overlay.Transport.Tests.Noise;

public sealed class X25519Tests
{
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

    [Fact]
    public void KeyPair_AfterDispose_Throws()
    {
        X25519KeyPair pair = X25519KeyPair.Generate();
        byte[] publicKey = pair.PublicKey.ToArray();
        pair.Dispose();
        Assert.Throws<ObjectDisposedException>(() => pair.TryAgree(publicKey, new byte[32]));
    }
}
