using System.Numerics;
using CsCheck;
using Overlay.Proofs.Group;
using Overlay.Proofs.Tests.Crypto;

namespace Overlay.Proofs.Tests.Group;

public sealed class ScalarTests
{
    private static readonly BigInteger s_l = EdwardsCurve.L;

    private static readonly BigInteger[] s_edges =
        [0, 1, 2, s_l - 1, s_l - 2, (BigInteger.One << 252) - 1, BigInteger.One << 252, (BigInteger.One << 64) - 1, BigInteger.One << 128];

    private static readonly Gen<BigInteger> s_number = Gen.Frequency(
        (3, Gen.Byte.Array[32].Select(bytes => new BigInteger(bytes, isUnsigned: true) % s_l)),
        (1, Gen.Int[0, s_edges.Length - 1].Select(i => s_edges[i])));

    [Fact]
    public void Arithmetic_AnyNumbers_AgreesWithBigIntegers() =>
        Gen.Select(s_number, s_number).Sample((a, b) =>
        {
            Scalar x = From(a), y = From(b);
            Assert.Equal((a + b) % s_l, ToNumber(x + y));
            Assert.Equal((a - b + s_l) % s_l, ToNumber(x - y));
            Assert.Equal((s_l - a) % s_l, ToNumber(-x));
            Assert.Equal(a * b % s_l, ToNumber(x * y));
            Assert.Equal(a == b, x.FixedTimeEquals(y));
            Assert.Equal(a.IsZero, x.IsZero());
        });

    [Fact]
    public void ReduceWide_AnyBytes_IsTheNumberModuloTheOrder() =>
        Gen.OneOf(Gen.Byte.Array[64], Gen.Bool.Select(set => set ? (byte)0xFF : (byte)0).Array[64]).Sample(bytes =>
        {
            Assert.Equal(new BigInteger(bytes, isUnsigned: true) % s_l, ToNumber(Scalar.ReduceWide(bytes)));
        });

    [Fact]
    public void Invert_AnyNumber_TimesItselfIsOne() =>
        s_number.Sample(a => { Assert.Equal(a.IsZero ? 0 : 1, ToNumber(From(a) * From(a).Invert())); }, iter: 200);

    [Fact]
    public void InvertAll_SeveralScalars_InvertsEach()
    {
        Scalar[] scalars = [new(1), new(2), -Scalar.One, new(ulong.MaxValue)], inverses = [.. scalars];
        Scalar.InvertAll(inverses);
        for (int i = 0; i < scalars.Length; i++) Assert.Equal(1, ToNumber(scalars[i] * inverses[i]));
    }

    [Fact]
    public void TryDecode_FromTheOrderOn_Refused()
    {
        for (int above = -5; above < 5; above++)
        {
            bool decoded = Scalar.TryDecode(EdwardsCurve.Encode(s_l + above), out Scalar scalar);
            Assert.Equal(above < 0, decoded);
            Assert.Equal(above < 0 ? s_l + above : 0, ToNumber(scalar));
        }

        Assert.False(Scalar.TryDecode(EdwardsCurve.Encode((BigInteger.One << 256) - 1), out _));
        Assert.False(Scalar.TryDecode(new byte[31], out _));
        Assert.False(Scalar.TryDecode(new byte[33], out _));
        Assert.False(Scalar.TryDecode([], out _));
    }

    [Fact]
    public void Lengths_OfTheCallersBuffers_AreChecked()
    {
        Assert.Throws<ArgumentException>(() => Scalar.ReduceWide(new byte[63]));
        Assert.Throws<ArgumentException>(() => Scalar.One.Encode(new byte[31]));
    }

    [Fact]
    public void Recodings_AnyNumber_AddUpToIt() =>
        Gen.Select(s_number, Gen.Int[2, 15]).Sample((a, width) =>
        {
            Scalar scalar = From(a);
            var naf = new sbyte[Recoding.NafSize];
            Recoding.NafVarTime(scalar, Math.Min(width, 8), naf);
            Assert.Equal(a, naf.Select((digit, i) => digit * (BigInteger.One << i)).Aggregate(BigInteger.Zero, BigInteger.Add));
            Assert.All(naf, digit => Assert.True(digit == 0 || (digit % 2 != 0 && Math.Abs((int)digit) < 1 << (Math.Min(width, 8) - 1))));

            int count = (scalar.BitLengthVarTime() / width) + 1;
            var digits = new short[3 * count];
            Recoding.SignedVarTime(scalar, width, digits, stride: 3, count);
            Assert.Equal(a, Enumerable.Range(0, count).Aggregate(BigInteger.Zero, (sum, i) => sum + (digits[3 * i] * (BigInteger.One << (i * width)))));
            Assert.All(digits, digit => Assert.InRange(digit, -(1 << (width - 1)), 1 << (width - 1)));

            var odd = new sbyte[Recoding.OddDigitCount];
            Recoding.OddRadix16(scalar, odd);
            BigInteger value = odd.Select((digit, i) => digit * BigInteger.Pow(16, i)).Aggregate(BigInteger.Zero, BigInteger.Add);
            Assert.Equal(a, value % s_l);
            Assert.All(odd, digit => Assert.True(digit % 2 != 0 && Math.Abs((int)digit) <= 15));
        });

    [Fact]
    public void Random_Twice_Differs() => Assert.False(Scalar.Random().FixedTimeEquals(Scalar.Random()));

    private static Scalar From(BigInteger value)
    {
        Assert.True(Scalar.TryDecode(EdwardsCurve.Encode(value), out Scalar scalar));
        return scalar;
    }

    private static BigInteger ToNumber(in Scalar scalar)
    {
        byte[] bytes = new byte[Scalar.Size];
        scalar.Encode(bytes);
        return new BigInteger(bytes, isUnsigned: true);
    }
}
