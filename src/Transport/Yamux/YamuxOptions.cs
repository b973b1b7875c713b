namespace Overlay.Transport.Yamux;

/// <summary>Limits and deadlines of a Yamux session. Immutable; change with <c>with</c>.</summary>
public sealed record YamuxOptions
{
    /// <summary>The window that both sides assume for a new stream, in bytes (yamux specification, "Flow Control").</summary>
    public const int InitialWindow = 256 * 1024;

    /// <summary>The limits and deadlines that stand when nothing is said.</summary>
    public static YamuxOptions Default { get; } = new();

    /// <summary>Largest receive window of one stream, in bytes, at least 256 KiB. 32 MiB, twice what go-, rust- and js-libp2p have: 4 Gbit/s at 64 ms. It is memory only while the application lags.</summary>
    public int MaxReceiveWindow { get; init => field = AtLeast(value, InitialWindow); } = 32 * 1024 * 1024;

    /// <summary>Bytes by which all windows of a session together may grow above their initial size. 64 MiB.</summary>
    public long MaxWindowGrowth { get; init => field = AtLeast(value, 0); } = 64L * 1024 * 1024;

    /// <summary>Bytes that one stream takes from its writer before the writer has to wait. 128 KiB, a flush: one is filled while the other is sent.</summary>
    public int MaxSendBuffer { get; init => field = AtLeast(value, 1); } = 128 * 1024;

    /// <summary>Largest payload of a data frame, in bytes; the channel's largest message less a header is a limit too. 64 KiB.</summary>
    public int MaxDataFrame { get; init => field = AtLeast(value, 1); } = 64 * 1024;

    /// <summary>Largest payload per turn while several streams want to send, in bytes. 16 KiB: 13 µs at 10 Gbit/s.</summary>
    public int Quantum { get; init => field = AtLeast(value, 1); } = 16 * 1024;

    /// <summary>Bytes written to the channel before they are flushed. 128 KiB: two full Noise messages in one socket write.</summary>
    public int FlushThreshold { get; init => field = AtLeast(value, 1); } = 128 * 1024;

    /// <summary>Streams that the peer may have open; one more is reset. 1,000, as js-libp2p has it.</summary>
    public int MaxInboundStreams { get; init => field = AtLeast(value, 0); } = 1000;

    /// <summary>Streams that this side may have open; one more fails. 1,000, what js-libp2p accepts.</summary>
    public int MaxOutboundStreams { get; init => field = AtLeast(value, 0); } = 1000;

    /// <summary>Streams opened by the peer that nobody has accepted yet; one more is reset. 256, the specification's ACK backlog.</summary>
    public int AcceptBacklog { get; init => field = AtLeast(value, 1); } = 256;

    /// <summary>Streams opened by this side and not acknowledged; opening one more waits. 256 (yamux specification, "ACK backlog").</summary>
    public int AckBacklog { get; init => field = AtLeast(value, 1); } = 256;

    /// <summary>Openings that may wait for <see cref="AckBacklog"/>; one more fails. 1,024.</summary>
    public int MaxWaitingOpens { get; init => field = AtLeast(value, 0); } = 1024;

    /// <summary>Resets by the peer, of streams that it opened itself, that are taken at once before they count as a flood (rapid reset, CVE-2023-44487). 1,000.</summary>
    public int ResetBurst { get; init => field = AtLeast(value, 1); } = 1000;

    /// <summary>How many such resets are forgiven per second. 100.</summary>
    public int ResetsPerSecond { get; init => field = AtLeast(value, 0); } = 100;

    /// <summary>Frames that bring nothing (pings, updates of no use, empty data, frames for streams that are over) that are taken at once before they count as a flood. 10,000.</summary>
    public int IdleFrameBurst { get; init => field = AtLeast(value, 1); } = 10_000;

    /// <summary>How many such frames are forgiven per second. 1,000.</summary>
    public int IdleFramesPerSecond { get; init => field = AtLeast(value, 0); } = 1000;

    /// <summary>Answers to refused streams that may wait to be sent; one more and the peer is flooding. 1,024.</summary>
    public int MaxQueuedRefusals { get; init => field = AtLeast(value, 1); } = 1024;

    /// <summary>Answers to pings that may wait to be sent; one more and the peer is flooding. 64; go-libp2p queues 32.</summary>
    public int MaxQueuedPongs { get; init => field = AtLeast(value, 1); } = 64;

    /// <summary>Pings that callers may have in flight. 16, since go-libp2p drops what is beyond its queue of 32.</summary>
    public int MaxPingsInFlight { get; init => field = AtLeast(value, 1); } = 16;

    /// <summary>Time between two keep-alive pings, which also measure the round trip. 30 s, as in js- and go-libp2p; infinite for none but the first.</summary>
    public TimeSpan KeepAliveInterval { get; init => field = PositiveOrInfinite(value); } = TimeSpan.FromSeconds(30);

    /// <summary>How long a ping may stay unanswered while nothing else arrives either and nothing drains. 10 s, as in go-libp2p.</summary>
    public TimeSpan KeepAliveTimeout { get; init => field = PositiveOrInfinite(value); } = TimeSpan.FromSeconds(10);

    /// <summary>How long a ping may stay unanswered in any case: a slow line with full buffers needs more than <see cref="KeepAliveTimeout"/>. 2 min.</summary>
    public TimeSpan PingDeadline { get; init => field = PositiveOrInfinite(value); } = TimeSpan.FromMinutes(2);

    /// <summary>How long the peer may take to acknowledge a stream before it is reset. Infinite: rust-libp2p acknowledges with its first own frame, which may never come.</summary>
    public TimeSpan StreamOpenTimeout { get; init => field = PositiveOrInfinite(value); } = Timeout.InfiniteTimeSpan;

    /// <summary>How long the channel may take nothing while there is something to send. 60 s. A stream that merely has no credit is its application's matter.</summary>
    public TimeSpan WriteStallTimeout { get; init => field = PositiveOrInfinite(value); } = TimeSpan.FromSeconds(60);

    /// <summary>How long a disposed stream may take to send what was written before, and its peer to end its own direction. 10 s; then it is reset.</summary>
    public TimeSpan LingerTimeout { get; init => field = PositiveOrInfinite(value); } = TimeSpan.FromSeconds(10);

    /// <summary>How long the last words of a session, and the peer's end after them, may take. 2 s.</summary>
    public TimeSpan CloseTimeout { get; init => field = PositiveOrInfinite(value); } = TimeSpan.FromSeconds(2);

    private static int AtLeast(int value, int minimum)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(value, minimum);
        return value;
    }

    private static long AtLeast(long value, long minimum)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(value, minimum);
        return value;
    }

    private static TimeSpan PositiveOrInfinite(TimeSpan value)
    {
        if (value != Timeout.InfiniteTimeSpan) ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(value, TimeSpan.Zero);
        return value;
    }
}
