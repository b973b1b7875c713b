namespace Overlay.Transport.Tcp;

/// <summary>Settings of <see cref="TcpTransport"/>. Immutable; change with <c>with</c>.</summary>
public sealed record TcpTransportOptions
{
    /// <summary>How many connections may wait to be accepted, at least 1. 512, the default of common servers; the system may cut it lower.</summary>
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

    /// <summary>Counts what all connections carry; null where nobody wants to know.</summary>
    public SocketTraffic? Traffic { get; init; }
}
