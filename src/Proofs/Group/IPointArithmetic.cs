#if !OVERLAY_TRANSPORT
namespace Overlay.Proofs.Group;
#else
namespace Overlay.Transport.Crypto.Group;
#endif

/// <summary>The additions that multiplications by scalars are made of, in the form that one backend is fastest with. All of it constant time.</summary>
/// <typeparam name="TPoint">A sum that is being built up.</typeparam>
/// <typeparam name="TCached">A summand prepared for being added.</typeparam>
/// <typeparam name="TAffine">A summand prepared with Z = 1, worth its inversion when it is used often.</typeparam>
internal interface IPointArithmetic<TPoint, TCached, TAffine>
    where TPoint : unmanaged
    where TCached : unmanaged
    where TAffine : unmanaged
{
    static abstract void Load(in EdwardsPoint source, out TPoint point);

    static abstract EdwardsPoint Store(in TPoint point);

    static abstract void ToCached(in TPoint point, out TCached cached);

    /// <summary>Prepares many summands with one inversion.</summary>
    static abstract void ToAffine(ReadOnlySpan<EdwardsPoint> points, Span<TAffine> affine);

    static abstract void Double(ref TPoint point);

    static abstract void Add(ref TPoint point, in TCached summand);

    static abstract void Subtract(ref TPoint point, in TCached summand);

    static abstract void Add(ref TPoint point, in TAffine summand, AffineTag tag);

    static abstract void Subtract(ref TPoint point, in TAffine summand, AffineTag tag);

    /// <summary>Adds the summand, or its negative where <paramref name="negative"/> is all ones.</summary>
    static abstract void AddSecret(ref TPoint point, in TCached summand, ulong negative);

    /// <summary>Adds the summand, or its negative where <paramref name="negative"/> is all ones.</summary>
    static abstract void AddSecret(ref TPoint point, in TAffine summand, ulong negative, AffineTag tag);
}

/// <summary>Keeps overloads for both kinds of summands apart where a backend has one type for both.</summary>
internal readonly struct AffineTag;
