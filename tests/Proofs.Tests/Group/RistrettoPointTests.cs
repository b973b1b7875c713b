using Overlay.Proofs.Group;

namespace Overlay.Proofs.Tests.Group;

public sealed class RistrettoPointTests
{
    [Fact]
    public void Default_OfPointAndEncoding_IsTheIdentity()
    {
        RistrettoPoint identity = default;
        Assert.True(identity.IsIdentity());
        Assert.True(identity.Compress().IsIdentity);
        Assert.Equal(CompressedPoint.Identity, identity.Compress());
        Assert.True((identity + RistrettoPoint.Generator).FixedTimeEquals(RistrettoPoint.Generator));
        Assert.False(identity.FixedTimeEquals(RistrettoPoint.Generator));
        Assert.True(RistrettoPoint.MultiscalarMultiplyVarTime([new(5), Scalar.One], [default, RistrettoPoint.Generator]).FixedTimeEquals(RistrettoPoint.Generator));
        Assert.True(RistrettoPoint.TryDecode(CompressedPoint.Identity, out RistrettoPoint decoded));
        Assert.True(decoded.IsIdentity());
    }

    [Fact]
    public void Operators_OnMultiplesOfTheGenerator_FollowTheScalars()
    {
        RistrettoPoint g = RistrettoPoint.Generator, three = RistrettoPoint.MultiplyGenerator(new Scalar(3));
        Assert.True((g + g + g).FixedTimeEquals(three));
        Assert.True((three - g - g).FixedTimeEquals(g));
        Assert.True((-three + three).IsIdentity());
        Assert.True((new Scalar(3) * g).FixedTimeEquals(three));
        Assert.True((-Scalar.One * g).FixedTimeEquals(-g));
        Assert.True(RistrettoPoint.MultiscalarMultiply([new(4), -Scalar.One], [g, g]).FixedTimeEquals(three));
        Assert.Equal("94741f5d5d52755ece4f23f044ee27d5d1ea1e2bd196b462166b16152a9d0259", three.Compress().ToString());
    }

    [Fact]
    public void TryDecode_AnyWrongLength_Refused()
    {
        byte[] bytes = [.. RistrettoPoint.Generator.Compress().Bytes, 0, 0];
        for (int size = 0; size <= bytes.Length; size++)
            Assert.Equal(size == 32, RistrettoPoint.TryDecode(bytes.AsSpan(0, size), out _));
    }

    [Fact]
    public void TryDecode_AnyBytes_RefusesOrEncodesToTheSameBytes()
    {
        var random = new Random(5);
        byte[] bytes = new byte[32];
        int decoded = 0;
        for (int i = 0; i < 400; i++)
        {
            random.NextBytes(bytes);
            bytes[31] &= 0x7F;
            bytes[0] &= 0xFE;
            if (!RistrettoPoint.TryDecode(bytes, out RistrettoPoint point)) continue;
            decoded++;
            Assert.Equal(bytes, point.Compress().Bytes.ToArray());
        }

        Assert.InRange(decoded, 40, 200);
    }

    [Fact]
    public void Callers_MistakesWithLengths_Throw()
    {
        Assert.Throws<ArgumentException>(() => new CompressedPoint(new byte[31]));
        Assert.Throws<ArgumentException>(() => RistrettoPoint.FromUniformBytes(new byte[63]));
        Assert.Throws<ArgumentException>(() => RistrettoPoint.MultiscalarMultiply([Scalar.One], []));
        Assert.Throws<ArgumentException>(() => RistrettoPoint.MultiscalarMultiplyVarTime([], [RistrettoPoint.Generator]));
    }
}
