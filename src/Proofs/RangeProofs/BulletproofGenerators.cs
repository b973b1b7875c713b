using System.Buffers.Binary;
using Overlay.Proofs.Crypto;
using Overlay.Proofs.Group;

namespace Overlay.Proofs.RangeProofs;

/// <summary>The bases of range proofs, prepared for one backend: made when first asked for and kept. Safe on several threads.</summary>
/// <remarks>
/// Value j of an aggregated proof has 64 points G and 64 points H of its own: the outputs of SHAKE256("GeneratorsChain" ‖ 'G' or 'H' ‖ j as four bytes,
/// little-endian), 64 bytes for each point, through the one-way map of RFC 9496. A proof of n bits uses the first n of each.
/// </remarks>
internal sealed class BulletproofGenerators
{
    /// <summary>Points G, and as many H, for each value.</summary>
    internal const int BitCapacity = 64;

    // Places in the set: B, B_blinding, then for each value all G and all H.
    internal const int PlaceOfB = 0, PlaceOfBBlinding = 1, FirstPlace = 2, PlacesPerValue = 2 * BitCapacity;

    private static readonly Lock s_defaultLock = new();
    private static BulletproofGenerators? _default;

    private readonly Lock _growing = new();
    private volatile Set? _set;

    internal BulletproofGenerators(CurveBackend backend, PedersenGenerators pedersen)
    {
        Backend = backend;
        Pedersen = pedersen;
    }

    /// <summary>For the fastest backend here.</summary>
    internal static BulletproofGenerators Default
    {
        get
        {
            lock (s_defaultLock) return _default ??= new BulletproofGenerators(CurveBackend.Best, PedersenGenerators.Default);
        }
    }

    internal CurveBackend Backend { get; }

    internal PedersenGenerators Pedersen { get; }

    /// <summary>The set for proofs of <paramref name="count"/> values or more.</summary>
    /// <param name="count">A power of two. The caller bounds it: each value costs about 40 KiB, once.</param>
    internal Set Get(int count)
    {
        Set? set = _set;
        if (set is not null && set.ValueCount >= count) return set;
        lock (_growing)
        {
            set = _set;
            if (set is null || set.ValueCount < count) _set = set = Grow(set, count);
            return set;
        }
    }

    internal static int PlaceOfG(int value, int bit) => FirstPlace + (PlacesPerValue * value) + bit;

    internal static int PlaceOfH(int value, int bit) => PlaceOfG(value, BitCapacity + bit);

    private Set Grow(Set? known, int count)
    {
        var points = new EdwardsPoint[FirstPlace + (PlacesPerValue * count)];
        points[PlaceOfB] = Pedersen.B;
        points[PlaceOfBBlinding] = Pedersen.BBlinding;
        known?.Points.CopyTo(points.AsSpan());
        for (int value = known?.ValueCount ?? 0; value < count; value++)
        {
            FillChain((byte)'G', value, points.AsSpan(PlaceOfG(value, 0), BitCapacity));
            FillChain((byte)'H', value, points.AsSpan(PlaceOfH(value, 0), BitCapacity));
        }

        // Most proofs are of one value, so its bases are worth all their multiples.
        return new Set(points, Backend.PrepareTable(points, FirstPlace + PlacesPerValue, known?.Table), count);
    }

    private void FillChain(byte letter, int value, Span<EdwardsPoint> points)
    {
        Span<byte> label = stackalloc byte[5], uniform = stackalloc byte[RistrettoPoint.UniformSize];
        label[0] = letter;
        BinaryPrimitives.WriteUInt32LittleEndian(label[1..], (uint)value);
        KeccakSponge chain = KeccakSponge.Shake256();
        chain.Absorb("GeneratorsChain"u8);
        chain.Absorb(label);
        foreach (ref EdwardsPoint point in points)
        {
            chain.Squeeze(uniform);
            point = Backend.MapRistretto(uniform);
        }
    }

    /// <param name="Points">By place.</param>
    /// <param name="Table">The same, prepared.</param>
    /// <param name="ValueCount">Values that it serves.</param>
    internal sealed record Set(EdwardsPoint[] Points, PointTable Table, int ValueCount);
}
