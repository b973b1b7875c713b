using Overlay.Proofs.Ledger;
using Overlay.Sessions.Messages;
using Overlay.Transport.Connections;

namespace Overlay.Sessions.Metering;

/// <summary>Payload bytes of a session since it began, by direction.</summary>
internal readonly record struct ByteCount(long Up, long Down)
{
    internal long Total => Up + Down;

    public static ByteCount operator +(ByteCount left, ByteCount right) => new(left.Up + right.Up, left.Down + right.Down);

    public static ByteCount operator -(ByteCount left, ByteCount right) => new(left.Up - right.Up, left.Down - right.Down);
}

/// <summary>One connect stream's count, from the transport's own counters.</summary>
/// <remarks>
/// A stream counts from its answer's first byte on; then everything counts but the request and the first <see cref="ConnectAnswer.FreeSize"/> bytes of
/// the answer. Both sides can say both of any stream however it ended: the transport gives both the same two numbers, the consumer knows what
/// request it wrote, and a provider that has answered has read it.
/// </remarks>
internal sealed class StreamMeter
{
    private readonly LedgerRole _role;
    private readonly int _requestSize;
    private long _noticed;

    internal StreamMeter(PeerStream stream, LedgerRole role, int requestSize, CreditGate gate, Action<long>? counted)
    {
        Stream = stream;
        _role = role;
        _requestSize = requestSize;
        Action notice = counted is null ? static () => { } : () => counted(Fresh());
        Output = new MeteredPipeWriter(stream.Output, gate, notice);
        Input = new MeteredPipeReader(stream.Input, role == LedgerRole.Provider ? gate : null, notice);
    }

    internal PeerStream Stream { get; }

    /// <summary>The stream's output, behind the gate.</summary>
    internal MeteredPipeWriter Output { get; }

    /// <summary>The stream's input; at the provider behind the gate too.</summary>
    internal MeteredPipeReader Input { get; }

    internal ByteCount Count()
    {
        if (_role == LedgerRole.Consumer)
        {
            long received = Stream.BytesReceived;
            return received == 0 ? default : new ByteCount(Math.Max(0, Stream.BytesSent - _requestSize), Math.Max(0, received - ConnectAnswer.FreeSize));
        }

        long sent = Stream.BytesSent;
        return sent == 0 ? default : new ByteCount(Math.Max(0, Stream.BytesReceived - _requestSize), Math.Max(0, sent - ConnectAnswer.FreeSize));
    }

    private long Fresh()
    {
        long total = Count().Total;
        return total - Interlocked.Exchange(ref _noticed, total);
    }

    /// <summary>Credit that was taken for bytes which, the stream being over, never went out.</summary>
    internal long Unsent(ByteCount final) => Math.Max(0, Output.Taken - (_role == LedgerRole.Consumer ? final.Up : final.Down));
}

/// <summary>Adds up a session's connect streams: finished ones once, live ones as they stand.</summary>
/// <remarks>Safe on several threads. Owns the task that waits for each stream's end, and awaits them all in <see cref="WhenFinishedAsync"/>.</remarks>
internal sealed class SessionMeter(CreditGate gate, Action finished)
{
    private readonly Lock _lock = new();
    private readonly Dictionary<StreamMeter, Task> _live = [];
    private ByteCount _finished;
    private bool _sealed;

    /// <summary>Streams not yet over.</summary>
    internal int LiveCount
    {
        get
        {
            lock (_lock) return _live.Count;
        }
    }

    /// <summary>What has been counted so far. Never goes back.</summary>
    internal ByteCount Count()
    {
        lock (_lock)
        {
            ByteCount sum = _finished;
            foreach (StreamMeter stream in _live.Keys) sum += stream.Count();
            return sum;
        }
    }

    /// <summary>Counts a stream from here on; false when the session takes no more.</summary>
    internal bool TryAdd(StreamMeter stream)
    {
        lock (_lock)
        {
            if (_sealed) return false;
            _live.Add(stream, Task.CompletedTask);
            _live[stream] = FinishAsync(stream);
            gate.StreamCount = _live.Count;
            return true;
        }
    }

    /// <summary>Takes no more streams and resets those there are.</summary>
    internal void AbortAll(string reason)
    {
        StreamMeter[] streams;
        lock (_lock)
        {
            _sealed = true;
            streams = [.. _live.Keys];
        }

        foreach (StreamMeter stream in streams) stream.Stream.Abort(reason);
    }

    /// <summary>Waits until all streams, reset before, are over and their counts final.</summary>
    /// <remarks>A peer that does not let a reset stream end keeps nobody waiting: after <paramref name="patience"/> the connection goes.</remarks>
    internal async Task WhenFinishedAsync(PeerConnection connection, TimeSpan patience, TimeProvider time)
    {
        Task[] tasks;
        lock (_lock) tasks = [.. _live.Values];
        Task all = Task.WhenAll(tasks);
        try
        {
            await all.WaitAsync(patience, time).ConfigureAwait(false);
        }
        catch (TimeoutException)
        {
            connection.Abort("The peer does not let its streams end.");
            await all.ConfigureAwait(false);
        }
    }

    private async Task FinishAsync(StreamMeter stream)
    {
        // Leaves the lock of TryAdd before anything else.
        await Task.Yield();
        await stream.Stream.Completion.ConfigureAwait(false);
        ByteCount final = stream.Count();
        lock (_lock)
        {
            _finished += final;
            _live.Remove(stream);
            gate.StreamCount = _live.Count;
        }

        gate.GiveBack(stream.Unsent(final));
        finished();
    }
}
