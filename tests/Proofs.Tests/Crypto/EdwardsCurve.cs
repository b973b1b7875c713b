using System.Numerics;
using System.Security.Cryptography;

namespace Overlay.Proofs.Tests.Crypto;

/// <summary>edwards25519 by the book (RFC 8032, section 5.1), slow and independent of the implementation under test.</summary>
internal static class EdwardsCurve
{
    public static readonly BigInteger P = BigInteger.Pow(2, 255) - 19;
    public static readonly BigInteger L = BigInteger.Pow(2, 252) + BigInteger.Parse("27742317777372353535851937790883648493", null);
    private static readonly BigInteger s_d = Mod(-121665 * Inverse(121666));

    public readonly record struct Point(BigInteger X, BigInteger Y);

    public static Point Identity { get; } = new(0, 1);

    public static Point Base { get; } = Decode(Convert.FromHexString("5866666666666666666666666666666666666666666666666666666666666666"))!.Value;

    /// <summary>A point of order exactly 8, and with its multiples all eight whose order divides 8.</summary>
    public static Point Torsion { get; } = FindTorsion();

    public static Point Add(Point a, Point b)
    {
        BigInteger product = Mod(s_d * Mod(a.X * b.X) * Mod(a.Y * b.Y));
        BigInteger both = Inverse((1 + product) * (1 - product));
        return new(Mod(Mod(a.X * b.Y + b.X * a.Y) * Mod(both * (1 - product))), Mod(Mod(a.Y * b.Y + a.X * b.X) * Mod(both * (1 + product))));
    }

    public static Point Multiply(BigInteger scalar, Point point)
    {
        Point result = Identity;
        for (; scalar > 0; scalar >>= 1, point = Add(point, point))
            if (!scalar.IsEven) result = Add(result, point);
        return result;
    }

    public static byte[] Encode(Point point)
    {
        byte[] bytes = Encode(point.Y);
        if (!point.X.IsEven) bytes[31] |= 0x80;
        return bytes;
    }

    public static byte[] Encode(BigInteger value)
    {
        byte[] bytes = new byte[32];
        if (!value.TryWriteBytes(bytes, out _, isUnsigned: true)) throw new ArgumentOutOfRangeException(nameof(value));
        return bytes;
    }

    /// <summary>The point that an encoding names, canonical or not; null when there is none on the curve.</summary>
    public static Point? Decode(ReadOnlySpan<byte> encoding)
    {
        var y = new BigInteger([.. encoding[..31], (byte)(encoding[31] & 0x7F)], isUnsigned: true);
        BigInteger u = Mod(y * y - 1), square = Mod(u * Inverse(Mod(s_d * y * y) + 1));
        BigInteger x = BigInteger.ModPow(square, (P + 3) / 8, P);
        if (Mod(x * x) != square) x = Mod(x * BigInteger.ModPow(2, (P - 1) / 4, P));
        if (Mod(x * x) != square) return null;
        return new(x.IsEven == (encoding[31] < 0x80) ? x : Mod(-x), Mod(y));
    }

    /// <summary>k of RFC 8032, section 5.1.7.</summary>
    public static BigInteger Challenge(byte[] r, byte[] key, byte[] message) =>
        new BigInteger(SHA512.HashData([.. r, .. key, .. message]), isUnsigned: true) % L;

    private static Point FindTorsion()
    {
        for (int y = 2; ; y++)
            if (Decode(Encode(new BigInteger(y))) is { } point && Multiply(L, point) is var torsion && Multiply(4, torsion) != Identity) return torsion;
    }

    private static BigInteger Mod(BigInteger value) => ((value % P) + P) % P;

    private static BigInteger Inverse(BigInteger value) => BigInteger.ModPow(Mod(value), P - 2, P);
}
