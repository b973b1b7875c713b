using System.Buffers;
using System.IO.Pipelines;
using System.Runtime.CompilerServices;
using Overlay.Transport.Connections;
using Overlay.Transport.Multistream;

namespace Overlay.Transport;

/// <summary>The answer to a stream's proposed protocol: taken off the input by the stream's reader on its own thread, or, where nobody reads, in the background.</summary>
/// <remarks>Safe on several threads. A refusal, a broken answer or a missed deadline resets the stream. The deadline runs from when the answer is first waited for.</remarks>
internal sealed class OutboundNegotiation(MuxedStream stream, MultistreamDialer dialer, TimeSpan timeout, DeadlineClock clock)
{
    private readonly Lock _lock = new();
    private DeadlineClock.Entry? _deadline;
    private Task? _background;
    private TaskCompletionSource? _waiter;
    private bool _isRead;
    private bool _isLate;
    private volatile bool _isAgreed;

    /// <summary>Whether the peer has accepted; what arrives is then the protocol's own.</summary>
    internal bool IsAgreed => _isAgreed;

    /// <summary>Waits for the acceptance.</summary>
    /// <exception cref="ConnectionException">The peer does not speak the protocol, broke the format, kept silent, or the stream is over.</exception>
    internal Task AwaitAnswerAsync()
    {
        if (_isAgreed) return Task.CompletedTask;
        lock (_lock)
        {
            if (!_isRead) return _background ??= ReceiveInBackgroundAsync();
            // The reader is at it: it says when it is done, or hands the rest to the background.
            _waiter ??= new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            return _waiter.Task;
        }
    }

    /// <summary>Takes the answer off, for the stream's reader.</summary>
    /// <returns>False when the read was cancelled by <see cref="PipeReader.CancelPendingRead"/>; another may follow.</returns>
    /// <exception cref="ConnectionException">As <see cref="AwaitAnswerAsync"/>.</exception>
    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    internal async ValueTask<bool> ReceiveAnswerAsync(CancellationToken cancellationToken)
    {
        Task? background;
        lock (_lock)
        {
            background = _background;
            _isRead = background is null;
        }

        if (background is not null)
        {
            await background.WaitAsync(cancellationToken).ConfigureAwait(false);
            return true;
        }

        try
        {
            bool isAgreed = await ReceiveAsync(cancellationToken).ConfigureAwait(false);
            Leave(null);
            return isAgreed;
        }
        catch (Exception e)
        {
            Leave(e as ConnectionException);
            throw;
        }
    }

    private void Leave(ConnectionException? failure)
    {
        lock (_lock)
        {
            _isRead = false;
            if (_waiter is not { } waiter) return;
            _waiter = null;
            if (_isAgreed) waiter.TrySetResult();
            else if (failure is not null) waiter.TrySetException(failure);
            else (_background ??= ReceiveInBackgroundAsync()).ContinueWith(
                static (answer, state) => ((TaskCompletionSource)state!).TrySetFromTask(answer),
                waiter, CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
        }
    }

    private async Task ReceiveInBackgroundAsync()
    {
        while (!await ReceiveAsync(CancellationToken.None).ConfigureAwait(false))
        {
            // Somebody cancelled a read that was not his.
        }
    }

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    private async ValueTask<bool> ReceiveAsync(CancellationToken cancellationToken)
    {
        try
        {
            while (!_isAgreed)
            {
                ValueTask<ReadResult> reading = stream.Input.ReadAsync(cancellationToken);
                if (!reading.IsCompleted) StartDeadline();
                ReadResult result = await reading.ConfigureAwait(false);
                if (result.IsCanceled)
                {
                    stream.Input.AdvanceTo(result.Buffer.Start);
                    return false;
                }

                Take(result.Buffer);
                if (!_isAgreed && result.IsCompleted)
                    throw new ConnectionException(ConnectionError.EndOfStream, ConnectionStep.NegotiateProtocol, Fault.Peer, "The peer ended the stream without answering the proposed protocol.");
            }

            _deadline?.Dispose();
            return true;
        }
        catch (ConnectionException e)
        {
            _deadline?.Dispose();
            ConnectionException failure = _isLate ? Late(e) : e;
            stream.Abort(failure);
            if (ReferenceEquals(failure, e)) throw;
            throw failure;
        }
    }

    private void StartDeadline()
    {
        if (_deadline is not null) return;
        _deadline = clock.Register(Expire);
        _deadline.Schedule(clock.Now + timeout);
    }

    private void Expire()
    {
        if (_isAgreed) return;
        _isLate = true;
        stream.Abort(Late(null));
    }

    private ConnectionException Late(ConnectionException? inner) => new(
        ConnectionError.Timeout, ConnectionStep.NegotiateProtocol, Fault.Peer, $"Agreeing on the stream's protocol took longer than {timeout.TotalSeconds:0.###} s.", inner);

    private void Take(ReadOnlySequence<byte> buffer)
    {
        MultistreamProgress progress = default;
        long consumed = 0;
        foreach (ReadOnlyMemory<byte> piece in buffer)
        {
            progress = dialer.Feed(piece.Span);
            consumed += progress.Consumed;
            if (progress.Status != MultistreamStatus.NeedMore) break;
        }

        stream.Input.AdvanceTo(buffer.GetPosition(consumed));
        if (progress.Status is MultistreamStatus.Refused or MultistreamStatus.Violated) throw progress.ToException(ConnectionStep.NegotiateProtocol);
        _isAgreed = progress.Status == MultistreamStatus.Accepted;
    }
}
