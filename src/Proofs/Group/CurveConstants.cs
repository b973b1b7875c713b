#if !OVERLAY_TRANSPORT
namespace Overlay.Proofs.Group;
#else
namespace Overlay.Transport.Crypto.Group;
#endif

/// <summary>The numbers of edwards25519 and ristretto255, named and printed as in RFC 9496, section 4.1.</summary>
internal static class CurveConstants
{
    /// <summary>d of -x² + y² = 1 + d·x²·y².</summary>
    internal static readonly FieldElement D = Parse("37095705934669439343138083508754565189542113879843219016388785533085940283555");

    /// <summary>2·d.</summary>
    internal static readonly FieldElement D2 = FieldElement.Add(D, D).Carry();

    /// <summary>√-1.</summary>
    internal static readonly FieldElement SqrtM1 = Parse("19681161376707505956807079304988542015446066515923890162744021073123829784752");

    /// <summary>√(a·d - 1).</summary>
    internal static readonly FieldElement SqrtAdMinusOne = Parse("25063068953384623474111414158702152701244531502492656460079210482610430750235");

    /// <summary>1/√(a - d).</summary>
    internal static readonly FieldElement InvSqrtAMinusD = Parse("54469307008909316920995813868745141605393597292927456921205312896311721017578");

    /// <summary>1 - d².</summary>
    internal static readonly FieldElement OneMinusDSquared = Parse("1159843021668779879193775521855586647937357759715417654439879720876111806838");

    /// <summary>(d - 1)².</summary>
    internal static readonly FieldElement DMinusOneSquared = Parse("40440834346308536858101042469323190826248399146238708352240133220865137265952");

    /// <summary>The base point of RFC 8032, section 5.1, which is also the generator of ristretto255.</summary>
    internal static readonly EdwardsPoint Basepoint = MakeBasepoint();

    private static FieldElement Parse(string number) => FieldElement.ParseVarTime(number);

    private static EdwardsPoint MakeBasepoint()
    {
        FieldElement x = Parse("15112221349535400772501151409588531511454012693041857206046113283949847762202");
        FieldElement y = Parse("46316835694926478169428394003475163141307993866256225615783033603165251855960");
        return new EdwardsPoint(x, y, FieldElement.One, Field<PortableProduct>.Multiply(x, y));
    }
}
