using System.Buffers;
using System.Threading.Channels;
using Overlay.Transport.Connections;

namespace Overlay.Transport.Yamux;

/// <summary>Yamux over a secure channel.</summary>
/// <remarks>
/// One gate guards the state of the session and of all its streams; nothing is awaited, no foreign code runs and no large payload is copied while it
/// is held. Two loops, started by the constructor and awaited by <see cref="RunAsync"/>, are at the edge: the receive loop alone reads the channel, and
/// whoever has the sender's turn alone writes to it, the send loop or a caller's write (see YamuxSession.Sending.cs). The session owns the channel.
/// </remarks>
internal sealed partial class YamuxSession : StreamMuxer
{
    private readonly SecureChannel _channel;
    private readonly DeadlineClock _clock;
    private readonly DeadlineClock? _ownClock;
    private readonly DeadlineClock.Entry _deadline;
    private readonly SessionState _state;
    private readonly Channel<YamuxStream> _accepting;
    private readonly LinkedList<TaskCompletionSource> _waitingOpens = new();
    private readonly CancellationTokenSource _receiveCancellation = new();
    private readonly TaskCompletionSource _completion = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Task _run;

    /// <summary>Starts the session.</summary>
    /// <param name="channel">The channel; the session owns it from here on.</param>
    /// <param name="direction">Outbound on the side that dialled, which uses the odd ids.</param>
    /// <param name="options">Limits and deadlines.</param>
    /// <param name="time">The clock.</param>
    /// <param name="budget">What window growth is charged to besides <see cref="YamuxOptions.MaxWindowGrowth"/>; null for nothing.</param>
    /// <param name="clock">Where deadlines are kept, shared by many sessions; null for one of its own on <paramref name="time"/>.</param>
    /// <param name="pool">Where queues take their memory; null for the shared pool.</param>
    internal YamuxSession(
        SecureChannel channel, Direction direction, YamuxOptions options, TimeProvider time,
        IMemoryBudget? budget = null, DeadlineClock? clock = null, ArrayPool<byte>? pool = null)
    {
        _channel = channel;
        _clock = clock ?? (_ownClock = new DeadlineClock(time));
        _deadline = _clock.Register(CheckDeadlines);
        _holding = _clock.Register(ReleaseHeld);
        Options = options;
        Pool = pool ?? ArrayPool<byte>.Shared;
        Budget = new SessionReceiveBudget(options.MaxWindowGrowth, budget);
        _accepting = Channel.CreateBounded<YamuxStream>(new BoundedChannelOptions(options.AcceptBacklog) { SingleWriter = true, AllowSynchronousContinuations = true });
        _state = new SessionState(
            direction,
            options,
            (id, streamDirection) => new YamuxStream(this, id, streamDirection, Now),
            TryOffer);
        lock (Gate)
        {
            KeepAlive(Now);
        }

        _run = RunAsync();
    }

    internal override int StreamCount
    {
        get
        {
            lock (Gate)
            {
                return _isOver ? 0 : _state.StreamCount;
            }
        }
    }

    internal override Task Completion => _completion.Task;

    internal override ConnectionException? Error => Volatile.Read(ref _error);

    internal Lock Gate { get; } = new();

    internal YamuxOptions Options { get; }

    internal IMemoryBudget Budget { get; }

    internal ArrayPool<byte> Pool { get; }

    /// <summary>Segment objects shared by the streams' receive queues. Guarded by <see cref="Gate"/>.</summary>
    internal Stack<ReceivedChunk> SpareChunks { get; } = new();

    /// <summary>The clock's time.</summary>
    internal TimeSpan Now => _clock.Now;

    /// <summary>Smoothed round-trip time; zero until the first ping is answered.</summary>
    internal TimeSpan RoundTrip
    {
        get
        {
            lock (Gate)
            {
                return _state.Pings.RoundTrip;
            }
        }
    }

    /// <summary>Bytes that arrived for streams that were refused or are over on both sides, and were dropped.</summary>
    internal long StrayBytes
    {
        get
        {
            lock (Gate)
            {
                return _state.StrayBytes;
            }
        }
    }

    /// <summary>Opens a stream, of which the peer hears with its first bytes. Waits only while too many streams are not acknowledged (<see cref="YamuxOptions.AckBacklog"/>).</summary>
    internal override async ValueTask<MuxedStream> OpenStreamAsync(CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        while (true)
        {
            TaskCompletionSource acknowledged;
            lock (Gate)
            {
                ThrowIfNoStreamsCanBeOpened();
                if (_state.UnacknowledgedCount < Options.AckBacklog)
                {
                    YamuxStream stream = _state.Open();
                    if (Options.StreamOpenTimeout != Timeout.InfiniteTimeSpan) Schedule(stream.OpenedAt + Options.StreamOpenTimeout);
                    // The SYN leaves with the first write, or with whatever else is sent before.
                    return stream;
                }

                if (_waitingOpens.Count >= Options.MaxWaitingOpens)
                    throw YamuxError.LimitReached(ConnectionStep.OpenStream, "openings waiting for the peer", Options.MaxWaitingOpens);
                acknowledged = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
                _waitingOpens.AddLast(acknowledged);
            }

            try
            {
                await acknowledged.Task.WaitAsync(cancellationToken).ConfigureAwait(false);
            }
            catch (OperationCanceledException)
            {
                lock (Gate)
                {
                    // One that was let through and does not open lets the next one through.
                    if (!_waitingOpens.Remove(acknowledged)) ReleaseWaitingOpens();
                }

                throw;
            }
        }
    }

    internal override async ValueTask<MuxedStream?> AcceptStreamAsync(CancellationToken cancellationToken)
    {
        while (await _accepting.Reader.WaitToReadAsync(cancellationToken).ConfigureAwait(false))
        {
            while (_accepting.Reader.TryRead(out YamuxStream? stream))
            {
                lock (Gate)
                {
                    // Reset again while it waited: nobody would have use for it.
                    if (stream.Error is not null) continue;
                    stream.Accept();
                }

                return stream;
            }
        }

        return null;
    }

    internal override async ValueTask<TimeSpan> PingAsync(CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        TaskCompletionSource<TimeSpan> answer = new(TaskCreationOptions.RunContinuationsAsynchronously);
        lock (Gate)
        {
            if (_isOver) throw OverError(ConnectionStep.Connection);
            if (_state.Pings.CallerCount >= Options.MaxPingsInFlight)
                throw YamuxError.LimitReached(ConnectionStep.Connection, "pings in flight", Options.MaxPingsInFlight);
            _state.Pings.Request(answer);
            WakeSender();
        }

        return await answer.Task.WaitAsync(cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Queues what <paramref name="stream"/> has to say before data. Called with the gate held.</summary>
    internal void Send(YamuxStream stream)
    {
        SendLater(stream);
        WakeSender();
    }

    /// <summary>As <see cref="Send"/>, to leave with whatever is sent next. Called with the gate held.</summary>
    internal void SendLater(YamuxStream stream)
    {
        if (!_isOver) _state.Control.Add(stream);
    }

    /// <summary>Gives <paramref name="stream"/> a turn if it has something to send. Called with the gate held.</summary>
    internal void AddData(YamuxStream stream)
    {
        if (!_isOver) _state.Data.Add(stream);
    }

    /// <summary>As <see cref="AddData"/>, and wakes the send loop. Called with the gate held.</summary>
    internal void SendData(YamuxStream stream)
    {
        AddData(stream);
        WakeSender();
    }

    /// <summary>The stream is over. Called with the gate held.</summary>
    internal void Forget(YamuxStream stream)
    {
        if (_isOver) return;
        _state.Remove(stream);
        ReleaseWaitingOpens();
        EndIfDrained();
    }

    private void ThrowIfNoStreamsCanBeOpened()
    {
        if (_isOver) throw OverError(ConnectionStep.OpenStream);
        if (_isClosing) throw YamuxError.Closed(ConnectionStep.OpenStream);
        if (_state.PeerGoesAway) throw YamuxError.PeerGoesAway();
    }

    /// <summary>Lets as many waiting openings try again as there is room for; all of them when there will be none.</summary>
    private void ReleaseWaitingOpens()
    {
        if (_waitingOpens.Count == 0) return;
        int room = _isOver || _isClosing || _state.PeerGoesAway ? int.MaxValue : Options.AckBacklog - _state.UnacknowledgedCount;
        for (; room > 0 && _waitingOpens.First is { } first; room--)
        {
            _waitingOpens.RemoveFirst();
            first.Value.TrySetResult();
        }
    }
}
