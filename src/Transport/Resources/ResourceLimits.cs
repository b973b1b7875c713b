namespace Overlay.Transport.Resources;

/// <summary>The most that one scope may hold. Immutable; change with <c>with</c>. What is not set is not limited.</summary>
/// <remarks>A limit that a scope has no use for does nothing: a protocol holds streams and no connections.</remarks>
public sealed record ResourceLimits
{
    /// <summary>Most memory, in bytes, at least 0.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The value is negative.</exception>
    public long MaxMemorySize
    {
        get;
        init
        {
            ArgumentOutOfRangeException.ThrowIfNegative(value, nameof(MaxMemorySize));
            field = value;
        }
    } = long.MaxValue;

    /// <summary>Most connections of both directions, at least 0.</summary>
    public int MaxConnectionCount { get; init => field = NotNegative(value, nameof(MaxConnectionCount)); } = int.MaxValue;

    /// <summary>Most connections that the other side opened, at least 0.</summary>
    public int MaxInboundConnectionCount { get; init => field = NotNegative(value, nameof(MaxInboundConnectionCount)); } = int.MaxValue;

    /// <summary>Most connections that this side opened, at least 0.</summary>
    public int MaxOutboundConnectionCount { get; init => field = NotNegative(value, nameof(MaxOutboundConnectionCount)); } = int.MaxValue;

    /// <summary>Most streams of both directions, at least 0.</summary>
    public int MaxStreamCount { get; init => field = NotNegative(value, nameof(MaxStreamCount)); } = int.MaxValue;

    /// <summary>Most streams that the other side opened, at least 0.</summary>
    public int MaxInboundStreamCount { get; init => field = NotNegative(value, nameof(MaxInboundStreamCount)); } = int.MaxValue;

    /// <summary>Most streams that this side opened, at least 0.</summary>
    public int MaxOutboundStreamCount { get; init => field = NotNegative(value, nameof(MaxOutboundStreamCount)); } = int.MaxValue;

    /// <summary>Most sockets, at least 0.</summary>
    public int MaxDescriptorCount { get; init => field = NotNegative(value, nameof(MaxDescriptorCount)); } = int.MaxValue;

    /// <summary>The limit on one resource and the name of its option.</summary>
    internal (long Limit, string Option) Of(ResourceKind resource) => resource switch
    {
        ResourceKind.Memory => (MaxMemorySize, nameof(MaxMemorySize)),
        ResourceKind.Connections => (MaxConnectionCount, nameof(MaxConnectionCount)),
        ResourceKind.InboundConnections => (MaxInboundConnectionCount, nameof(MaxInboundConnectionCount)),
        ResourceKind.OutboundConnections => (MaxOutboundConnectionCount, nameof(MaxOutboundConnectionCount)),
        ResourceKind.Streams => (MaxStreamCount, nameof(MaxStreamCount)),
        ResourceKind.InboundStreams => (MaxInboundStreamCount, nameof(MaxInboundStreamCount)),
        ResourceKind.OutboundStreams => (MaxOutboundStreamCount, nameof(MaxOutboundStreamCount)),
        _ => (MaxDescriptorCount, nameof(MaxDescriptorCount)),
    };

    private static int NotNegative(int value, string name) =>
        value >= 0 ? value : throw new ArgumentOutOfRangeException(name, value, "Must not be negative.");
}
