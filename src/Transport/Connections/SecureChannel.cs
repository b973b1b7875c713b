using Overlay.Transport.Identity;

namespace Overlay.Transport.Connections;

/// <summary>An authenticated and encrypted channel to a named peer: what Noise gives and a muxer uses.</summary>
/// <remarks>
/// One reader and one writer at a time. Failures surface as <see cref="ConnectionException"/>. Buffers are rented late: a channel that waits holds none.
/// Writing is like a <c>PipeWriter</c>: <see cref="GetMemory"/>, <see cref="Advance"/>, then <see cref="FlushAsync"/> seals and sends everything
/// written so far, so that several frames share one message and one socket write.
/// </remarks>
internal abstract class SecureChannel : IAsyncDisposable
{
    internal abstract PeerId RemotePeer { get; }

    internal abstract PeerPublicKey RemotePublicKey { get; }

    /// <summary>Hash of the whole handshake, the same on both sides and of this connection alone (Noise specification, section 11.2). 32 bytes.</summary>
    internal abstract ReadOnlyMemory<byte> HandshakeHash { get; }

    /// <summary>The muxer agreed on inside the handshake, or null when it is still to be negotiated.</summary>
    internal abstract string? NegotiatedMuxer { get; }

    /// <summary>Receives the next decrypted bytes; the caller owns one hold on the segment's buffer. An end segment when the peer has closed cleanly.</summary>
    internal abstract ValueTask<ReceivedSegment> ReceiveAsync(CancellationToken cancellationToken);

    /// <summary>Room for at least <paramref name="sizeHint"/> bytes of plaintext (at most <see cref="MaxWriteSize"/>); valid until the next call.</summary>
    internal abstract Memory<byte> GetMemory(int sizeHint = 1);

    /// <summary>Says that <paramref name="count"/> bytes of the last memory were written.</summary>
    internal abstract void Advance(int count);

    /// <summary>Plaintext bytes written and not yet flushed.</summary>
    internal abstract int UnflushedSize { get; }

    /// <summary>Largest piece that <see cref="GetMemory"/> can give at once.</summary>
    internal abstract int MaxWriteSize { get; }

    /// <summary>Seals and sends what was written. Returns when it has been handed to the network.</summary>
    internal abstract ValueTask FlushAsync(CancellationToken cancellationToken);

    /// <summary>Ends the outbound direction after a flush.</summary>
    internal abstract ValueTask CompleteAsync();

    /// <summary>Breaks the connection at once. Idempotent, never throws.</summary>
    internal abstract void Abort();

    public abstract ValueTask DisposeAsync();
}
