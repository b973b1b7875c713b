namespace Overlay.Proofs.Group;

/// <summary>An element of ristretto255 (RFC 9496): a group of prime order in which every element has exactly one encoding.</summary>
/// <remarks>Constant time, but for members whose names end in VarTime. The default value is the identity.</remarks>
public readonly struct RistrettoPoint
{
    /// <summary>Size in bytes of what <see cref="FromUniformBytes"/> takes.</summary>
    public const int UniformSize = 64;

    private static readonly FixedBase s_generator = CurveBackend.Best.PrepareFixedBase(CurveConstants.Basepoint);

    private readonly EdwardsPoint _point;

    // In a default instance Z is zero, which no point has.
    private readonly bool _isSet;

    internal RistrettoPoint(in EdwardsPoint point)
    {
        _point = point;
        _isSet = true;
    }

    /// <summary>The neutral element.</summary>
    public static RistrettoPoint Identity => default;

    /// <summary>The generator of RFC 9496, section 4.</summary>
    public static RistrettoPoint Generator => new(CurveConstants.Basepoint);

    internal EdwardsPoint Point => _isSet ? _point : EdwardsPoint.Identity;

    /// <summary>Decodes an element.</summary>
    /// <param name="bytes">What a peer sent; any length but <see cref="CompressedPoint.Size"/> is refused.</param>
    /// <param name="point">The element, or the identity.</param>
    /// <returns>False for everything but the one encoding of an element (RFC 9496, section 4.3.1).</returns>
    public static bool TryDecode(ReadOnlySpan<byte> bytes, out RistrettoPoint point)
    {
        point = default;
        if (bytes.Length != CompressedPoint.Size || CurveBackend.Best.DecodeRistretto(bytes, out EdwardsPoint decoded) == 0) return false;
        point = new RistrettoPoint(decoded);
        return true;
    }

    /// <summary>Decodes an element.</summary>
    /// <param name="compressed">What a peer sent.</param>
    /// <param name="point">The element, or the identity.</param>
    /// <returns>False for everything but the one encoding of an element.</returns>
    public static bool TryDecode(in CompressedPoint compressed, out RistrettoPoint point) => TryDecode(compressed.Bytes, out point);

    /// <summary>The one-way map of RFC 9496, section 4.3.4: 64 uniform bytes, such as a hash, to an element whose discrete logarithm nobody knows.</summary>
    /// <param name="bytes">Exactly <see cref="UniformSize"/> bytes.</param>
    /// <exception cref="ArgumentException"><paramref name="bytes"/> has another length.</exception>
    public static RistrettoPoint FromUniformBytes(ReadOnlySpan<byte> bytes)
    {
        if (bytes.Length != UniformSize) throw new ArgumentException($"Expected {UniformSize} bytes, got {bytes.Length}.", nameof(bytes));
        return new RistrettoPoint(CurveBackend.Best.MapRistretto(bytes));
    }

    /// <summary>k times the generator.</summary>
    public static RistrettoPoint MultiplyGenerator(in Scalar k) => new(CurveBackend.Best.Multiply(k, s_generator));

    /// <summary>Σ kᵢ·Pᵢ in constant time, for secret scalars.</summary>
    /// <param name="scalars">The scalars.</param>
    /// <param name="points">As many points.</param>
    /// <exception cref="ArgumentException">There are more of one than of the other.</exception>
    public static RistrettoPoint MultiscalarMultiply(ReadOnlySpan<Scalar> scalars, ReadOnlySpan<RistrettoPoint> points) =>
        new(CurveBackend.Best.MultiscalarMul(scalars, ToEdwards(points, scalars.Length)));

    /// <summary>Σ kᵢ·Pᵢ for public scalars and points.</summary>
    /// <param name="scalars">The scalars.</param>
    /// <param name="points">As many points.</param>
    /// <exception cref="ArgumentException">There are more of one than of the other.</exception>
    public static RistrettoPoint MultiscalarMultiplyVarTime(ReadOnlySpan<Scalar> scalars, ReadOnlySpan<RistrettoPoint> points) =>
        new(CurveBackend.Best.MultiscalarMulVarTime([], null, scalars, ToEdwards(points, scalars.Length)));

    /// <summary>Encodes the element (RFC 9496, section 4.3.2).</summary>
    public CompressedPoint Compress()
    {
        Span<byte> bytes = stackalloc byte[CompressedPoint.Size];
        CurveBackend.Best.EncodeRistretto(Point, bytes);
        return new CompressedPoint(bytes);
    }

    /// <summary>True for the neutral element.</summary>
    public bool IsIdentity() => Point.IsRistrettoIdentity();

    /// <summary>True when both are the same element (RFC 9496, section 4.3.3).</summary>
    public bool FixedTimeEquals(in RistrettoPoint other) => CurveBackend.Best.AreEqualRistretto(Point, other.Point) != 0;

    /// <summary>P + Q.</summary>
    public static RistrettoPoint operator +(in RistrettoPoint p, in RistrettoPoint q) => new(CurveBackend.Best.Add(p.Point, q.Point));

    /// <summary>P - Q.</summary>
    public static RistrettoPoint operator -(in RistrettoPoint p, in RistrettoPoint q) => new(CurveBackend.Best.Subtract(p.Point, q.Point));

    /// <summary>-P.</summary>
    public static RistrettoPoint operator -(in RistrettoPoint p) => new(EdwardsPoint.Negate(p.Point));

    /// <summary>k·P.</summary>
    public static RistrettoPoint operator *(in Scalar k, in RistrettoPoint p) => new(CurveBackend.Best.MultiscalarMul([k], [p.Point]));

    private static EdwardsPoint[] ToEdwards(ReadOnlySpan<RistrettoPoint> points, int expected)
    {
        if (points.Length != expected) throw new ArgumentException($"{expected} scalars, but {points.Length} points.", nameof(points));
        var edwards = new EdwardsPoint[points.Length];
        for (int i = 0; i < points.Length; i++) edwards[i] = points[i].Point;
        return edwards;
    }
}
