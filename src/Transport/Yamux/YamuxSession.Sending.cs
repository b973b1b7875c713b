using Overlay.Transport.Connections;

namespace Overlay.Transport.Yamux;

/// <summary>Sending. The channel's write side belongs to whoever has the sender's turn: the send loop, or a caller for the length of one batch.</summary>
/// <remarks>
/// The turn is taken and given back with the gate held. A caller writes and flushes as long as the channel finishes at once; a flush that has to wait is
/// handed to the loop together with the turn, so that no caller ever waits for another one's bytes or for a socket.
/// </remarks>
internal sealed partial class YamuxSession
{
    // How long an opened stream's first bytes wait for company: longer than a caller takes to write, too short for anybody to notice.
    private static readonly TimeSpan s_holdTime = TimeSpan.FromMilliseconds(2);

    private readonly SendSignal _sendSignal = new();
    private readonly Queue<(YamuxStream Stream, TimeSpan Until)> _held = new();
    private readonly DeadlineClock.Entry _holding;
    private bool _isSending;
    private ValueTask? _handedFlush;
    private TimeSpan? _flushStartedAt;

    /// <summary>Whether the channel is taking its time with a flush.</summary>
    internal bool IsFlushWaiting
    {
        get
        {
            lock (Gate)
            {
                return _flushStartedAt is not null;
            }
        }
    }

    /// <summary>Whether nothing is being sent, nor waits to be, and the send loop sleeps.</summary>
    internal bool IsSendingIdle
    {
        get
        {
            lock (Gate)
            {
                return !_isSending && !HasSendWork && _sendSignal.IsAwaited;
            }
        }
    }

    private bool HasSendWork => _state.HasSendWork || (_isOver && !_isSendingOver);

    /// <summary>Wakes the send loop if there is work and nobody sends. Called with the gate held.</summary>
    internal void WakeSender()
    {
        if (!_isSending && HasSendWork) _sendSignal.Set();
    }

    /// <summary>Takes the sender's turn if it is free. Called with the gate held.</summary>
    internal bool TryBecomeSender()
    {
        if (_isSending || _isOver) return false;
        _isSending = true;
        return true;
    }

    /// <summary>Takes the sender's turn if it is free and no stream waits to send. Called with the gate held.</summary>
    internal bool TryBecomeOnlySender() => !_state.Data.HasWork && TryBecomeSender();

    /// <summary>Sends one batch on the caller's thread; the caller has the turn and loses it.</summary>
    internal void SendOnCaller()
    {
        try
        {
            WriteBatch();
            if (TryFlushOnCaller()) GiveTurnBack();
        }
#pragma warning disable CA1031 // A channel that fails ends the session, whatever the cause.
        catch (Exception error)
#pragma warning restore CA1031
        {
            FailSending(YamuxError.Lost(error));
        }
    }

    /// <summary>Sends as much of <paramref name="source"/> as goes without waiting, straight into the channel's memory; the caller has the turn and loses it.</summary>
    /// <returns>The number of bytes sent.</returns>
    internal int SendOnCaller(YamuxStream stream, ReadOnlyMemory<byte> source)
    {
        int sent = 0;
        try
        {
            bool goesOn;
            do
            {
                WriteControlFrames();
                int count = WriteDirect(stream, source.Span[sent..]);
                sent += count;
                if (!TryFlushOnCaller()) return sent;
                lock (Gate)
                {
                    goesOn = count > 0 && sent < source.Length && !_state.Data.HasWork;
                }
            }
            while (goesOn);

            GiveTurnBack();
        }
#pragma warning disable CA1031 // A channel that fails ends the session, whatever the cause.
        catch (Exception error)
#pragma warning restore CA1031
        {
            FailSending(YamuxError.Lost(error));
        }

        return sent;
    }

    private int WriteDirect(YamuxStream stream, ReadOnlySpan<byte> source)
    {
        int sent = 0;
        while (sent < source.Length && _channel.UnflushedSize < Options.FlushThreshold)
        {
            int count;
            lock (Gate)
            {
                count = stream.TakeDirect(Math.Min(source.Length - sent, MaxPayload));
            }

            if (count == 0) break;
            Span<byte> frame = _channel.GetMemory(FrameHeader.Size + count).Span;
            new FrameHeader(FrameType.Data, FrameFlags.None, stream.Id, (uint)count).Write(frame);
            source.Slice(sent, count).CopyTo(frame[FrameHeader.Size..]);
            _channel.Advance(FrameHeader.Size + count);
            sent += count;
        }

        return sent;
    }

    private int MaxPayload => Math.Min(Options.MaxDataFrame, _channel.MaxWriteSize - FrameHeader.Size);

    /// <summary>Lets a stream's held bytes go in a moment if nothing else does. Called with the gate held.</summary>
    internal void Hold(YamuxStream stream)
    {
        TimeSpan until = Now + s_holdTime;
        _held.Enqueue((stream, until));
        _holding.Schedule(until);
    }

    private void ReleaseHeld()
    {
        lock (Gate)
        {
            while (_held.TryPeek(out (YamuxStream Stream, TimeSpan Until) first))
            {
                if (first.Until > Now)
                {
                    _holding.Schedule(first.Until);
                    break;
                }

                _held.Dequeue();
                if (!_isOver) first.Stream.Release();
            }

            WakeSender();
        }
    }

    private async Task SendLoopAsync()
    {
        try
        {
            while (await TakeTurnAsync().ConfigureAwait(false))
            {
                do
                {
                    WriteBatch();
                    if (_channel.UnflushedSize > 0) await WaitForFlushAsync(_channel.FlushAsync(CancellationToken.None)).ConfigureAwait(false);
                }
                while (!TryGiveTurnBack());
            }

            if (_error is null) await _channel.CompleteAsync().ConfigureAwait(false);
        }
#pragma warning disable CA1031 // A channel that fails ends the session, whatever the cause.
        catch (Exception error)
#pragma warning restore CA1031
        {
            FailSending(YamuxError.Lost(error));
        }
    }

    /// <summary>Waits for work and the turn.</summary>
    /// <returns>False when the session is over and nothing is left to say.</returns>
    private async ValueTask<bool> TakeTurnAsync()
    {
        while (true)
        {
            ValueTask? handed;
            lock (Gate)
            {
                // Set with the gate held only, so what it was set for is seen here. Kept, it would wake the loop for nothing, in the middle of a caller's write.
                _sendSignal.Reset();
                handed = _handedFlush;
                _handedFlush = null;
                if (handed is null && !_isSending)
                {
                    if (_state.HasSendWork) return _isSending = true;
                    if (_isOver)
                    {
                        _isSendingOver = true;
                        return false;
                    }
                }
            }

            if (handed is { } flush)
            {
                await WaitForFlushAsync(flush).ConfigureAwait(false);
                if (!TryGiveTurnBack()) return true;
                continue;
            }

            await _sendSignal.WaitAsync().ConfigureAwait(false);
        }
    }

    /// <summary>Gives the turn back unless there is more to send.</summary>
    private bool TryGiveTurnBack()
    {
        lock (Gate)
        {
            if (_state.HasSendWork) return false;
            _isSending = false;
            WakeSender();
            return true;
        }
    }

    private void GiveTurnBack()
    {
        lock (Gate)
        {
            _isSending = false;
            WakeSender();
        }
    }

    /// <summary>Flushes; a flush that has to wait is handed to the send loop, and the turn with it.</summary>
    /// <returns>Whether the caller still has the turn.</returns>
    private bool TryFlushOnCaller()
    {
        ValueTask flush = _channel.UnflushedSize > 0 ? _channel.FlushAsync(CancellationToken.None) : ValueTask.CompletedTask;
        if (flush.IsCompletedSuccessfully)
        {
            flush.GetAwaiter().GetResult();
            return true;
        }

        lock (Gate)
        {
            _handedFlush = flush;
            _sendSignal.Set();
        }

        return false;
    }

    private async ValueTask WaitForFlushAsync(ValueTask flush)
    {
        if (flush.IsCompletedSuccessfully)
        {
            flush.GetAwaiter().GetResult();
            return;
        }

        lock (Gate)
        {
            _flushStartedAt = Now;
            if (Options.WriteStallTimeout != Timeout.InfiniteTimeSpan) Schedule(_flushStartedAt.Value + Options.WriteStallTimeout);
        }

        await flush.ConfigureAwait(false);
        lock (Gate)
        {
            _flushStartedAt = null;
            // The line was full and has drained: the other end is alive.
            _lastProgress = Now;
        }
    }

    /// <summary>The channel cannot be written to any more; the turn is over for good.</summary>
    private void FailSending(ConnectionException error)
    {
        End(error, null);
        lock (Gate)
        {
            _state.Control.Clear();
            _isSending = false;
            WakeSender();
        }

        _channel.Abort();
    }

    /// <summary>Writes control frames, then data in turns, up to the flush threshold. Only with the turn.</summary>
    private void WriteBatch()
    {
        WriteControlFrames();
        while (_channel.UnflushedSize < Options.FlushThreshold)
        {
            FrameHeader header;
            YamuxStream? stream;
            lock (Gate)
            {
                if (!_state.Data.TryTake(MaxPayload, out header, out stream)) return;
            }

            Memory<byte> memory = _channel.GetMemory(FrameHeader.Size + (int)header.Length);
            header.Write(memory.Span);
            stream!.CopyClaimed(memory.Span.Slice(FrameHeader.Size, (int)header.Length));
            _channel.Advance(FrameHeader.Size + (int)header.Length);
            lock (Gate)
            {
                stream.EndDataFrame(header);
                AddData(stream);
            }
        }
    }

    private void WriteControlFrames()
    {
        TimeSpan now = Now;
        while (_channel.UnflushedSize < Options.FlushThreshold)
        {
            FrameHeader header;
            lock (Gate)
            {
                if (!_state.Control.TryTake(now, out header)) return;
                if (header.Type == FrameType.Ping && header.Has(FrameFlags.Syn)) SchedulePing(now);
            }

            header.Write(_channel.GetMemory(FrameHeader.Size).Span);
            _channel.Advance(FrameHeader.Size);
        }
    }
}
