using System.IO.Pipelines;
using System.Threading.Tasks.Sources;
using Overlay.Transport.Connections;

namespace Overlay.Transport.Yamux;

/// <summary>A stream's <see cref="MuxedStream.Input"/>: the receive queue with the meaning of a pipe's reader.</summary>
/// <remarks>State is guarded by the session's gate; one reader at a time.</remarks>
internal sealed class YamuxStreamReader : PipeReader, IValueTaskSource<ReadResult>
{
    private readonly YamuxSession _session;
    private readonly YamuxStream _stream;
    private readonly ReceiveQueue _queue;
    private ManualResetValueTaskSourceCore<bool> _core = new() { RunContinuationsAsynchronously = true };
    private CancellationTokenRegistration _registration;
    private CancellationToken _cancellationToken;
    private bool _isAwaited;
    private bool _isReading;
    private bool _isCanceled;
    private bool _isTokenCanceled;
    private bool _isCompleted;

    internal YamuxStreamReader(YamuxSession session, YamuxStream stream)
    {
        _session = session;
        _stream = stream;
        _queue = new ReceiveQueue(session.SpareChunks, session.Pool, session.Memory);
    }

    /// <summary>Memory kept alive by what was not consumed, in bytes.</summary>
    internal int PinnedSize => _queue.PinnedSize;

    private bool IsEnded => _stream.IsFinReceived;

    private ConnectionException? Error => IsEnded ? null : _stream.Error;

    public override ValueTask<ReadResult> ReadAsync(CancellationToken cancellationToken = default)
    {
        if (cancellationToken.IsCancellationRequested) return ValueTask.FromCanceled<ReadResult>(cancellationToken);
        ValueTask<ReadResult> waiting;
        lock (_session.Gate)
        {
            ThrowIfUnreadable();
            if (IsReady) return new ValueTask<ReadResult>(TakeResult());
            // All that is here was examined: only more can help, and more needs room.
            if (_queue.UnreadSize > 0 && !_stream.TryWiden(_queue.UnreadSize)) throw YamuxError.WindowTooSmall(_stream.ReceiveWindow.Size);
            _core.Reset();
            _isAwaited = true;
            _isTokenCanceled = false;
            _cancellationToken = cancellationToken;
            waiting = new ValueTask<ReadResult>(this, _core.Version);
            _stream.Release();
            _session.WakeSender();
        }

        if (!cancellationToken.CanBeCanceled) return waiting;
        CancellationTokenRegistration registration = cancellationToken.UnsafeRegister(static reader => ((YamuxStreamReader)reader!).CancelByToken(), this);
        lock (_session.Gate)
        {
            _registration = registration;
        }

        return waiting;
    }

    public override bool TryRead(out ReadResult result)
    {
        lock (_session.Gate)
        {
            ThrowIfUnreadable();
            if (IsReady)
            {
                result = TakeResult();
                return true;
            }
        }

        result = default;
        return false;
    }

    public override void AdvanceTo(SequencePosition consumed) => AdvanceTo(consumed, consumed);

    public override void AdvanceTo(SequencePosition consumed, SequencePosition examined)
    {
        lock (_session.Gate)
        {
            if (!_isReading) throw new InvalidOperationException("There is no read to advance.");
            // After a reset the queue is empty and the positions mean nothing any more.
            int count = Error is null && !_isCompleted ? _queue.Advance(consumed, examined) : 0;
            _isReading = false;
            if (Error is not null) _queue.Clear();
            if (count > 0) _stream.Consumed(count);
        }
    }

    public override void CancelPendingRead()
    {
        lock (_session.Gate)
        {
            _isCanceled = true;
            Wake();
        }
    }

    public override void Complete(Exception? exception = null)
    {
        lock (_session.Gate)
        {
            CompleteCore();
        }
    }

    ReadResult IValueTaskSource<ReadResult>.GetResult(short token)
    {
        CancellationTokenRegistration registration;
        lock (_session.Gate)
        {
            registration = _registration;
            _registration = default;
        }

        // Outside the gate: disposing waits for a callback that is running, and that needs the gate.
        registration.Dispose();
        _core.GetResult(token);
        lock (_session.Gate)
        {
            if (!_isTokenCanceled) return TakeResult();
            _isTokenCanceled = false;
            throw new OperationCanceledException(_cancellationToken);
        }
    }

    ValueTaskSourceStatus IValueTaskSource<ReadResult>.GetStatus(short token) => _core.GetStatus(token);

    void IValueTaskSource<ReadResult>.OnCompleted(Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags) =>
        _core.OnCompleted(continuation, state, token, flags);

    /// <summary>The application reads no more.</summary>
    internal bool IsCompleted => _isCompleted;

    /// <summary>Queues a piece of payload.</summary>
    /// <returns>False when there is no memory for it.</returns>
    internal bool TryReceive(SharedBuffer buffer, int offset, int count)
    {
        if (!_queue.TryAppend(buffer, offset, count, pinLimit: 2 * _stream.ReceiveWindow.Size)) return false;
        Wake();
        return true;
    }

    /// <summary>Lets a waiting read see what has changed.</summary>
    internal void Wake()
    {
        if (!_isAwaited) return;
        _isAwaited = false;
        _core.SetResult(true);
    }

    /// <summary>The stream was reset or lost: unread bytes are dropped, at the latest when the reader gives them back.</summary>
    internal void Fail()
    {
        if (!_isReading) _queue.Clear();
        Wake();
    }

    /// <summary>The application reads no more.</summary>
    /// <returns>The number of bytes that it has left unread.</returns>
    internal int CompleteCore()
    {
        if (_isCompleted) return 0;
        _isCompleted = true;
        _isReading = false;
        int dropped = _queue.Clear();
        Wake();
        if (dropped > 0) _stream.Consumed(dropped);
        return dropped;
    }

    private bool IsReady => _isCanceled || IsEnded || Error is not null || _queue.HasUnexamined;

    private ReadResult TakeResult()
    {
        if (_isCompleted) throw new InvalidOperationException("The input was completed.");
        bool isCanceled = _isCanceled;
        _isCanceled = false;
        if (!isCanceled && Error is { } error) throw YamuxError.Again(error);
        _isReading = true;
        return new ReadResult(_queue.Unread, isCanceled, IsEnded);
    }

    private void ThrowIfUnreadable()
    {
        if (_isCompleted) throw new InvalidOperationException("The input was completed.");
        if (_isReading) throw new InvalidOperationException("The last read was not advanced.");
        if (_isAwaited) throw new InvalidOperationException("Another read is waiting.");
    }

    private void CancelByToken()
    {
        lock (_session.Gate)
        {
            if (!_isAwaited) return;
            _isTokenCanceled = true;
            Wake();
        }
    }
}
