namespace Overlay.Transport.Yamux;

/// <summary>What receive windows are charged to when they grow. A host's resource budget can stand behind it.</summary>
/// <remarks>Called with the session's gate held: must not block and must not call back.</remarks>
internal interface IReceiveBudget
{
    /// <summary>Reserves <paramref name="size"/> bytes, or nothing.</summary>
    bool TryReserve(int size);

    /// <summary>Gives back what was reserved.</summary>
    void Release(int size);
}

/// <summary>A fixed number of bytes for one session.</summary>
internal sealed class SessionReceiveBudget(long limit) : IReceiveBudget
{
    private long _reserved;

    internal long Reserved => _reserved;

    public bool TryReserve(int size)
    {
        if (_reserved + size > limit) return false;
        _reserved += size;
        return true;
    }

    public void Release(int size) => _reserved -= size;
}
