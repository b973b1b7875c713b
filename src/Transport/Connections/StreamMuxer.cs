using System.IO.Pipelines;

namespace Overlay.Transport.Connections;

/// <summary>Many streams over one secure channel: what Yamux gives and a connection uses.</summary>
internal abstract class StreamMuxer : IAsyncDisposable
{
    /// <summary>Opens a stream without waiting for the peer.</summary>
    /// <exception cref="ConnectionException">The limit on streams is reached, the peer goes away, or the connection is over.</exception>
    internal abstract ValueTask<MuxedStream> OpenStreamAsync(CancellationToken cancellationToken);

    /// <summary>The next stream that the peer opened; null when there will be no more.</summary>
    internal abstract ValueTask<MuxedStream?> AcceptStreamAsync(CancellationToken cancellationToken);

    /// <summary>Round-trip time of the muxer's own ping.</summary>
    internal abstract ValueTask<TimeSpan> PingAsync(CancellationToken cancellationToken);

    /// <summary>Streams open now, both directions.</summary>
    internal abstract int StreamCount { get; }

    /// <summary>Completes, never faulted, when the connection is over.</summary>
    internal abstract Task Completion { get; }

    /// <summary>Why the connection ended; null while it lives and after a clean end.</summary>
    internal abstract ConnectionException? Error { get; }

    /// <summary>Announces that no more streams are taken (GoAway), lets open streams end until cancelled, then closes.</summary>
    internal abstract ValueTask CloseAsync(CancellationToken cancellationToken);

    /// <summary>Ends the connection and all its streams at once.</summary>
    internal abstract void Abort(ConnectionException reason);

    public abstract ValueTask DisposeAsync();
}

/// <summary>One stream of a muxer.</summary>
/// <remarks>
/// <see cref="Input"/> ends at the peer's half-close and fails with <see cref="ConnectionException"/> after a reset. Completing <see cref="Output"/>
/// without an exception is the half-close; with one it is <see cref="Abort"/>. Completing <see cref="Input"/> before its end lets the peer's further
/// bytes be counted and dropped. Byte counts are of payload that this muxer put on or took off the wire: a byte is sent once its frame was
/// serialized, received once its frame was decrypted, whether or not anybody read it.
/// </remarks>
internal abstract class MuxedStream : IAsyncDisposable
{
    internal abstract uint Id { get; }

    internal abstract PipeReader Input { get; }

    internal abstract PipeWriter Output { get; }

    internal abstract long BytesSent { get; }

    internal abstract long BytesReceived { get; }

    /// <summary>Puts bytes ahead of the first write, to leave with it in one message. They leave alone when a read has to wait, with
    /// <see cref="ReleaseHeld"/>, or, on a stream that this side opened, a moment later.</summary>
    /// <param name="bytes">A few, such as a protocol negotiation's; copied.</param>
    /// <exception cref="ConnectionException">The stream was reset or lost.</exception>
    internal abstract void WriteHeld(ReadOnlySpan<byte> bytes);

    /// <summary>Lets bytes of <see cref="WriteHeld"/> go that nothing has taken along yet.</summary>
    internal abstract void ReleaseHeld();

    /// <summary>Completes, never faulted, when the stream is over in both directions and both counts are final.</summary>
    /// <remarks>After a reset sent by this side that is when a ping sent behind the reset has come back: every frame that the peer sent before
    /// it saw the reset has then arrived and been counted. So both ends of an orderly connection agree on both counts to the byte.</remarks>
    internal abstract Task Completion { get; }

    /// <summary>Resets the stream in both directions. Idempotent, never throws.</summary>
    internal abstract void Abort(ConnectionException reason);

    /// <summary>Completes what is open. If the peer sends on, or does not end its own direction in time, the stream is reset.</summary>
    public abstract ValueTask DisposeAsync();
}
