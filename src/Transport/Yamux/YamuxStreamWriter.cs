using System.IO.Pipelines;
using System.Runtime.CompilerServices;
using System.Threading.Tasks.Sources;
using Overlay.Transport.Connections;

namespace Overlay.Transport.Yamux;

/// <summary>A stream's <see cref="MuxedStream.Output"/>: the send queue with the meaning of a pipe's writer.</summary>
/// <remarks>State is guarded by the session's gate; one writer at a time. A write goes straight into the channel's memory when nobody else is sending.</remarks>
internal sealed class YamuxStreamWriter(YamuxSession session, YamuxStream stream) : PipeWriter, IValueTaskSource<FlushResult>
{
    private ManualResetValueTaskSourceCore<bool> _core = new() { RunContinuationsAsynchronously = true };
    private CancellationTokenRegistration _registration;
    private CancellationToken _cancellationToken;
    private bool _isAwaited;
    private bool _isCanceled;
    private bool _isTokenCanceled;
    private bool _isCompleted;

    public override bool CanGetUnflushedBytes => true;

    public override long UnflushedBytes
    {
        get
        {
            lock (session.Gate)
            {
                return Queue.UncommittedSize;
            }
        }
    }

    // Bytes that may wait to be sent before the writer has to wait: a block, while there is no memory for more.
    private int Limit => Queue.IsStarved ? Math.Min(SendQueue.MinCopyBlockSize, session.Options.MaxSendBuffer) : session.Options.MaxSendBuffer;

    internal SendQueue Queue { get; } = new(session.Pool, session.Memory);

    public override Memory<byte> GetMemory(int sizeHint = 0)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(sizeHint);
        lock (session.Gate)
        {
            ThrowIfUnwritable();
            return Queue.GetMemory(sizeHint);
        }
    }

    public override Span<byte> GetSpan(int sizeHint = 0) => GetMemory(sizeHint).Span;

    public override void Advance(int bytes)
    {
        lock (session.Gate)
        {
            if (_isCompleted) throw new InvalidOperationException("The output was completed.");
            if (stream.Error is null) Queue.Advance(bytes);
        }
    }

    /// <summary>Hands over what was written; returns when more may be written. Cancelling ends the waiting, not the sending.</summary>
    /// <exception cref="ConnectionException">The stream was reset or lost.</exception>
    public override ValueTask<FlushResult> FlushAsync(CancellationToken cancellationToken = default)
    {
        if (cancellationToken.IsCancellationRequested) return ValueTask.FromCanceled<FlushResult>(cancellationToken);
        bool isSender;
        lock (session.Gate)
        {
            Commit();
            isSender = Queue.UnsentSize > 0 && session.TryBecomeSender();
        }

        if (isSender) session.SendOnCaller();
        return WaitForRoomAsync(cancellationToken);
    }

    /// <summary>Writes and flushes. When cancelled while it waits, a first part of <paramref name="source"/> has been taken.</summary>
    /// <exception cref="ConnectionException">The stream was reset or lost.</exception>
    public override ValueTask<FlushResult> WriteAsync(ReadOnlyMemory<byte> source, CancellationToken cancellationToken = default)
    {
        if (cancellationToken.IsCancellationRequested) return ValueTask.FromCanceled<FlushResult>(cancellationToken);
        bool isSender;
        lock (session.Gate)
        {
            Commit();
            isSender = source.Length > 0 && Queue.IsEmpty && stream.SendWindow.Available > 0 && session.TryBecomeOnlySender();
        }

        if (isSender) source = source[session.SendOnCaller(stream, source)..];
        return source.IsEmpty ? WaitForRoomAsync(cancellationToken) : WriteBufferedAsync(source, cancellationToken);
    }

    public override void CancelPendingFlush()
    {
        lock (session.Gate)
        {
            _isCanceled = true;
            Wake();
        }
    }

    /// <summary>Half-closes behind what was written; with an exception, resets the stream.</summary>
    public override void Complete(Exception? exception = null)
    {
        lock (session.Gate)
        {
            if (_isCompleted) return;
            if (exception is not null)
                stream.Reset(exception as ConnectionException ?? YamuxError.StreamAborted("The output was completed with an error.", exception));
            CompleteCore();
        }
    }

    FlushResult IValueTaskSource<FlushResult>.GetResult(short token)
    {
        CancellationTokenRegistration registration;
        lock (session.Gate)
        {
            registration = _registration;
            _registration = default;
        }

        // Outside the gate: disposing waits for a callback that is running, and that needs the gate.
        registration.Dispose();
        _core.GetResult(token);
        lock (session.Gate)
        {
            if (!_isTokenCanceled) return TakeResult();
            _isTokenCanceled = false;
            throw new OperationCanceledException(_cancellationToken);
        }
    }

    ValueTaskSourceStatus IValueTaskSource<FlushResult>.GetStatus(short token) => _core.GetStatus(token);

    void IValueTaskSource<FlushResult>.OnCompleted(Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags) =>
        _core.OnCompleted(continuation, state, token, flags);

    /// <summary>Queues bytes without a word to the sender.</summary>
    internal void Append(ReadOnlySpan<byte> bytes)
    {
        ThrowIfUnwritable();
        Queue.Write(bytes, int.MaxValue, whole: true);
    }

    /// <summary>The sender has written <paramref name="count"/> claimed bytes.</summary>
    internal void Sent(int count)
    {
        Queue.Sent(count);
        if (Queue.UnsentSize <= Limit / 2) Wake();
    }

    /// <summary>The stream was reset or lost: nothing more is sent.</summary>
    internal void Fail()
    {
        Queue.Discard();
        Wake();
    }

    internal void CompleteCore()
    {
        if (_isCompleted) return;
        _isCompleted = true;
        Queue.Commit();
        if (stream.Error is null) stream.RequestFin();
        else Queue.LetGo();
        Wake();
    }

    private void Commit()
    {
        if (stream.Error is not null) Queue.LetGo();
        ThrowIfUnwritable();
        if (_isAwaited) throw new InvalidOperationException("Another flush is waiting.");
        Queue.Commit();
        stream.Release();
        session.AddData(stream);
    }

    private ValueTask<FlushResult> WaitForRoomAsync(CancellationToken cancellationToken)
    {
        ValueTask<FlushResult> waiting;
        lock (session.Gate)
        {
            session.WakeSender();
            if (_isCanceled || _isCompleted || stream.Error is not null || Queue.UnsentSize < Limit) return new ValueTask<FlushResult>(TakeResult());
            _core.Reset();
            _isAwaited = true;
            _isTokenCanceled = false;
            _cancellationToken = cancellationToken;
            waiting = new ValueTask<FlushResult>(this, _core.Version);
        }

        if (!cancellationToken.CanBeCanceled) return waiting;
        CancellationTokenRegistration registration = cancellationToken.UnsafeRegister(static writer => ((YamuxStreamWriter)writer!).CancelByToken(), this);
        lock (session.Gate)
        {
            _registration = registration;
        }

        return waiting;
    }

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    private async ValueTask<FlushResult> WriteBufferedAsync(ReadOnlyMemory<byte> source, CancellationToken cancellationToken)
    {
        while (true)
        {
            lock (session.Gate)
            {
                ThrowIfUnwritable();
                source = source[Queue.Write(source.Span, Math.Max(Limit - Queue.UnsentSize, 0))..];
            }

            FlushResult result = await FlushAsync(cancellationToken).ConfigureAwait(false);
            if (source.IsEmpty || result.IsCanceled || result.IsCompleted) return result;
        }
    }

    private void Wake()
    {
        if (!_isAwaited) return;
        _isAwaited = false;
        _core.SetResult(true);
    }

    private FlushResult TakeResult()
    {
        bool isCanceled = _isCanceled;
        _isCanceled = false;
        if (!isCanceled && stream.Error is { } error) throw YamuxError.Again(error);
        return new FlushResult(isCanceled, isCompleted: false);
    }

    private void ThrowIfUnwritable()
    {
        if (_isCompleted) throw new InvalidOperationException("The output was completed.");
        if (stream.Error is { } error) throw YamuxError.Again(error);
    }

    private void CancelByToken()
    {
        lock (session.Gate)
        {
            if (!_isAwaited) return;
            _isTokenCanceled = true;
            Wake();
        }
    }
}
