using System.Buffers.Binary;
using System.Security.Cryptography;
using Overlay.Transport.Identity;

namespace Overlay.Discovery.Kademlia;

/// <summary>A place in the keyspace: the SHA-256 of a peer id or of a record's key (kad-dht specification, "Distance").</summary>
internal readonly record struct Key(UInt128 High, UInt128 Low)
{
    internal const int Size = 32, BitCount = 256;

    /// <summary>The place of any bytes.</summary>
    internal static Key Of(ReadOnlySpan<byte> bytes)
    {
        Span<byte> digest = stackalloc byte[Size];
        SHA256.HashData(bytes, digest);
        return FromDigest(digest);
    }

    internal static Key Of(PeerId peer) => Of(peer.Bytes);

    /// <summary>The place that a SHA-256 names.</summary>
    internal static Key FromDigest(ReadOnlySpan<byte> digest) =>
        new(BinaryPrimitives.ReadUInt128BigEndian(digest), BinaryPrimitives.ReadUInt128BigEndian(digest[16..]));

    internal Distance DistanceTo(in Key other) => new(High ^ other.High, Low ^ other.Low);

    /// <summary>How many leading bits two places share: 0 to 256.</summary>
    internal int CommonPrefixLength(in Key other) => DistanceTo(other).LeadingZeroCount;
}

/// <summary>How far two places lie apart: their XOR, read as a number.</summary>
internal readonly record struct Distance(UInt128 High, UInt128 Low) : IComparable<Distance>
{
    internal int LeadingZeroCount => (int)(High != 0 ? UInt128.LeadingZeroCount(High) : 128 + UInt128.LeadingZeroCount(Low));

    /// <summary>The share of the keyspace that lies nearer: from 0 to below 1.</summary>
    internal double Fraction => Math.ScaleB((double)(ulong)(High >> 64), -64);

    public int CompareTo(Distance other) => High != other.High ? High.CompareTo(other.High) : Low.CompareTo(other.Low);

    public static bool operator <(Distance left, Distance right) => left.CompareTo(right) < 0;

    public static bool operator >(Distance left, Distance right) => left.CompareTo(right) > 0;

    public static bool operator <=(Distance left, Distance right) => left.CompareTo(right) <= 0;

    public static bool operator >=(Distance left, Distance right) => left.CompareTo(right) >= 0;
}
