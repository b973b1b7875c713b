namespace Overlay.Transport.Resources;

/// <summary>What a scope holds at one moment.</summary>
public readonly record struct ResourceUsage
{
    /// <summary>Memory, in bytes: what connections, their buffers and their grown windows were charged with.</summary>
    public long MemorySize { get; init; }

    /// <summary>Connections that the other side opened.</summary>
    public int InboundConnectionCount { get; init; }

    /// <summary>Connections that this side opened.</summary>
    public int OutboundConnectionCount { get; init; }

    /// <summary>Streams that the other side opened.</summary>
    public int InboundStreamCount { get; init; }

    /// <summary>Streams that this side opened.</summary>
    public int OutboundStreamCount { get; init; }

    /// <summary>Sockets.</summary>
    public int DescriptorCount { get; init; }

    /// <summary>Connections of both directions.</summary>
    public int ConnectionCount => InboundConnectionCount + OutboundConnectionCount;

    /// <summary>Streams of both directions.</summary>
    public int StreamCount => InboundStreamCount + OutboundStreamCount;

    internal ResourceUsage Plus(in ResourceUsage other) => new()
    {
        MemorySize = MemorySize + other.MemorySize,
        InboundConnectionCount = InboundConnectionCount + other.InboundConnectionCount,
        OutboundConnectionCount = OutboundConnectionCount + other.OutboundConnectionCount,
        InboundStreamCount = InboundStreamCount + other.InboundStreamCount,
        OutboundStreamCount = OutboundStreamCount + other.OutboundStreamCount,
        DescriptorCount = DescriptorCount + other.DescriptorCount,
    };

    internal ResourceUsage Minus(in ResourceUsage other) => new()
    {
        MemorySize = MemorySize - other.MemorySize,
        InboundConnectionCount = InboundConnectionCount - other.InboundConnectionCount,
        OutboundConnectionCount = OutboundConnectionCount - other.OutboundConnectionCount,
        InboundStreamCount = InboundStreamCount - other.InboundStreamCount,
        OutboundStreamCount = OutboundStreamCount - other.OutboundStreamCount,
        DescriptorCount = DescriptorCount - other.DescriptorCount,
    };
}
