using Overlay.Transport.Identity;

namespace Overlay.Transport.Resources;

/// <summary>What one scope holds and may hold. Guarded by the <see cref="ResourceBudget"/>'s gate.</summary>
internal class ResourceScope(ResourceScopeKind kind, ResourceLimits limits, string? protocol = null)
{
    private ResourceUsage _usage;

    /// <summary>What it holds.</summary>
    internal ResourceUsage Usage => _usage;

    /// <summary>Nothing is held, so the scope may be forgotten.</summary>
    internal bool IsEmpty => _usage == default;

    /// <summary>Whether <paramref name="more"/> fits; if not, <paramref name="refusal"/> says what does not.</summary>
    internal bool HasRoomFor(in ResourceUsage more, out ResourceRefusal refusal)
    {
        ResourceKind excess = FindExcess(more);
        if (excess == default)
        {
            refusal = default;
            return true;
        }

        (long limit, string option) = limits.Of(excess);
        refusal = new ResourceRefusal(kind, excess, limit, option, protocol);
        return false;
    }

    internal void Add(in ResourceUsage more) => _usage = _usage.Plus(more);

    internal void Remove(in ResourceUsage less) => _usage = _usage.Minus(less);

    // Only what grows is looked at: a scope over its limit (there is none) would still let go.
    private ResourceKind FindExcess(in ResourceUsage more)
    {
        ResourceUsage sum = _usage.Plus(more);
        if (more.MemorySize > 0 && sum.MemorySize > limits.MaxMemorySize) return ResourceKind.Memory;
        if (more.InboundConnectionCount > 0 && sum.InboundConnectionCount > limits.MaxInboundConnectionCount) return ResourceKind.InboundConnections;
        if (more.OutboundConnectionCount > 0 && sum.OutboundConnectionCount > limits.MaxOutboundConnectionCount) return ResourceKind.OutboundConnections;
        if (more.ConnectionCount > 0 && sum.ConnectionCount > limits.MaxConnectionCount) return ResourceKind.Connections;
        if (more.InboundStreamCount > 0 && sum.InboundStreamCount > limits.MaxInboundStreamCount) return ResourceKind.InboundStreams;
        if (more.OutboundStreamCount > 0 && sum.OutboundStreamCount > limits.MaxOutboundStreamCount) return ResourceKind.OutboundStreams;
        if (more.StreamCount > 0 && sum.StreamCount > limits.MaxStreamCount) return ResourceKind.Streams;
        if (more.DescriptorCount > 0 && sum.DescriptorCount > limits.MaxDescriptorCount) return ResourceKind.Descriptors;
        return default;
    }
}

/// <summary>The scope of the addresses that share a prefix. Guarded by the budget's gate; known to the budget while it holds anything.</summary>
internal sealed class PrefixScope(PrefixKey key, ResourceLimits limits) : ResourceScope(ResourceScopeKind.Prefix, limits)
{
    internal PrefixKey Key => key;

    internal long MaxMemorySize { get; } = limits.MaxMemorySize;
}

/// <summary>A peer's scope, and those of its protocols. Guarded by the budget's gate; known to the budget while it holds anything.</summary>
internal sealed class PeerScope(PeerId peer, ResourceLimits limits, ResourceLimits transient) : ResourceScope(ResourceScopeKind.Peer, limits)
{
    internal PeerId Peer => peer;

    /// <summary>The peer's inbound streams whose protocol is not agreed on.</summary>
    internal ResourceScope Transient { get; } = new(ResourceScopeKind.TransientPeer, transient);

    /// <summary>The protocols that have streams with this peer.</summary>
    internal Dictionary<string, ResourceScope> Protocols { get; } = new(StringComparer.Ordinal);
}
