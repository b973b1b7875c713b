namespace Overlay.Gossip.Links;

/// <summary>What waits to be sent to one peer. Bounded: messages beyond the limits are dropped, control beyond twice the limits ends the link.</summary>
/// <remarks>Safe on several threads; one reader.</remarks>
internal sealed class SendQueue(GossipLimits limits) : IDisposable
{
    private readonly Lock _lock = new();
    private readonly Queue<byte[]> _frames = new();
    private readonly SemaphoreSlim _added = new(0, 1);
    private TaskCompletionSource? _room;
    private long _size;
    private bool _isClosed;
    private bool _isFinished;

    /// <summary>Whether more than half of the room is taken: an author should wait a little.</summary>
    internal bool IsCrowded
    {
        get
        {
            lock (_lock) return IsCrowdedNow;
        }
    }

    private bool IsCrowdedNow => !_isClosed && (_size > limits.MaxSendQueueSize / 2 || _frames.Count > limits.MaxSendQueueLength / 2);

    /// <summary>Puts a frame behind the others.</summary>
    /// <param name="frame">The RPC's bytes; shared with other queues and not changed.</param>
    /// <param name="hasMessages">Whether it may be dropped: a lost message can be asked for, a lost GRAFT or PRUNE leaves two meshes that contradict each other.</param>
    internal SendResult Add(byte[] frame, bool hasMessages)
    {
        lock (_lock)
        {
            if (_isClosed || _isFinished) return SendResult.Queued;
            int factor = hasMessages ? 1 : 2;
            bool isFull = _frames.Count >= (long)factor * limits.MaxSendQueueLength || _size + frame.Length > (long)factor * limits.MaxSendQueueSize;
            // One frame always fits, however long.
            if (isFull && _frames.Count > 0) return hasMessages ? SendResult.Dropped : SendResult.Overrun;
            _frames.Enqueue(frame);
            _size += frame.Length;
            if (_frames.Count == 1 && _added.CurrentCount == 0) _added.Release();
            return SendResult.Queued;
        }
    }

    /// <summary>Waits for frames and takes them, up to about <paramref name="size"/> bytes but one at least.</summary>
    /// <returns>False when there will be no more.</returns>
    internal async ValueTask<bool> TakeAsync(List<byte[]> frames, int size, CancellationToken cancellationToken)
    {
        while (true)
        {
            lock (_lock)
            {
                for (int taken = 0; _frames.TryPeek(out byte[]? next) && (taken == 0 || taken + next.Length <= size);)
                {
                    frames.Add(_frames.Dequeue());
                    taken += next.Length;
                    _size -= next.Length;
                }

                if (!IsCrowdedNow) LetIn();
                if (frames.Count > 0) return true;
                if (_isFinished) return false;
            }

            await _added.WaitAsync(cancellationToken).ConfigureAwait(false);
        }
    }

    /// <summary>Completes when the queue is no longer crowded.</summary>
    internal Task WhenRoomAsync()
    {
        lock (_lock)
        {
            if (!IsCrowdedNow) return Task.CompletedTask;
            _room ??= new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            return _room.Task;
        }
    }

    /// <summary>Takes no more; what waits is still sent.</summary>
    internal void Finish()
    {
        lock (_lock)
        {
            _isFinished = true;
            if (!_isClosed && _added.CurrentCount == 0) _added.Release();
        }
    }

    internal void Close()
    {
        lock (_lock)
        {
            _isClosed = true;
            _frames.Clear();
            _size = 0;
            LetIn();
        }
    }

    /// <summary>To be called once it is closed and nobody takes from it any more.</summary>
    public void Dispose() => _added.Dispose();

    private void LetIn()
    {
        _room?.TrySetResult();
        _room = null;
    }
}

/// <summary>What became of a frame.</summary>
internal enum SendResult
{
    Queued,

    /// <summary>Dropped: the peer is slow.</summary>
    Dropped,

    /// <summary>Not even control messages fit any more: the peer takes nothing.</summary>
    Overrun,
}
