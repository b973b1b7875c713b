using Overlay.Transport.Connections;

namespace Overlay.Transport.Yamux;

/// <summary>Deadlines, keep-alive and the ways a session ends.</summary>
internal sealed partial class YamuxSession
{
    private TimeSpan _nextKeepAlive;
    private TimeSpan _lastProgress;
    private TimeSpan? _closeDeadline;
    private ConnectionException? _error;
    private bool _isClosing;
    private bool _isOver;
    private volatile bool _isCut;
    private bool _isSendingOver;

    /// <summary>This side takes no more streams and waits for the open ones. Guarded by the gate.</summary>
    internal bool IsClosing => _isClosing;

    internal override async ValueTask CloseAsync(CancellationToken cancellationToken)
    {
        lock (Gate)
        {
            if (!_isOver && !_isClosing)
            {
                _isClosing = true;
                _state.RefusesStreams = true;
                _state.Control.SetGoAway(GoAwayCode.Normal);
                EndAccepting();
                ReleaseWaitingOpens();
                foreach (YamuxStream stream in _state.Streams.ToArray()) stream.EndLinger();
                WakeSender();
                EndIfDrained();
            }
        }

        try
        {
            await Completion.WaitAsync(cancellationToken).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            // Open streams had their time.
        }

        await DisposeAsync().ConfigureAwait(false);
    }

    internal override void Abort(ConnectionException reason)
    {
        _isCut = true;
        End(reason, null);
        _channel.Abort();
    }

    public override async ValueTask DisposeAsync()
    {
        Abort(YamuxError.Closed(ConnectionStep.Connection));
        await _run.ConfigureAwait(false);
    }

    /// <summary>Calls <see cref="CheckDeadlines"/> at <paramref name="due"/> at the latest. Called with the gate held.</summary>
    internal void Schedule(TimeSpan due) => _deadline.Schedule(due);

    /// <summary>Sends a ping and plans the next. Called with the gate held.</summary>
    private void KeepAlive(TimeSpan now)
    {
        // A ping that is on its way already says as much.
        if (_state.Pings.IsIdle)
        {
            _state.Pings.Request(caller: null);
            WakeSender();
        }

        if (Options.KeepAliveInterval == Timeout.InfiniteTimeSpan)
        {
            _nextKeepAlive = TimeSpan.MaxValue;
            return;
        }

        _nextKeepAlive = now + Options.KeepAliveInterval;
        Schedule(_nextKeepAlive);
    }

    /// <summary>Does what is due and plans the next call.</summary>
    private void CheckDeadlines()
    {
        ConnectionException? error = null;
        bool isCloseOverdue = false;
        lock (Gate)
        {
            TimeSpan now = Now;
            if (_isOver)
            {
                isCloseOverdue = _closeDeadline <= now;
                if (!isCloseOverdue && _closeDeadline is { } deadline) Schedule(deadline);
            }
            else
            {
                error = CheckConnection(now);
                if (error is null) CheckStreams(now);
            }
        }

        if (error is not null) Abort(error);
        else if (isCloseOverdue) _channel.Abort();
    }

    private ConnectionException? CheckConnection(TimeSpan now)
    {
        if (_flushStartedAt is { } flushStartedAt && Options.WriteStallTimeout != Timeout.InfiniteTimeSpan)
        {
            if (now - flushStartedAt >= Options.WriteStallTimeout) return YamuxError.WriteStalled(now - flushStartedAt);
            Schedule(flushStartedAt + Options.WriteStallTimeout);
        }

        if (_state.Pings.OldestSent is { } sentAt)
        {
            if (PingOverdueAt(sentAt) is { } overdueAt)
            {
                if (now >= overdueAt) return YamuxError.KeepAliveTimeout(now - sentAt);
                Schedule(overdueAt);
            }
        }

        if (now >= _nextKeepAlive) KeepAlive(now);
        else if (_nextKeepAlive != TimeSpan.MaxValue) Schedule(_nextKeepAlive);
        return null;
    }

    private void CheckStreams(TimeSpan now)
    {
        List<(YamuxStream Stream, ConnectionException Error)>? overdue = null;
        foreach (YamuxStream stream in _state.Streams)
        {
            if (stream.LingersUntil is { } lingersUntil)
            {
                if (now >= lingersUntil) (overdue ??= []).Add((stream, YamuxError.StreamAborted("The disposed stream could not send what was written.")));
                else Schedule(lingersUntil);
            }

            if (Options.StreamOpenTimeout != Timeout.InfiniteTimeSpan && !stream.IsAcknowledged && stream.Direction == Direction.Outbound && stream.Error is null)
            {
                TimeSpan waited = now - stream.OpenedAt;
                if (waited >= Options.StreamOpenTimeout) (overdue ??= []).Add((stream, YamuxError.OpenTimeout(waited)));
                else Schedule(stream.OpenedAt + Options.StreamOpenTimeout);
            }
        }

        if (overdue is null) return;
        foreach ((YamuxStream stream, ConnectionException error) in overdue) stream.Reset(error);
    }

    private void SchedulePing(TimeSpan sentAt)
    {
        if (PingOverdueAt(sentAt) is { } overdueAt) Schedule(overdueAt);
    }

    /// <summary>When a ping sent at <paramref name="sentAt"/> is overdue: while other bytes arrive or the line drains, it may only be queued somewhere.</summary>
    private TimeSpan? PingOverdueAt(TimeSpan sentAt)
    {
        TimeSpan? quiet = Options.KeepAliveTimeout == Timeout.InfiniteTimeSpan ? null : (sentAt > _lastProgress ? sentAt : _lastProgress) + Options.KeepAliveTimeout;
        TimeSpan? last = Options.PingDeadline == Timeout.InfiniteTimeSpan ? null : sentAt + Options.PingDeadline;
        return quiet is null || last < quiet ? last : quiet;
    }

    /// <summary>Ends a session that takes no more streams and has none left. Called with the gate held.</summary>
    private void EndIfDrained()
    {
        if (_isOver || _state.StreamCount > 0 || !(_isClosing || _state.PeerGoesAway)) return;
        // What waits to be sent (the GoAway, last acknowledgements) is still sent; the receive loop ends with the peer, or at the deadline.
        if (!_isClosing) _state.Control.SetGoAway(GoAwayCode.Normal);
        EndCore(null);
    }

    /// <summary>Ends the session, once; later calls do nothing.</summary>
    /// <param name="error">Why, or null for a clean end.</param>
    /// <param name="goAway">What the peer is told, if it can be.</param>
    private void End(ConnectionException? error, GoAwayCode? goAway)
    {
        lock (Gate)
        {
            if (!_isOver)
            {
                if (error is not null || goAway is not null) _state.Control.Clear();
                if (goAway is { } code) _state.Control.SetGoAway(code);
                EndCore(error);
            }
        }

        // Outside the gate: the receive loop may go on from here on this thread.
        _receiveCancellation.Cancel();
    }

    private void EndCore(ConnectionException? error)
    {
        _isOver = true;
        Volatile.Write(ref _error, error);
        EndAccepting();
        ConnectionException streamError = error ?? YamuxError.PeerClosed(ConnectionStep.Stream);
        _state.Data.Clear();
        foreach (YamuxStream stream in _state.Streams) stream.Lose(streamError);
        _state.Pings.FailAll(OverError(ConnectionStep.Connection));
        ReleaseWaitingOpens();
        if (Options.CloseTimeout != Timeout.InfiniteTimeSpan)
        {
            _closeDeadline = Now + Options.CloseTimeout;
            Schedule(_closeDeadline.Value);
        }

        WakeSender();
    }

    // Whoever waits for streams goes on where they are handed over; the end is said with the gate held, where nobody else's code may run.
    private void EndAccepting() =>
        ThreadPool.UnsafeQueueUserWorkItem(static writer => writer.TryComplete(), _accepting.Writer, preferLocal: false);

    private ConnectionException OverError(ConnectionStep step) =>
        _error is { } error ? YamuxError.Again(error) : _isClosing ? YamuxError.Closed(step) : YamuxError.PeerClosed(step);

    /// <summary>Owns both loops and what is left when they have ended.</summary>
    private async Task RunAsync()
    {
        await Task.WhenAll(Task.Run(ReceiveLoopAsync), Task.Run(SendLoopAsync)).ConfigureAwait(false);
        _deadline.Dispose();
        _holding.Dispose();
        if (_ownClock is not null) await _ownClock.DisposeAsync().ConfigureAwait(false);
        // Whoever cuts the session says why before the channel is cut. The loops may be faster: an orderly end must not overtake the cut, or the peer would take it for one.
        if (_isCut) _channel.Abort();
        await _channel.DisposeAsync().ConfigureAwait(false);
        _completion.TrySetResult();
    }
}
