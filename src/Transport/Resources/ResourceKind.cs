namespace Overlay.Transport.Resources;

/// <summary>What a budget counts.</summary>
public enum ResourceKind
{
    /// <summary>Bytes of buffers and windows.</summary>
    Memory = 1,

    /// <summary>Connections of both directions.</summary>
    Connections,

    /// <summary>Connections that the other side opened.</summary>
    InboundConnections,

    /// <summary>Connections that this side opened.</summary>
    OutboundConnections,

    /// <summary>Streams of both directions.</summary>
    Streams,

    /// <summary>Streams that the other side opened.</summary>
    InboundStreams,

    /// <summary>Streams that this side opened.</summary>
    OutboundStreams,

    /// <summary>Sockets, as the operating system counts them.</summary>
    Descriptors,

    /// <summary>New inbound connections in a time.</summary>
    InboundRate,
}

/// <summary>Whose budget it is.</summary>
public enum ResourceScopeKind
{
    /// <summary>The whole node's.</summary>
    Node = 1,

    /// <summary>That of all connections whose handshake is not done and of all inbound streams whose protocol is not agreed on.</summary>
    Transient,

    /// <summary>One peer's, over all its connections.</summary>
    Peer,

    /// <summary>That of the addresses which share a prefix.</summary>
    Prefix,

    /// <summary>One protocol's, over all peers.</summary>
    Protocol,

    /// <summary>That of one protocol with one peer.</summary>
    ProtocolPeer,

    /// <summary>One connection's.</summary>
    Connection,

    /// <summary>That of one peer's inbound streams whose protocol is not agreed on.</summary>
    TransientPeer,
}
