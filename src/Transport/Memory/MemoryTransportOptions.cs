namespace Overlay.Transport.Memory;

/// <summary>Settings of <see cref="MemoryTransport"/>. Immutable; change with <c>with</c>.</summary>
public sealed record MemoryTransportOptions
{
    /// <summary>How many bytes each direction of a connection holds before its sender waits, at least 1. 256 KiB, about what a TCP socket buffers.
    /// The listening side's setting decides for both directions.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The value is below 1.</exception>
    public int PipeSize
    {
        get;
        init
        {
            ArgumentOutOfRangeException.ThrowIfLessThan(value, 1);
            field = value;
        }
    } = 256 * 1024;

    /// <summary>How many connections may wait to be accepted before diallers wait, at least 1. 512, as the TCP transport has.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The value is below 1.</exception>
    public int ListenBacklog
    {
        get;
        init
        {
            ArgumentOutOfRangeException.ThrowIfLessThan(value, 1);
            field = value;
        }
    } = 512;
}
