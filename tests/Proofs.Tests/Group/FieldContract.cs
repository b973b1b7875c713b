using System.Numerics;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using CsCheck;
using Overlay.Proofs.Group;
using Overlay.Proofs.Tests.Crypto;

namespace Overlay.Proofs.Tests.Group;

/// <summary>What every way to multiply in GF(2²⁵⁵ - 19) has to do, held against big integers.</summary>
public abstract class FieldContract
{
    private static readonly BigInteger s_p = EdwardsCurve.P;

    private static readonly BigInteger[] s_edges =
    [
        0, 1, 2, 19, s_p - 1, s_p - 2, s_p - 19, (BigInteger.One << 26) - 1, (BigInteger.One << 51) - 1, (BigInteger.One << 204) - 1, (BigInteger.One << 255) - 20,
    ];

    // Besides random numbers, those at the edges of limbs and of the field.
    private static readonly Gen<BigInteger> s_element = Gen.Frequency(
        (3, Gen.Byte.Array[32].Select(bytes => new BigInteger(bytes, isUnsigned: true) % s_p)),
        (1, Gen.Int[0, s_edges.Length - 1].Select(i => s_edges[i])));

    [Fact]
    public void Multiply_AnyElements_IsTheProductModuloP() =>
        Gen.Select(s_element, s_element).Sample((a, b) => { Assert.Equal(a * b % s_p, Run((x, y) => Multiply(x, y), a, b)); });

    [Fact]
    public void Square_AnyElement_IsTheProductWithItself() => s_element.Sample(a => { Assert.Equal(a * a % s_p, Run((x, _) => Square(x), a, 0)); });

    [Fact]
    public void Multiply_SumsAndDifferencesUncarried_IsTheProductModuloP() =>
        Gen.Select(s_element, s_element).Sample((a, b) =>
        {
            Assert.Equal(
                BigInteger.ModPow(a + b, 1, s_p) * ((a - b + s_p) % s_p) % s_p,
                Run((x, y) => Multiply(FieldElement.Add(x, y), FieldElement.Subtract(x, y)), a, b));
        });

    [Fact]
    public void Multiply_AThousandInARow_StaysExact()
    {
        BigInteger expected = 3;
        FieldElement value = FromNumber(3), factor = FromNumber(s_p - 5);
        for (int i = 0; i < 1000; i++)
        {
            value = i % 2 == 0 ? Multiply(value, factor) : Square(value);
            expected = (i % 2 == 0 ? expected * (s_p - 5) : expected * expected) % s_p;
        }

        Assert.Equal(expected, ToNumber(value));
    }

    internal abstract FieldElement Multiply(in FieldElement a, in FieldElement b);

    internal abstract FieldElement Square(in FieldElement a);

    internal static FieldElement FromNumber(BigInteger value) => FieldElement.DecodeModP(EdwardsCurve.Encode(value));

    internal static BigInteger ToNumber(in FieldElement value)
    {
        byte[] bytes = new byte[32];
        value.Encode(bytes);
        return new BigInteger(bytes, isUnsigned: true);
    }

    private static BigInteger Run(Func<FieldElement, FieldElement, FieldElement> operation, BigInteger a, BigInteger b) =>
        ToNumber(operation(FromNumber(a), FromNumber(b)));
}

public sealed class PortableFieldTests : FieldContract
{
    internal override FieldElement Multiply(in FieldElement a, in FieldElement b) => Field<PortableProduct>.Multiply(a, b);

    internal override FieldElement Square(in FieldElement a) => Field<PortableProduct>.Square(a);
}

public sealed class MulxFieldTests : FieldContract
{
    public MulxFieldTests() => Assert.SkipUnless(Bmi2.X64.IsSupported, "This processor has no MULX.");

    internal override FieldElement Multiply(in FieldElement a, in FieldElement b) => Field<MulxProduct>.Multiply(a, b);

    internal override FieldElement Square(in FieldElement a) => Field<MulxProduct>.Square(a);
}

/// <summary>Each lane gets other operands; all of them must come out right.</summary>
public sealed unsafe class VectorFieldTests : FieldContract
{
    public VectorFieldTests() => Assert.SkipUnless(Avx2.IsSupported, "This processor has no AVX2.");

    [Fact]
    public void Lanes_FourDifferentProducts_DoNotMix()
    {
        FieldElement[] a = [FromNumber(2), FromNumber(EdwardsCurve.P - 1), FromNumber(BigInteger.One << 200), FromNumber(7)];
        Vector256<ulong>* x = stackalloc Vector256<ulong>[FieldVector.Size], y = stackalloc Vector256<ulong>[FieldVector.Size];
        FieldVector.Load(a[0], a[1], a[2], a[3], x);
        FieldVector.Load(a[3], a[2], a[1], a[0], y);

        FieldVector.Multiply(x, y, y);
        FieldVector.Square(x, x);

        for (int lane = 0; lane < 4; lane++)
        {
            Assert.Equal(ToNumber(a[lane]) * ToNumber(a[3 - lane]) % EdwardsCurve.P, ToNumber(FieldVector.Store(y, lane)));
            Assert.Equal(ToNumber(a[lane]) * ToNumber(a[lane]) % EdwardsCurve.P, ToNumber(FieldVector.Store(x, lane)));
        }
    }

    [Fact]
    public void Multiply_LimbsAtTheirBounds_IsExact()
    {
        // The largest that an addition of points can hand to a product, on both sides.
        Vector256<ulong>* x = stackalloc Vector256<ulong>[FieldVector.Size], y = stackalloc Vector256<ulong>[FieldVector.Size];
        BigInteger left = 0, right = 0;
        for (int i = 0; i < FieldVector.Size; i++)
        {
            ulong leftLimb = (i % 2 == 0 ? 1UL << 28 : 1UL << 27) - 1, rightLimb = (ulong)Math.Pow(2, i % 2 == 0 ? 27.7 : 26.7);
            x[i] = Vector256.Create(leftLimb);
            y[i] = Vector256.Create(rightLimb);
            left += (BigInteger)leftLimb << ((51 * i + 1) / 2);
            right += (BigInteger)rightLimb << ((51 * i + 1) / 2);
        }

        FieldVector.Multiply(x, y, y);
        FieldVector.Carry(x);

        Assert.Equal(left * right % EdwardsCurve.P, ToNumber(FieldVector.Store(y, 1)));
        Assert.Equal(left % EdwardsCurve.P, ToNumber(FieldVector.Store(x, 2)));
        Assert.All(Enumerable.Range(0, FieldVector.Size), i => Assert.True(y[i].GetElement(3) < (i % 2 == 0 ? 1UL << 26 : 1UL << 25) + (1UL << 18)));
    }

    internal override FieldElement Multiply(in FieldElement a, in FieldElement b)
    {
        Vector256<ulong>* x = stackalloc Vector256<ulong>[FieldVector.Size], y = stackalloc Vector256<ulong>[FieldVector.Size];
        FieldVector.Load(FieldElement.One, a.Carry(), b.Carry(), a.Carry(), x);
        FieldVector.Load(a.Carry(), b.Carry(), FieldElement.One, FieldElement.Zero, y);
        FieldVector.Multiply(x, y, x);
        return FieldVector.Store(x, 1);
    }

    internal override FieldElement Square(in FieldElement a)
    {
        Vector256<ulong>* x = stackalloc Vector256<ulong>[FieldVector.Size];
        FieldVector.Load(FieldElement.One, FieldElement.Zero, FieldElement.One, a.Carry(), x);
        FieldVector.Square(x, x);
        return FieldVector.Store(x, 3);
    }
}
