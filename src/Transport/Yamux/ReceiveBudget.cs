using Overlay.Transport.Connections;

namespace Overlay.Transport.Yamux;

/// <summary>A fixed number of bytes for one session, each of which is also charged to the budget behind it, if there is one.</summary>
internal sealed class SessionReceiveBudget(long limit, IMemoryBudget? behind = null) : IMemoryBudget
{
    private long _reserved;

    internal long Reserved => _reserved;

    public bool TryReserve(int size)
    {
        if (_reserved + size > limit || behind?.TryReserve(size) == false) return false;
        _reserved += size;
        return true;
    }

    public void Release(int size)
    {
        _reserved -= size;
        behind?.Release(size);
    }
}
