using Overlay.Transport.Identity;

namespace Overlay.Transport.Connections;

/// <summary>Which side began a connection or stream.</summary>
public enum Direction
{
    /// <summary>The other side did.</summary>
    Inbound = 1,

    /// <summary>This side did.</summary>
    Outbound = 2,
}

/// <summary>An encrypted connection to a peer whose identity is proved, carrying many streams.</summary>
/// <remarks>Safe on several threads.</remarks>
public abstract class PeerConnection : IAsyncDisposable
{
    /// <summary>The peer at the other end, proved in the handshake.</summary>
    public abstract PeerId RemotePeer { get; }

    /// <summary>That peer's public key.</summary>
    public abstract PeerPublicKey RemotePublicKey { get; }

    /// <summary>This side's transport address.</summary>
    public abstract Multiaddr LocalAddress { get; }

    /// <summary>The other side's transport address, without <c>/p2p/…</c>.</summary>
    public abstract Multiaddr RemoteAddress { get; }

    /// <summary>Which side dialled.</summary>
    public abstract Direction Direction { get; }

    /// <summary>32 bytes that both ends share and no other connection has: the hash of the handshake.</summary>
    public abstract ReadOnlyMemory<byte> HandshakeHash { get; }

    /// <summary>Cancelled when the connection is over, however it ended.</summary>
    public abstract CancellationToken Closed { get; }

    /// <summary>Opens a stream and proposes <paramref name="protocol"/>; the proposal travels with the first data, so no round trip is spent.</summary>
    /// <exception cref="ConnectionException">No stream can be opened. That the peer lacks the protocol shows at the first read.</exception>
    public abstract ValueTask<PeerStream> OpenStreamAsync(string protocol, CancellationToken cancellationToken);

    /// <summary>Measures the round trip through the peer's muxer.</summary>
    public abstract ValueTask<TimeSpan> PingAsync(CancellationToken cancellationToken);

    /// <summary>Takes no more streams, lets the open ones end until cancelled, then closes.</summary>
    public abstract ValueTask CloseAsync(CancellationToken cancellationToken);

    /// <summary>Ends the connection and all its streams at once. Idempotent, never throws.</summary>
    public abstract void Abort(string reason);

    /// <summary>Closes at once what is still open.</summary>
    public abstract ValueTask DisposeAsync();
}
