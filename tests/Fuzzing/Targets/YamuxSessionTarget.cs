using System.IO.Pipelines;
using Overlay.Fuzzing.Engine;
using Overlay.Transport.Connections;
using Overlay.Transport.Yamux;

namespace Overlay.Fuzzing.Targets;

/// <summary>A whole session whose peer sends anything, with an application that opens a stream of its own and answers on every stream with what it gets.</summary>
/// <remarks>
/// Input: the role (bit 0 of the first byte), the size of the pieces, then what the peer sends. Loops of the session run on several threads, so an input need not
/// take the same way twice; what must hold does not depend on it. The clock stands still.
/// </remarks>
internal sealed class YamuxSessionTarget : FuzzTarget
{
    private const int MaxPieceCount = 24;

    // Small, so that an input of a few hundred bytes reaches them.
    private static readonly YamuxOptions s_options = new()
    {
        MaxInboundStreams = 8,
        AcceptBacklog = 4,
        MaxQueuedPongs = 8,
        MaxQueuedRefusals = 8,
        ResetBurst = 8,
        MaxSendBuffer = 4096,
    };

    internal override string Name => "yamux-session";

    internal override int MaxSize => 1024;

    // The session, the tasks of both its loops and of its application, and what they leave behind. Counted over all threads, which is exact to 8 KiB each.
    internal override int FixedAllocation => 192 * 1024;

    // A frame of 12 bytes opens a stream, which has two windows, two queues, a reader and a writer, and here an application that serves it. How many
    // there are at once is limited by the options.
    internal override int AllocationPerByte => 512;

    internal override IEnumerable<byte[]> Seeds =>
    [
        [0, 40, .. YamuxSamples.Conversation],
        [1, 255, .. YamuxSamples.Conversation],
        [1, 200, .. YamuxSamples.Frame(FrameType.Data, FrameFlags.Syn, 1, 20, new byte[20]), .. YamuxSamples.Frame(FrameType.Data, FrameFlags.Fin, 1, 1, 1)],
        [0, 12, .. YamuxSamples.Frame(FrameType.WindowUpdate, FrameFlags.Ack, 1, 0), .. YamuxSamples.Frame(FrameType.Data, FrameFlags.Fin, 1, 2, 1, 2)],
        [1, 12, .. YamuxSamples.Frame(FrameType.GoAway, FrameFlags.None, 0, 1)],
        [1, 255, .. YamuxSamples.Frame(FrameType.Data, FrameFlags.Syn, 1, 262145)],
    ];

    internal override IReadOnlyList<byte[]> Words { get; } =
    [
        YamuxSamples.Frame(FrameType.Ping, FrameFlags.Ack, 0, 1),
        YamuxSamples.Frame(FrameType.Ping, FrameFlags.Syn, 0, 9),
        YamuxSamples.Frame(FrameType.WindowUpdate, FrameFlags.Syn, 1, 0),
        YamuxSamples.Frame(FrameType.WindowUpdate, FrameFlags.Syn, 2, 0),
        YamuxSamples.Frame(FrameType.WindowUpdate, FrameFlags.Syn, 3, 0),
        YamuxSamples.Frame(FrameType.WindowUpdate, FrameFlags.Ack, 1, 0),
        YamuxSamples.Frame(FrameType.WindowUpdate, FrameFlags.Ack, 2, 0),
        YamuxSamples.Frame(FrameType.WindowUpdate, FrameFlags.Fin, 1, 0),
        YamuxSamples.Frame(FrameType.WindowUpdate, FrameFlags.Rst, 1, 0),
        YamuxSamples.Frame(FrameType.WindowUpdate, FrameFlags.None, 1, uint.MaxValue),
        YamuxSamples.Frame(FrameType.Data, FrameFlags.None, 1, 4, 1, 2, 3, 4),
        YamuxSamples.Frame(FrameType.Data, FrameFlags.Syn | FrameFlags.Fin, 5, 1, 1),
        YamuxSamples.Frame(FrameType.GoAway, FrameFlags.None, 0, 0),
    ];

    internal override bool Run(ReadOnlySpan<byte> input, AllocationMeter meter)
    {
        var parts = new FuzzInput(input);
        Direction direction = (parts.TakeByte() & 1) == 0 ? Direction.Outbound : Direction.Inbound;
        int pieceSize = parts.TakeByte();
        // Each piece is a turn of the threads: two dozen are enough to be cut everywhere.
        var channel = new ScriptedChannel(parts.Rest.ToArray(), Math.Max(pieceSize, parts.Rest.Length / MaxPieceCount));
        long before = GC.GetTotalAllocatedBytes();
        ConnectionException? error = RunAsync(channel, direction, parts.Rest.Length).GetAwaiter().GetResult();
        meter.Add(GC.GetTotalAllocatedBytes() - before);

        Invariant.Same(0, channel.HeldBuffers, "A session that is over holds no buffer");
        CheckSent(channel.Sent, direction, error);
        if (error is null) return true;
        Invariant.Holds(
            error is { Fault: Fault.Peer, Reason: ConnectionError.ProtocolViolation or ConnectionError.EndOfStream or ConnectionError.GoAway or ConnectionError.LimitExceeded },
            $"A session ends for what its peer did: {error}");
        return false;
    }

    private static async Task<ConnectionException?> RunAsync(ScriptedChannel channel, Direction direction, int size)
    {
        var session = new YamuxSession(channel, direction, s_options, StoppedTime.Instance);
        long received = 0;
        Task[] application = [OpenAsync(session), AcceptAsync(session, count => Interlocked.Add(ref received, count))];
        await session.Completion;
        await Task.WhenAll(application);
        ConnectionException? error = session.Error;
        await session.DisposeAsync();
        Invariant.Same(0, session.StreamCount, "A session that is over has no streams");
        Invariant.Holds(received <= size, "No more is read than was sent.");
        return error;
    }

    private static async Task OpenAsync(YamuxSession session)
    {
        try
        {
            await using MuxedStream stream = await session.OpenStreamAsync(CancellationToken.None);
            await stream.Output.WriteAsync(new byte[100]);
            await stream.Output.CompleteAsync();
            await ReadAsync(stream, echo: false);
        }
        catch (ConnectionException)
        {
            // The session was over before.
        }
    }

    private static async Task AcceptAsync(YamuxSession session, Action<long> onReceived)
    {
        List<Task> serving = [];
        while (await session.AcceptStreamAsync(CancellationToken.None) is { } stream) serving.Add(ServeAsync(stream, onReceived));
        await Task.WhenAll(serving);
    }

    private static async Task ServeAsync(MuxedStream stream, Action<long> onReceived)
    {
        await using (stream)
        {
            try
            {
                onReceived(await ReadAsync(stream, echo: true));
                await stream.Output.CompleteAsync();
            }
            catch (ConnectionException)
            {
                // The stream was reset, or the session ended.
            }
        }
    }

    private static async Task<long> ReadAsync(MuxedStream stream, bool echo)
    {
        long total = 0;
        while (true)
        {
            ReadResult read = await stream.Input.ReadAsync();
            total += read.Buffer.Length;
            if (echo)
                foreach (ReadOnlyMemory<byte> piece in read.Buffer) await stream.Output.WriteAsync(piece);
            stream.Input.AdvanceTo(read.Buffer.End);
            if (read.IsCompleted) return total;
        }
    }

    // Whatever the peer sends, what it gets is Yamux.
    private static void CheckSent(ReadOnlySpan<byte> sent, Direction direction, ConnectionException? error)
    {
        bool hasGoneAway = false;
        while (sent.Length >= FrameHeader.Size)
        {
            FrameHeader header = FrameHeader.Read(sent);
            sent = sent[FrameHeader.Size..];
            Invariant.Holds(!hasGoneAway || header.Type != FrameType.GoAway || header.Length != 0, "A session says once that it goes away in peace.");
            hasGoneAway |= header.Type == FrameType.GoAway;
            bool isOfSession = header.Type is FrameType.Ping or FrameType.GoAway;
            Invariant.Holds(isOfSession == (header.StreamId == 0), $"A frame is of a stream or of the session: {header}");
            if (header.Has(FrameFlags.Syn) && !isOfSession)
                Invariant.Same(direction == Direction.Outbound ? 1u : 0u, header.StreamId & 1, "A session opens streams with its own ids");
            if (header.Type != FrameType.Data) continue;
            if (header.Length > sent.Length)
            {
                Invariant.Holds(error is not null, "A session that ends well ends between two frames.");
                return;
            }

            sent = sent[(int)header.Length..];
        }

        Invariant.Holds(sent.IsEmpty || error is not null, "A session that ends well ends between two frames.");
    }
}
