using Overlay.Transport.Identity;

namespace Overlay.Discovery.Addresses;

/// <summary>What is known of one peer: a row of the address book and of its file. Immutable.</summary>
/// <param name="Peer">The peer.</param>
/// <param name="Addresses">Where it may be, in no order.</param>
/// <param name="Record">Its newest signed record (RFC 0003), or empty.</param>
/// <param name="RecordSequence">That record's sequence number; 0 when there is none.</param>
/// <param name="LastReached">When a connection with it was last made or seen to stand; null for never.</param>
internal sealed record PeerEntry(
    PeerId Peer, IReadOnlyList<AddressEntry> Addresses, ReadOnlyMemory<byte> Record, ulong RecordSequence, DateTimeOffset? LastReached)
{
    // What an object of each kind costs beside its bytes, roughly.
    private const int PeerOverhead = 256, AddressOverhead = 192;

    /// <summary>What the entry counts against <see cref="AddressBookOptions.MaxSize"/>, in bytes.</summary>
    internal int Size => PeerOverhead + Record.Length + Addresses.Sum(address => AddressOverhead + address.Address.Bytes.Length);
}

/// <summary>One address of a peer.</summary>
/// <param name="Address">The address, without <c>/p2p/…</c>.</param>
/// <param name="Origin">Who told of it.</param>
/// <param name="ToldFrom">From how far away it was told; null for the owner.</param>
/// <param name="Expires">When it is forgotten, unless told or reached again.</param>
/// <param name="LastReached">When the peer was last reached there; null for never.</param>
/// <param name="Failures">Dials in a row that failed since.</param>
internal sealed record AddressEntry(
    Multiaddr Address, AddressOrigin Origin, AddressScope? ToldFrom, DateTimeOffset Expires, DateTimeOffset? LastReached = null, int Failures = 0);
