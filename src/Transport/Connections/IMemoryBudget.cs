namespace Overlay.Transport.Connections;

/// <summary>What a connection's buffers and windows are charged to. A host's resource budget can stand behind it.</summary>
/// <remarks>Called with a muxer's gate held: an implementation must not block and must not call back.</remarks>
internal interface IMemoryBudget
{
    /// <summary>Reserves <paramref name="size"/> bytes, or nothing.</summary>
    /// <param name="size">Bytes, at least 0.</param>
    /// <param name="isPromise">Whether it is for a window that may grow or not, and not for bytes that are there.</param>
    bool TryReserve(int size, bool isPromise = false);

    /// <summary>Gives back what was reserved.</summary>
    void Release(int size);
}
