namespace Overlay.Transport;

/// <summary>Limits and deadlines of the transport. Immutable; change with <c>with</c>.</summary>
public sealed record TransportOptions
{
    /// <summary>How long a whole inbound or outbound upgrade (security, handshake, muxer) may take. 10 s, as js-libp2p allows.</summary>
    public TimeSpan UpgradeTimeout { get; init; } = TimeSpan.FromSeconds(10);
}
