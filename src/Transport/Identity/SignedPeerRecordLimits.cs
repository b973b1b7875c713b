namespace Overlay.Transport.Identity;

/// <summary>How much a peer's record may hold. Immutable; change with <c>with</c>.</summary>
public sealed record SignedPeerRecordLimits
{
    /// <summary>Largest envelope in bytes, at least 1. 8 KiB, what libp2p's identify allows for a whole message.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The value is below 1.</exception>
    public int MaxSize
    {
        get;
        init
        {
            ArgumentOutOfRangeException.ThrowIfLessThan(value, 1);
            field = value;
        }
    } = 8 * 1024;

    /// <summary>Most addresses in one record, at least 0. 64, far above what a host with several interfaces and relays has.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The value is below 0.</exception>
    public int MaxAddressCount
    {
        get;
        init
        {
            ArgumentOutOfRangeException.ThrowIfNegative(value);
            field = value;
        }
    } = 64;
}
