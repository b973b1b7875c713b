namespace Overlay.Transport.Noise;

/// <summary>Lets one operation at a time use what it guards, and decides who clears up when the owner disposes meanwhile: the operation, when it leaves.</summary>
internal struct SoleUse
{
    private const int Free = 0, Busy = 1, BusyAndClosed = 2, Closed = 3;

    private int _state;

    internal readonly bool IsClosed => Volatile.Read(in _state) >= BusyAndClosed;

    /// <exception cref="ObjectDisposedException">The owner has disposed.</exception>
    /// <exception cref="InvalidOperationException">Another operation is under way: the caller broke the rule of one at a time.</exception>
    internal void Enter(object owner)
    {
        int before = Interlocked.CompareExchange(ref _state, Busy, Free);
        ObjectDisposedException.ThrowIf(before >= BusyAndClosed, owner);
        if (before == Busy) throw new InvalidOperationException("An operation of this kind is already under way.");
    }

    /// <summary>Ends the operation; true when it must clear up.</summary>
    internal bool Exit() => Interlocked.CompareExchange(ref _state, Free, Busy) != Busy && Interlocked.Exchange(ref _state, Closed) == BusyAndClosed;

    /// <summary>Takes no more operations; true, at most once, when the caller must clear up.</summary>
    internal bool Close()
    {
        if (Interlocked.CompareExchange(ref _state, Closed, Free) == Free) return true;
        // Should the operation leave between these two steps, the state is free again, and the second round closes it.
        return Interlocked.CompareExchange(ref _state, BusyAndClosed, Busy) == Free && Close();
    }
}
