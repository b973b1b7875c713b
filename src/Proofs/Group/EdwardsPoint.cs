#if !OVERLAY_TRANSPORT
namespace Overlay.Proofs.Group;
#else
namespace Overlay.Transport.Crypto.Group;
#endif

/// <summary>A point of edwards25519 in extended coordinates: x = X/Z, y = Y/Z, x·y = T/Z, limbs carried. Cofactor 8; ristretto255 elements are cosets of these.</summary>
internal readonly struct EdwardsPoint(in FieldElement x, in FieldElement y, in FieldElement z, in FieldElement t)
{
    internal readonly FieldElement X = x, Y = y, Z = z, T = t;

    internal static EdwardsPoint Identity => new(FieldElement.Zero, FieldElement.One, FieldElement.One, FieldElement.Zero);

    internal static EdwardsPoint Negate(in EdwardsPoint p) => new(FieldElement.Negate(p.X), p.Y, p.Z, FieldElement.Negate(p.T));

    /// <summary><paramref name="a"/> where <paramref name="mask"/> is all ones, <paramref name="b"/> where it is zero.</summary>
    internal static EdwardsPoint Select(ulong mask, in EdwardsPoint a, in EdwardsPoint b) => new(
        FieldElement.Select(mask, a.X, b.X), FieldElement.Select(mask, a.Y, b.Y), FieldElement.Select(mask, a.Z, b.Z), FieldElement.Select(mask, a.T, b.T));

    /// <summary>True for the neutral point itself: x = 0 and y = 1. Variable time in the answer only.</summary>
    internal bool IsIdentity() => (X.IsZero() & FieldElement.AreEqual(Y, Z)) != 0;

    /// <summary>True when the ristretto255 element is the identity: the point is one of the four of order dividing 4 (RFC 9496, section 4.5, with x·y = 0).</summary>
    internal bool IsRistrettoIdentity() => (X.IsZero() | Y.IsZero()) != 0;
}

/// <summary>A second summand prepared for additions: Y + X, Y - X, 2·Z, 2·d·T.</summary>
internal readonly struct CachedPoint(in FieldElement yPlusX, in FieldElement yMinusX, in FieldElement z2, in FieldElement t2d)
{
    internal readonly FieldElement YPlusX = yPlusX, YMinusX = yMinusX, Z2 = z2, T2d = t2d;
}

/// <summary>The same with Z = 1, which saves a product.</summary>
internal readonly struct AffinePoint(in FieldElement yPlusX, in FieldElement yMinusX, in FieldElement xy2d)
{
    internal readonly FieldElement YPlusX = yPlusX, YMinusX = yMinusX, Xy2d = xy2d;
}
