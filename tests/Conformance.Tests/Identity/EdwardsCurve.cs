using System.Globalization;
using System.Numerics;

namespace Overlay.Conformance.Tests.Identity;

/// <summary>edwards25519 as RFC 8032, section 5.1, writes it down: slow, plain, and independent of what is tested with it.</summary>
internal static class EdwardsCurve
{
    internal static readonly BigInteger P = BigInteger.Pow(2, 255) - 19;
    internal static readonly BigInteger L = BigInteger.Pow(2, 252) + BigInteger.Parse("27742317777372353535851937790883648493", CultureInfo.InvariantCulture);

    private static readonly BigInteger s_d = Mod(-121665 * Inverse(121666));

    internal static (BigInteger X, BigInteger Y) Base { get; } = Decode(Mod(4 * Inverse(5)), sign: 0);

    /// <summary>A point of order 8.</summary>
    internal static (BigInteger X, BigInteger Y) Order8 { get; } =
        Decode(Number(Convert.FromHexString("26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05")), sign: 0);

    internal static (BigInteger X, BigInteger Y) Add((BigInteger X, BigInteger Y) a, (BigInteger X, BigInteger Y) b)
    {
        BigInteger product = Mod(s_d * a.X * b.X * a.Y * b.Y);
        return (Mod(((a.X * b.Y) + (b.X * a.Y)) * Inverse(1 + product)), Mod(((a.Y * b.Y) + (a.X * b.X)) * Inverse(1 - product)));
    }

    internal static (BigInteger X, BigInteger Y) Multiply(BigInteger scalar, (BigInteger X, BigInteger Y) point)
    {
        (BigInteger X, BigInteger Y) sum = (0, 1);
        for (; scalar > 0; scalar >>= 1)
        {
            if (!scalar.IsEven) sum = Add(sum, point);
            point = Add(point, point);
        }

        return sum;
    }

    internal static byte[] Encode((BigInteger X, BigInteger Y) point)
    {
        byte[] bytes = LittleEndian(point.Y);
        if (!point.X.IsEven) bytes[31] |= 0x80;
        return bytes;
    }

    internal static byte[] LittleEndian(BigInteger value)
    {
        byte[] bytes = new byte[32];
        Assert.True(value.TryWriteBytes(bytes, out _, isUnsigned: true));
        return bytes;
    }

    internal static BigInteger Number(ReadOnlySpan<byte> littleEndian) => new(littleEndian, isUnsigned: true);

    private static (BigInteger X, BigInteger Y) Decode(BigInteger y, int sign)
    {
        BigInteger xx = Mod(((y * y) - 1) * Inverse((s_d * y * y) + 1));
        BigInteger x = BigInteger.ModPow(xx, (P + 3) / 8, P);
        if (Mod((x * x) - xx) != 0) x = Mod(x * BigInteger.ModPow(2, (P - 1) / 4, P));
        Assert.Equal(BigInteger.Zero, Mod((x * x) - xx));
        return (x.IsEven == (sign == 0) ? x : P - x, y);
    }

    private static BigInteger Inverse(BigInteger value) => BigInteger.ModPow(Mod(value), P - 2, P);

    private static BigInteger Mod(BigInteger value)
    {
        BigInteger rest = value % P;
        return rest.Sign < 0 ? rest + P : rest;
    }
}
