using Overlay.Transport.Identity;

namespace Overlay.Transport.Identify;

/// <summary>What a peer says of itself (libp2p identify specification). Everything here but <see cref="PeerId"/> is the peer's own claim.</summary>
public sealed record PeerInfo
{
    /// <summary>The peer, proved by its connection.</summary>
    public required PeerId PeerId { get; init; }

    /// <summary>Free-form name and version of its software, or empty.</summary>
    public string AgentVersion { get; init; } = "";

    /// <summary>The protocol family it names, or empty.</summary>
    public string ProtocolVersion { get; init; } = "";

    /// <summary>Addresses at which it says it listens. Those of <see cref="SignedPeerRecord"/> when it sent a valid one.</summary>
    public IReadOnlyList<Multiaddr> ListenAddresses { get; init; } = [];

    /// <summary>Protocols it says it takes streams for.</summary>
    public IReadOnlyList<string> Protocols { get; init; } = [];

    /// <summary>The address at which it sees this node, or null.</summary>
    public Multiaddr? ObservedAddress { get; init; }

    /// <summary>Its signed peer record (RFC 0002 and 0003) as sent, when it sent one that is valid and its own; else empty.</summary>
    public ReadOnlyMemory<byte> SignedPeerRecord { get; init; }
}
