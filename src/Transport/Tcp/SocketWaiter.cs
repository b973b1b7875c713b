using System.Threading.Tasks.Sources;

namespace Overlay.Transport.Tcp;

/// <summary>One direction of an <see cref="EpollSocket"/> that waits until something can be done. Used again and again: waiting allocates nothing.</summary>
/// <remarks>Who waits goes on on the thread pool: the poller's thread runs nobody's code.</remarks>
internal sealed class SocketWaiter(EpollSocket socket, uint interest) : IValueTaskSource
{
    private ManualResetValueTaskSourceCore<bool> _core = new() { RunContinuationsAsynchronously = true };
    private CancellationTokenRegistration _registration;
    private CancellationToken _cancellationToken;

    // From the beginning of a wait until its result is taken, which is later than it is known.
    private bool _isTaken;

    /// <summary>Whether somebody waits. Guarded by the socket's gate.</summary>
    internal bool IsWaiting { get; private set; }

    /// <summary>Events of the poller that are waited for.</summary>
    internal uint Interest => interest;

    /// <summary>Waits for the poller's word, which may come too often.</summary>
    /// <exception cref="InvalidOperationException">Somebody waits already.</exception>
    internal ValueTask WaitAsync(CancellationToken cancellationToken)
    {
        ValueTask waiting;
        lock (socket.Gate)
        {
            if (_isTaken) throw new InvalidOperationException("Another operation of this direction is waiting.");
            IsWaiting = true;
            if (socket.TryAsk() is { } error)
            {
                IsWaiting = false;
                return ValueTask.FromException(error);
            }

            _isTaken = true;
            _core.Reset();
            _cancellationToken = cancellationToken;
            waiting = new ValueTask(this, _core.Version);
        }

        // Nobody can take the result before this has returned, so the registration is there to be ended by whoever does.
        if (cancellationToken.CanBeCanceled) _registration = cancellationToken.UnsafeRegister(static waiter => ((SocketWaiter)waiter!).Cancel(), this);
        return waiting;
    }

    /// <summary>Ends the waiting; <see cref="Succeed"/> is to follow. Called with the gate held.</summary>
    /// <returns>False when nobody waits.</returns>
    internal bool TryEnd()
    {
        bool waited = IsWaiting;
        IsWaiting = false;
        return waited;
    }

    internal void Succeed() => _core.SetResult(true);

    /// <summary>Ends the waiting with an error, if somebody waits.</summary>
    internal void Fail(Exception error)
    {
        lock (socket.Gate)
            if (!TryEnd()) return;
        _core.SetException(error);
    }

    void IValueTaskSource.GetResult(short token)
    {
        // Waits for a cancellation that is running at this moment: the next wait must not be taken for this one.
        _registration.Dispose();
        _registration = default;
        try
        {
            _core.GetResult(token);
        }
        finally
        {
            lock (socket.Gate) _isTaken = false;
        }
    }

    ValueTaskSourceStatus IValueTaskSource.GetStatus(short token) => _core.GetStatus(token);

    void IValueTaskSource.OnCompleted(Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags) =>
        _core.OnCompleted(continuation, state, token, flags);

    private void Cancel() => Fail(new OperationCanceledException(_cancellationToken));
}
