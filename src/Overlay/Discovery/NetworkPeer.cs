using Overlay.Transport.Connections;
using Overlay.Transport.Identity;

namespace Overlay.Discovery;

/// <summary>A peer with which the node is connected, or that it sees on the local network. A snapshot.</summary>
public sealed record NetworkPeer
{
    /// <summary>The peer.</summary>
    public required PeerId PeerId { get; init; }

    /// <summary>How it was found.</summary>
    public required PeerSource Source { get; init; }

    /// <summary>Since when there is a connection with it; null while there is none.</summary>
    public DateTimeOffset? ConnectedSince { get; init; }

    /// <summary>Who dialled; null while there is no connection.</summary>
    public Direction? Direction { get; init; }

    /// <summary>Where it is: the other end of the connection, or the best address known.</summary>
    public Multiaddr? Address { get; init; }

    /// <summary>The last round trip measured; null before the first.</summary>
    public TimeSpan? Latency { get; init; }

    /// <summary>What it says that its software is; empty before it was asked.</summary>
    public string AgentVersion { get; init; } = "";
}
