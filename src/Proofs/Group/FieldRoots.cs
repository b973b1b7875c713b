#if !OVERLAY_TRANSPORT
namespace Overlay.Proofs.Group;
#else
namespace Overlay.Transport.Crypto.Group;
#endif

/// <content>Square roots (RFC 9496, section 4.2).</content>
internal static partial class Field<TWide>
{
    /// <summary>a^((p - 5)/8) = a^(2²⁵² - 3).</summary>
    internal static FieldElement PowerP58(in FieldElement a) => Multiply(SquareTimes(PowerOfTwo250Less1(a, out _), 2), a);

    /// <summary>SQRT_RATIO_M1 of RFC 9496, section 4.2: the non-negative root of u/v, or of i·u/v when u/v is no square.</summary>
    /// <returns>All ones when u/v is a square (zero counts, v = 0 only with u = 0), else zero.</returns>
    internal static ulong SqrtRatioM1(in FieldElement u, in FieldElement v, out FieldElement root)
    {
        FieldElement v3 = Multiply(Square(v), v), uv3 = Multiply(u, v3), uv7 = Multiply(uv3, Square(Square(v)));
        FieldElement r = Multiply(uv3, PowerP58(uv7));
        FieldElement check = Multiply(v, Square(r)), minusU = FieldElement.Negate(u);

        ulong correct = FieldElement.AreEqual(check, u);
        ulong flipped = FieldElement.AreEqual(check, minusU);
        ulong flippedI = FieldElement.AreEqual(check, Multiply(minusU, CurveConstants.SqrtM1));
        r = FieldElement.Select(flipped | flippedI, Multiply(r, CurveConstants.SqrtM1), r);
        root = FieldElement.Abs(r);
        return correct | flipped;
    }
}
