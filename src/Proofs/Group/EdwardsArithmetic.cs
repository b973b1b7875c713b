using System.Runtime.CompilerServices;

#if !OVERLAY_TRANSPORT
namespace Overlay.Proofs.Group;
#else
namespace Overlay.Transport.Crypto.Group;
#endif

/// <summary>Point arithmetic one field product after another: the complete formulas for a = -1 of Hisil, Wong, Carter and Dawson (eprint 2008/522, sections 3.1 and 3.3).</summary>
internal readonly struct EdwardsArithmetic<TWide> : IPointArithmetic<EdwardsPoint, CachedPoint, AffinePoint> where TWide : struct, IWideProduct
{
    public static void Load(in EdwardsPoint source, out EdwardsPoint point) => point = source;

    public static EdwardsPoint Store(in EdwardsPoint point) => point;

    public static void ToCached(in EdwardsPoint point, out CachedPoint cached) => cached = new CachedPoint(
        FieldElement.Add(point.Y, point.X).Carry(),
        FieldElement.Subtract(point.Y, point.X).Carry(),
        FieldElement.Add(point.Z, point.Z).Carry(),
        Field<TWide>.Multiply(point.T, CurveConstants.D2));

    public static void ToAffine(ReadOnlySpan<EdwardsPoint> points, Span<AffinePoint> affine)
    {
        // Montgomery's trick: the products of all Z before each, one inversion, then backwards.
        var before = new FieldElement[points.Length];
        FieldElement product = FieldElement.One;
        for (int i = 0; i < points.Length; i++)
        {
            before[i] = product;
            product = Field<TWide>.Multiply(product, points[i].Z);
        }

        FieldElement inverse = Field<TWide>.Invert(product);
        for (int i = points.Length - 1; i >= 0; i--)
        {
            FieldElement zInverse = Field<TWide>.Multiply(inverse, before[i]);
            inverse = Field<TWide>.Multiply(inverse, points[i].Z);
            FieldElement x = Field<TWide>.Multiply(points[i].X, zInverse), y = Field<TWide>.Multiply(points[i].Y, zInverse);
            FieldElement xy2d = Field<TWide>.Multiply(Field<TWide>.Multiply(x, y), CurveConstants.D2);
            affine[i] = new AffinePoint(FieldElement.Add(y, x).Carry(), FieldElement.Subtract(y, x).Carry(), xy2d);
        }
    }

    public static void Double(ref EdwardsPoint point)
    {
        FieldElement a = Field<TWide>.Square(point.X), b = Field<TWide>.Square(point.Y), z = Field<TWide>.Square(point.Z);
        FieldElement s = Field<TWide>.Square(FieldElement.Add(point.X, point.Y));
        FieldElement h = FieldElement.Add(a, b), g = FieldElement.Subtract(a, b);
        point = Complete(FieldElement.Subtract(h, s), FieldElement.Add(FieldElement.Add(z, z), g), g, h);
    }

    public static void Add(ref EdwardsPoint point, in CachedPoint summand)
    {
        (FieldElement a, FieldElement b) = Products(point, summand.YMinusX, summand.YPlusX);
        FieldElement c = Field<TWide>.Multiply(point.T, summand.T2d), d = Field<TWide>.Multiply(point.Z, summand.Z2);
        point = Complete(FieldElement.Subtract(b, a), FieldElement.Subtract(d, c), FieldElement.Add(d, c), FieldElement.Add(b, a));
    }

    public static void Subtract(ref EdwardsPoint point, in CachedPoint summand)
    {
        (FieldElement a, FieldElement b) = Products(point, summand.YPlusX, summand.YMinusX);
        FieldElement c = Field<TWide>.Multiply(point.T, summand.T2d), d = Field<TWide>.Multiply(point.Z, summand.Z2);
        point = Complete(FieldElement.Subtract(b, a), FieldElement.Add(d, c), FieldElement.Subtract(d, c), FieldElement.Add(b, a));
    }

    public static void Add(ref EdwardsPoint point, in AffinePoint summand, AffineTag tag)
    {
        (FieldElement a, FieldElement b) = Products(point, summand.YMinusX, summand.YPlusX);
        FieldElement c = Field<TWide>.Multiply(point.T, summand.Xy2d), d = FieldElement.Add(point.Z, point.Z);
        point = Complete(FieldElement.Subtract(b, a), FieldElement.Subtract(d, c), FieldElement.Add(d, c), FieldElement.Add(b, a));
    }

    public static void Subtract(ref EdwardsPoint point, in AffinePoint summand, AffineTag tag)
    {
        (FieldElement a, FieldElement b) = Products(point, summand.YPlusX, summand.YMinusX);
        FieldElement c = Field<TWide>.Multiply(point.T, summand.Xy2d), d = FieldElement.Add(point.Z, point.Z);
        point = Complete(FieldElement.Subtract(b, a), FieldElement.Add(d, c), FieldElement.Subtract(d, c), FieldElement.Add(b, a));
    }

    public static void AddSecret(ref EdwardsPoint point, in CachedPoint summand, ulong negative) => Add(ref point, new CachedPoint(
        FieldElement.Select(negative, summand.YMinusX, summand.YPlusX),
        FieldElement.Select(negative, summand.YPlusX, summand.YMinusX),
        summand.Z2,
        FieldElement.NegateIf(negative, summand.T2d)));

    public static void AddSecret(ref EdwardsPoint point, in AffinePoint summand, ulong negative, AffineTag tag) => Add(ref point, new AffinePoint(
        FieldElement.Select(negative, summand.YMinusX, summand.YPlusX),
        FieldElement.Select(negative, summand.YPlusX, summand.YMinusX),
        FieldElement.NegateIf(negative, summand.Xy2d)), tag);

    // A = (Y1 - X1)·(Y2 - X2), B = (Y1 + X1)·(Y2 + X2); the negative of a summand has both factors swapped.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static (FieldElement A, FieldElement B) Products(in EdwardsPoint point, in FieldElement withDifference, in FieldElement withSum) =>
        (Field<TWide>.Multiply(FieldElement.Subtract(point.Y, point.X), withDifference), Field<TWide>.Multiply(FieldElement.Add(point.Y, point.X), withSum));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static EdwardsPoint Complete(in FieldElement e, in FieldElement f, in FieldElement g, in FieldElement h) =>
        new(Field<TWide>.Multiply(e, f), Field<TWide>.Multiply(g, h), Field<TWide>.Multiply(f, g), Field<TWide>.Multiply(e, h));
}
