using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using Overlay.Discovery.Kademlia;
using Overlay.Proofs;
using Overlay.Transport.Identity;

namespace Overlay.Market.Witnessing;

/// <summary>Who attests whom, and when: pure, the same wherever it is reckoned (docs/protocols/attestation.md).</summary>
internal static class WitnessDuty
{
    /// <summary>Witnesses of one provider in one epoch.</summary>
    internal const int WitnessCount = 3;

    internal const int SecondsPerEpoch = 3600;

    /// <summary>Under which witnesses announce themselves in the DHT: a sha2-256 multihash.</summary>
    internal static ReadOnlyMemory<byte> RosterKey { get; } = (byte[])[0x12, 0x20, .. SHA256.HashData("overlay/witnesses/1"u8)];

    private static ReadOnlySpan<byte> Domain => "overlay/witness/1"u8;

    private static ReadOnlySpan<byte> MomentDomain => "overlay/witness-moment/1"u8;

    /// <summary>Hours since 1970; 0 before.</summary>
    internal static ulong EpochOf(DateTimeOffset now) => (ulong)Math.Max(0, now.ToUnixTimeSeconds() / SecondsPerEpoch);

    /// <summary>Where the witnesses of a provider are: SHA-256 over the tag, the epoch in 8 bytes, the key, and the block's hash, zeros where there is
    /// none.</summary>
    internal static Key PlaceOf(ulong epoch, PublicKey provider, Digest block)
    {
        Span<byte> number = stackalloc byte[8], digest = stackalloc byte[Key.Size];
        BinaryPrimitives.WriteUInt64BigEndian(number, epoch);
        SHA256.HashData([.. Domain, .. number, .. provider.Bytes, .. block.Bytes], digest);
        return Key.FromDigest(digest);
    }

    /// <summary>Those of a roster who are nearest to a place, but the provider, nearest first.</summary>
    internal static IReadOnlyList<PeerId> Nearest(IEnumerable<PeerId> roster, PeerId provider, Key place) =>
        [.. roster.Where(peer => peer != provider).Distinct().OrderBy(peer => Key.Of(peer).DistanceTo(place)).Take(WitnessCount)];

    /// <summary>How many of a roster are nearer to a place than a witness, the provider not counted.</summary>
    internal static int RankOf(PeerId witness, IEnumerable<PeerId> roster, PeerId provider, Key place)
    {
        Distance own = Key.Of(witness).DistanceTo(place);
        return roster.Where(peer => peer != provider).Distinct().Count(peer => Key.Of(peer).DistanceTo(place) < own);
    }

    /// <summary>When in an epoch a witness looks at a provider: spread over it, and known to nobody who does not know the witness.</summary>
    internal static DateTimeOffset MomentOf(PeerId witness, PublicKey provider, ulong epoch, TimeSpan spread)
    {
        Span<byte> number = stackalloc byte[8], digest = stackalloc byte[Key.Size];
        BinaryPrimitives.WriteUInt64BigEndian(number, epoch);
        SHA256.HashData([.. MomentDomain, .. number, .. witness.Bytes, .. provider.Bytes], digest);
        double share = BinaryPrimitives.ReadUInt32BigEndian(digest) / (double)(1L << 32);
        return DateTimeOffset.FromUnixTimeSeconds((long)epoch * SecondsPerEpoch) + share * spread;
    }

    /// <summary>The network of an exit's address as attestations name it: an IPv4 /24 or an IPv6 /48.</summary>
    internal static string PrefixOf(IPAddress address)
    {
        if (address.IsIPv4MappedToIPv6) address = address.MapToIPv4();
        byte[] bytes = address.GetAddressBytes();
        int length = address.AddressFamily == AddressFamily.InterNetwork ? 24 : 48;
        bytes.AsSpan(length / 8).Clear();
        return $"{new IPAddress(bytes)}/{length}";
    }

    /// <summary>Whether a prefix is what <see cref="PrefixOf"/> writes; then its first address.</summary>
    internal static bool TryReadPrefix(string text, out IPAddress first)
    {
        first = IPAddress.None;
        int slash = text.IndexOf('/', StringComparison.Ordinal);
        if (slash < 0 || !IPAddress.TryParse(text.AsSpan(0, slash), out IPAddress? address) || PrefixOf(address) != text) return false;
        first = address;
        return true;
    }

    /// <summary>The name of a key's peer.</summary>
    internal static PeerId PeerOf(PublicKey key) => PeerId.FromPublicKey(PeerPublicKey.FromEd25519(key.Bytes));

    /// <summary>The Ed25519 key in a peer's name; null for another kind of name.</summary>
    internal static PublicKey? KeyOf(PeerId peer) => peer.TryGetPublicKey(out PeerPublicKey? key) && key.Type == PeerKeyType.Ed25519
        ? new PublicKey(key.Data.Span) : null;
}
