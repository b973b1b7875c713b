namespace Overlay.Transport.Connections;

/// <summary>What a connection's buffers and windows are charged to. A host's resource budget can stand behind it.</summary>
/// <remarks>Called with a muxer's gate held: an implementation must not block and must not call back.</remarks>
internal interface IMemoryBudget
{
    /// <summary>Reserves <paramref name="size"/> bytes, or nothing.</summary>
    bool TryReserve(int size);

    /// <summary>Gives back what was reserved.</summary>
    void Release(int size);
}
