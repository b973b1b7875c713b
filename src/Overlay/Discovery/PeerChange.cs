namespace Overlay.Discovery;

/// <summary>What happened to a peer.</summary>
public enum PeerChangeKind
{
    /// <summary>The peer is seen on the local network; there is no connection with it yet.</summary>
    Found = 1,

    /// <summary>There is a connection with it.</summary>
    Connected,

    /// <summary>The last connection with it is over.</summary>
    Disconnected,

    /// <summary>It is no longer seen on the local network.</summary>
    Lost,
}

/// <summary>One change among the peers of a node.</summary>
/// <param name="Kind">What happened.</param>
/// <param name="Peer">To whom, as it was known then.</param>
public sealed record PeerChange(PeerChangeKind Kind, NetworkPeer Peer);
