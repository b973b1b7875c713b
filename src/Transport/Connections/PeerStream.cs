using System.IO.Pipelines;
using Overlay.Transport.Identity;

namespace Overlay.Transport.Connections;

/// <summary>A stream to a named peer, speaking one protocol. Use <see cref="Input"/> and <see cref="Output"/>, or <see cref="AsStream"/>.</summary>
/// <remarks>
/// <see cref="Input"/> ends when the peer half-closes. Completing <see cref="Output"/> is this side's half-close. What a peer does wrong surfaces from
/// both as <see cref="ConnectionException"/>. One reader and one writer at a time.
/// </remarks>
public abstract class PeerStream : IDuplexPipe, IAsyncDisposable
{
    /// <summary>The connection that the stream belongs to.</summary>
    public abstract PeerConnection Connection { get; }

    /// <summary>The protocol spoken, such as <c>/ipfs/ping/1.0.0</c>.</summary>
    public abstract string Protocol { get; }

    /// <summary>The peer at the other end, proved by the connection's handshake.</summary>
    public PeerId RemotePeer => Connection.RemotePeer;

    /// <inheritdoc/>
    public abstract PipeReader Input { get; }

    /// <inheritdoc/>
    public abstract PipeWriter Output { get; }

    /// <summary>Payload bytes put on the wire, after protocol negotiation.</summary>
    public abstract long BytesSent { get; }

    /// <summary>Payload bytes that have arrived and were decrypted, after protocol negotiation, whether or not they were read.</summary>
    public abstract long BytesReceived { get; }

    /// <summary>Completes, never faulted, when both directions are over and both byte counts are final and, unless the connection was lost, equal to the peer's.</summary>
    public abstract Task Completion { get; }

    /// <summary>Resets the stream in both directions. Idempotent, never throws.</summary>
    /// <param name="reason">Why, for this side's own pending reads and writes; the peer only sees the reset.</param>
    public abstract void Abort(string reason);

    /// <summary>The stream as a <see cref="Stream"/>; disposing that disposes this.</summary>
    public virtual Stream AsStream() => new DuplexPipeStream(this);

    /// <summary>Completes both directions. The peer may take a while to end its own; if it does not, or sends on, the stream is reset. Does not wait for that.</summary>
    public abstract ValueTask DisposeAsync();
}
