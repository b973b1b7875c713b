namespace Overlay.Transport.Connections;

/// <summary>One connection's memory: what its peer was promised room for, and the buffers that it holds. Whichever is larger is charged to the budget behind it.</summary>
/// <remarks>
/// Receive windows are promises, and buffers are what they come to: to charge both would count the same bytes twice, and a long window that was never filled
/// could leave no room for the buffers of others. Safe on several threads; its lock is a leaf but for the budget's own.
/// </remarks>
/// <param name="maxPromisedSize">Most bytes that all windows together may be promised above their initial size.</param>
/// <param name="budget">What is charged; null for nothing.</param>
internal sealed class ConnectionMemory(long maxPromisedSize, IMemoryBudget? budget = null)
{
    // What small messages need lies within what every connection is charged with anyway.
    private const int FreeSize = 8 << 10;

    // The budget is shared by all connections: it is not asked for every small buffer.
    private const int ChargeUnit = 64 << 10;

    private readonly Lock _lock = new();
    private long _promised;
    private long _held;
    private long _charged;

    /// <summary>Bytes promised above the initial windows.</summary>
    internal long PromisedSize
    {
        get
        {
            lock (_lock) return _promised;
        }
    }

    /// <summary>Bytes in buffers.</summary>
    internal long HeldSize
    {
        get
        {
            lock (_lock) return _held;
        }
    }

    /// <summary>Promises <paramref name="size"/> more bytes of window, or none.</summary>
    internal bool TryPromise(int size)
    {
        lock (_lock)
        {
            if (_promised + size > maxPromisedSize || !TryCharge(Math.Max(_promised + size, _held), isPromise: true)) return false;
            _promised += size;
            return true;
        }
    }

    /// <summary>Takes a promise back.</summary>
    internal void Withdraw(int size)
    {
        lock (_lock)
        {
            _promised -= size;
            Discharge();
        }
    }

    /// <summary>Makes room for a buffer of <paramref name="size"/> bytes, or none. To be called before the buffer is rented.</summary>
    internal bool TryHold(int size)
    {
        lock (_lock)
        {
            if (!TryCharge(Math.Max(_promised, _held + size), isPromise: false)) return false;
            _held += size;
            return true;
        }
    }

    /// <summary>A buffer was let go.</summary>
    internal void LetGo(int size)
    {
        lock (_lock)
        {
            _held -= size;
            Discharge();
        }
    }

    private bool TryCharge(long total, bool isPromise)
    {
        if (total <= FreeSize || total <= _charged) return true;
        return TryChargeExactly(RoundUp(total), isPromise) || TryChargeExactly(total, isPromise);
    }

    private bool TryChargeExactly(long total, bool isPromise)
    {
        if (budget?.TryReserve(checked((int)(total - _charged)), isPromise) == false) return false;
        _charged = total;
        return true;
    }

    private void Discharge()
    {
        long total = Math.Max(_promised, _held);
        long needed = total <= FreeSize ? 0 : RoundUp(total);
        // Not at the border between two units each time that it is crossed.
        if (needed >= _charged || (needed > 0 && _charged - needed <= ChargeUnit)) return;
        budget?.Release((int)(_charged - needed));
        _charged = needed;
    }

    private static long RoundUp(long size) => (size + ChargeUnit - 1) / ChargeUnit * ChargeUnit;
}
