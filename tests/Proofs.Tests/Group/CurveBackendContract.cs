using System.Numerics;
using Overlay.Proofs.Group;
using Overlay.Proofs.Tests.Crypto;

namespace Overlay.Proofs.Tests.Group;

/// <summary>What every backend has to do; run over each that this processor has, and skipped for those it has not.</summary>
public abstract class CurveBackendContract
{
    private readonly CurveBackend _backend;
    private readonly Random _random = new(20_011);

    protected CurveBackendContract(string name)
    {
        CurveBackend? backend = CurveBackend.All.FirstOrDefault(candidate => candidate.Name == name);
        Assert.SkipWhen(backend is null, $"This processor cannot run the backend '{name}'.");
        _backend = backend;
    }

    // RFC 9496, appendix A.1.
    [Theory]
    [InlineData(0, "0000000000000000000000000000000000000000000000000000000000000000")]
    [InlineData(1, "e2f2ae0a6abc4e71a884a961c500515f58e30b6aa582dd8db6a65945e08d2d76")]
    [InlineData(2, "6a493210f7499cd17fecb510ae0cea23a110e8d5b901f8acadd3095c73a3b919")]
    [InlineData(3, "94741f5d5d52755ece4f23f044ee27d5d1ea1e2bd196b462166b16152a9d0259")]
    [InlineData(15, "e0c418f7c8d9c4cdd7395b93ea124f3ad99021bb681dfc3302a9d99a2e53e64e")]
    public void Rfc9496_AppendixA1_MultiplesOfTheGenerator(int k, string encoding)
    {
        FixedBase generator = _backend.PrepareFixedBase(CurveConstants.Basepoint);
        Assert.Equal(encoding, Hex(_backend.Multiply(new Scalar((ulong)k), generator)));
        Assert.Equal(encoding, Hex(_backend.MultiscalarMul([new Scalar((ulong)k)], [CurveConstants.Basepoint])));
        Assert.Equal(encoding, Hex(_backend.MultiscalarMulVarTime([], null, [new Scalar((ulong)k)], [CurveConstants.Basepoint])));
        Assert.NotEqual(0UL, _backend.DecodeRistretto(Convert.FromHexString(encoding), out EdwardsPoint decoded));
        Assert.NotEqual(0UL, _backend.AreEqualRistretto(decoded, _backend.Multiply(new Scalar((ulong)k), generator)));
    }

    // RFC 9496, appendix A.2, one of each kind.
    [Theory]
    [InlineData("00ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff")]
    [InlineData("edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f")]
    [InlineData("0100000000000000000000000000000000000000000000000000000000000000")]
    [InlineData("26948d35ca62e643e26a83177332e6b6afeb9d08e4268b650f1f5bbd8d81d371")]
    [InlineData("3eb858e78f5a7254d8c9731174a94f76755fd3941c0ac93735c07ba14579630e")]
    [InlineData("ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f")]
    public void Rfc9496_AppendixA2_InvalidEncodingsRefused(string encoding) =>
        Assert.Equal(0UL, _backend.DecodeRistretto(Convert.FromHexString(encoding), out _));

    // RFC 9496, appendix A.3.
    [Fact]
    public void Rfc9496_AppendixA3_OneWayMap() => Assert.Equal(
        "3066f82a1a747d45120d1740f14358531a8f04bbffe6a819f86dfe50f44a0a46",
        Hex(_backend.MapRistretto(Convert.FromHexString(
            "5d1be09e3d0c82fc538112490e35701979d99e06ca3e2b5b54bffe8b4dc772c14d98b696a1bbfb5ca32c436cc61c16563790306c79eaca7705668b47dffe5bb6"))));

    [Fact]
    public void EncodeAndDecode_EveryRepresentativeOfAnElement_HasOneEncoding()
    {
        EdwardsPoint point = RandomPoint();
        string encoding = Hex(point);
        // The four points of order dividing 4, with which a ristretto255 element is blind.
        for (int i = 0; i < 8; i += 2)
        {
            EdwardsPoint other = _backend.Add(point, FromBook(EdwardsCurve.Multiply(i, EdwardsCurve.Torsion)));
            Assert.Equal(encoding, Hex(other));
            Assert.NotEqual(0UL, _backend.AreEqualRistretto(point, other));
            Assert.True(_backend.Subtract(point, other).IsRistrettoIdentity());
        }

        Assert.NotEqual(0UL, _backend.DecodeRistretto(Convert.FromHexString(encoding), out EdwardsPoint decoded));
        Assert.NotEqual(0UL, _backend.AreEqualRistretto(point, decoded));
        Assert.Equal(0UL, _backend.AreEqualRistretto(_backend.Double(point), decoded));
    }

    [Fact]
    public void AddSubtractDouble_AnyPoints_AreThoseOfTheCurve()
    {
        EdwardsCurve.Point a = EdwardsCurve.Multiply(123456789, EdwardsCurve.Base), b = EdwardsCurve.Add(EdwardsCurve.Multiply(987654321, EdwardsCurve.Base), EdwardsCurve.Torsion);
        EdwardsPoint p = FromBook(a), q = FromBook(b);
        AssertSame(EdwardsCurve.Add(a, b), _backend.Add(p, q));
        AssertSame(EdwardsCurve.Add(a, a), _backend.Double(p));
        AssertSame(EdwardsCurve.Add(a, a), _backend.Add(p, p));
        AssertSame(a, _backend.Subtract(_backend.Add(p, q), q));
        Assert.True(_backend.Subtract(q, q).IsIdentity());
        Assert.True(_backend.Add(p, EdwardsPoint.Negate(p)).IsIdentity());
        AssertSame(a, _backend.Add(p, EdwardsPoint.Identity));
    }

    [Fact]
    public void MultiscalarVarTime_PointsWithTorsion_IsExactOnTheCurve()
    {
        EdwardsCurve.Point a = EdwardsCurve.Add(EdwardsCurve.Multiply(5, EdwardsCurve.Base), EdwardsCurve.Torsion), b = EdwardsCurve.Torsion;
        AssertSame(
            EdwardsCurve.Add(EdwardsCurve.Multiply(1_000_003, a), EdwardsCurve.Multiply(77, b)),
            _backend.MultiscalarMulVarTime([], null, [new Scalar(1_000_003), new Scalar(77)], [FromBook(a), FromBook(b)]));
    }

    [Theory]
    [InlineData(0, 0)]
    [InlineData(0, 1)]
    [InlineData(1, 0)]
    [InlineData(3, 4)]
    [InlineData(130, 17)]
    [InlineData(0, 189)]
    [InlineData(0, 190)]
    [InlineData(5, 250)]
    [InlineData(140, 3)]
    [InlineData(200, 0)]
    public void Multiscalar_AnyNumberOfTerms_IsTheSameEveryWay(int prepared, int others)
    {
        FixedBase generator = _backend.PrepareFixedBase(CurveConstants.Basepoint);
        var scalars = new Scalar[prepared + others];
        var points = new EdwardsPoint[prepared + others];
        Scalar sum = Scalar.Zero;
        for (int i = 0; i < scalars.Length; i++)
        {
            Scalar logarithm = RandomScalar();
            // Zeros, ones, minus ones and short scalars stand among the others.
            scalars[i] = (i % 7) switch { 3 => Scalar.Zero, 4 => Scalar.One, 5 => -Scalar.One, 6 => new Scalar(ulong.MaxValue), _ => RandomScalar() };
            points[i] = _backend.Multiply(logarithm, generator);
            sum += scalars[i] * logarithm;
        }

        string expected = Hex(_backend.Multiply(sum, generator));
        PointTable table = _backend.PrepareTable(points.AsSpan(0, prepared), Math.Min(prepared, 130), known: null);
        Assert.Equal(prepared, table.Count);
        Assert.Equal(expected, Hex(_backend.MultiscalarMulVarTime(scalars.AsSpan(0, prepared), table, scalars.AsSpan(prepared), points.AsSpan(prepared))));
        Assert.Equal(expected, Hex(_backend.MultiscalarMulVarTime([], null, scalars, points)));
        if (scalars.Length <= 20) Assert.Equal(expected, Hex(_backend.MultiscalarMul(scalars, points)));
    }

    [Fact]
    public void PrepareTable_GrownFromAKnownOne_GivesTheSameSums()
    {
        EdwardsPoint[] points = [RandomPoint(), RandomPoint(), RandomPoint(), RandomPoint()];
        Scalar[] scalars = [RandomScalar(), RandomScalar(), RandomScalar(), RandomScalar()];
        PointTable small = _backend.PrepareTable(points.AsSpan(0, 2), 2, known: null), grown = _backend.PrepareTable(points, 2, small);

        Assert.Equal(4, grown.Count);
        Assert.Equal(Hex(_backend.MultiscalarMulVarTime([], null, scalars, points)), Hex(_backend.MultiscalarMulVarTime(scalars, grown, [], [])));
        Assert.Equal(
            Hex(_backend.MultiscalarMulVarTime([], null, scalars.AsSpan(0, 2), points.AsSpan(0, 2))),
            Hex(_backend.MultiscalarMulVarTime(scalars.AsSpan(0, 2), grown, [], [])));
    }

    [Fact]
    public void DecodeEdwards_CanonicalPointsOnly()
    {
        for (int i = 0; i < 8; i++)
        {
            EdwardsCurve.Point expected = EdwardsCurve.Add(EdwardsCurve.Multiply(3, EdwardsCurve.Base), EdwardsCurve.Multiply(i, EdwardsCurve.Torsion));
            Assert.NotEqual(0UL, _backend.DecodeEdwards(EdwardsCurve.Encode(expected), out EdwardsPoint point));
            AssertSame(expected, point);
        }

        for (int above = 0; above < 19; above++) Assert.Equal(0UL, _backend.DecodeEdwards(EdwardsCurve.Encode(EdwardsCurve.P + above), out _));
        // x = 0 with the sign bit set.
        byte[] one = EdwardsCurve.Encode(BigInteger.One);
        Assert.NotEqual(0UL, _backend.DecodeEdwards(one, out _));
        one[31] |= 0x80;
        Assert.Equal(0UL, _backend.DecodeEdwards(one, out _));
        for (int y = 2; y < 60; y++)
        {
            byte[] encoding = EdwardsCurve.Encode(new BigInteger(y));
            Assert.Equal(EdwardsCurve.Decode(encoding) is not null, _backend.DecodeEdwards(encoding, out _) != 0);
        }
    }

    private static EdwardsPoint FromBook(EdwardsCurve.Point point)
    {
        FieldElement x = FieldContract.FromNumber(point.X), y = FieldContract.FromNumber(point.Y);
        return new EdwardsPoint(x, y, FieldElement.One, Field<PortableProduct>.Multiply(x, y));
    }

    private static void AssertSame(EdwardsCurve.Point expected, in EdwardsPoint actual)
    {
        FieldElement inverse = Field<PortableProduct>.Invert(actual.Z);
        Assert.Equal(
            expected,
            new EdwardsCurve.Point(
                FieldContract.ToNumber(Field<PortableProduct>.Multiply(actual.X, inverse)), FieldContract.ToNumber(Field<PortableProduct>.Multiply(actual.Y, inverse))));
        Assert.NotEqual(0UL, FieldElement.AreEqual(Field<PortableProduct>.Multiply(actual.X, actual.Y), Field<PortableProduct>.Multiply(actual.Z, actual.T)));
    }

    private Scalar RandomScalar()
    {
        byte[] wide = new byte[Scalar.WideSize];
        _random.NextBytes(wide);
        return Scalar.ReduceWide(wide);
    }

    private EdwardsPoint RandomPoint()
    {
        byte[] uniform = new byte[64];
        _random.NextBytes(uniform);
        return _backend.MapRistretto(uniform);
    }

    private string Hex(in EdwardsPoint point)
    {
        byte[] bytes = new byte[32];
        _backend.EncodeRistretto(point, bytes);
        return Convert.ToHexStringLower(bytes);
    }
}

public sealed class PortableBackendTests() : CurveBackendContract("portable");

public sealed class Bmi2BackendTests() : CurveBackendContract("bmi2");

public sealed class Avx2BackendTests() : CurveBackendContract("avx2");
