namespace Overlay.Sessions.Metering;

/// <summary>Holds bytes back: what is taken and not yet paid never exceeds a limit.</summary>
/// <remarks>
/// The provider's gate stands before everything it serves, its limit is the credit window; the consumer's stands before what it sends, its limit is a
/// quarter of the window. Safe on several threads; the lock is held only for arithmetic and the queue. Waiters are served strictly in order and each
/// gets all that it asked for at once: two streams that each hold half of what they need would otherwise wait for each other for good.
/// </remarks>
/// <param name="limit">Bytes that may be taken and unpaid.</param>
/// <param name="chunkShare">Which part of the limit a chunk may be, 8 for an eighth.</param>
internal sealed class CreditGate(long limit, int chunkShare = 8)
{
    /// <summary>What travels as one frame in one message of the secure channel: 64 KiB less room for the headers of both. A chunk a little larger would leave a
    /// few bytes for a frame, a message and a send of their own.</summary>
    internal const int FrameSize = 64 * 1024 - 64;

    private const int MinChunkSize = 16 * 1024, MaxChunkSize = 2 * FrameSize;

    // What all chunks of a session come to together: large ones for a few streams, small ones for many.
    private const int SharedSize = 13 * 1024 * 1024;

    private readonly Lock _lock = new();
    private readonly LinkedList<Waiter> _waiters = new();
    private long _limit = limit;
    private long _unpaid;
    private IOException? _closed;
    private int _streamCount = 1;

    /// <summary>Streams that take from this gate: each one's chunks are the smaller for it.</summary>
    internal int StreamCount
    {
        set => Volatile.Write(ref _streamCount, Math.Max(value, 1));
    }

    /// <summary>Bytes taken and not paid; below zero when more was paid than taken.</summary>
    internal long Unpaid
    {
        get
        {
            lock (_lock) return _unpaid;
        }
    }

    /// <summary>
    /// Most bytes that a stream takes at once, 16 to 128 KiB, and whole frames if it is more than one's. Never over an eighth of the credit window: whoever waits
    /// for a chunk then waits behind more unpaid bytes than make a receipt due (<see cref="CreditWindowRule.IsReceiptDue"/>), so the wait has an end.
    /// </summary>
    internal int ChunkSize
    {
        get
        {
            long share = Math.Min(Volatile.Read(ref _limit) / chunkShare, SharedSize / Volatile.Read(ref _streamCount));
            int size = (int)Math.Clamp(share, MinChunkSize, MaxChunkSize);
            return size > FrameSize ? size / FrameSize * FrameSize : size;
        }
    }

    /// <summary>Whether somebody waits.</summary>
    internal bool IsHoldingBack
    {
        get
        {
            lock (_lock) return _waiters.Count != 0;
        }
    }

    /// <summary>Takes exactly <paramref name="count"/> bytes of credit, waiting for them in turn.</summary>
    /// <param name="count">At most the smallest limit that the gate ever has, or the wait has no end.</param>
    /// <param name="cancellationToken">Leaves the queue with nothing taken.</param>
    /// <exception cref="IOException">The session is over.</exception>
    internal ValueTask TakeAsync(int count, CancellationToken cancellationToken)
    {
        Waiter waiter;
        lock (_lock)
        {
            if (_closed is not null) return ValueTask.FromException(_closed);
            if (_waiters.Count == 0 && _unpaid + count <= _limit)
            {
                _unpaid += count;
                return ValueTask.CompletedTask;
            }

            waiter = new Waiter(count);
            waiter.Node = _waiters.AddLast(waiter);
        }

        return new ValueTask(WaitAsync(waiter, cancellationToken));
    }

    /// <summary>Takes exactly <paramref name="count"/> bytes if that needs no waiting.</summary>
    internal bool TryTake(int count)
    {
        lock (_lock)
        {
            if (_closed is not null || _waiters.Count != 0 || _unpaid + count > _limit) return false;
            _unpaid += count;
            return true;
        }
    }

    /// <summary>Takes between one and <paramref name="most"/> bytes without waiting; 0 when there are none or others wait.</summary>
    internal int TakeUpTo(long most)
    {
        lock (_lock)
        {
            if (_closed is not null || _waiters.Count != 0) return 0;
            int taken = (int)Math.Clamp(_limit - _unpaid, 0, Math.Min(most, int.MaxValue));
            _unpaid += taken;
            return taken;
        }
    }

    /// <summary>Gives back bytes that were taken and, as is now certain, never went out.</summary>
    internal void GiveBack(long count) => Pay(count, newLimit: null);

    /// <summary>Counts a payment and sets the limit from here on.</summary>
    internal void Pay(long count, long? newLimit)
    {
        lock (_lock)
        {
            _unpaid -= count;
            _limit = newLimit ?? _limit;
            Serve();
        }
    }

    /// <summary>Fails all who wait and all who come.</summary>
    internal void Close(IOException reason)
    {
        lock (_lock)
        {
            _closed ??= reason;
            foreach (Waiter waiter in _waiters) waiter.TrySetException(_closed);
            _waiters.Clear();
        }
    }

    private async Task WaitAsync(Waiter waiter, CancellationToken cancellationToken)
    {
        using CancellationTokenRegistration registration = cancellationToken.Register(() => Leave(waiter, cancellationToken));
        await waiter.Task.ConfigureAwait(false);
    }

    private void Leave(Waiter waiter, CancellationToken cancellationToken)
    {
        lock (_lock)
        {
            if (!waiter.TrySetCanceled(cancellationToken)) return;
            _waiters.Remove(waiter.Node!);
            Serve();
        }
    }

    private void Serve()
    {
        while (_waiters.First is { } first && _unpaid + first.Value.Count <= _limit)
        {
            _waiters.RemoveFirst();
            if (first.Value.TrySetResult()) _unpaid += first.Value.Count;
        }
    }

    private sealed class Waiter(int count) : TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously)
    {
        internal int Count { get; } = count;

        internal LinkedListNode<Waiter>? Node { get; set; }
    }
}
