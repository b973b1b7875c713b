using Overlay.Transport.Identity;

namespace Overlay.Transport.Resources;

/// <summary>What a node's scopes hold at one moment, and what was refused since it began.</summary>
public sealed record ResourceSnapshot
{
    /// <summary>Most peers, protocols and prefixes that a snapshot names.</summary>
    public const int MaxNamedCount = 16;

    /// <summary>The whole node.</summary>
    public required ResourceUsage Node { get; init; }

    /// <summary>Connections in their handshake, and inbound streams without a protocol.</summary>
    public required ResourceUsage Transient { get; init; }

    /// <summary>How many peers hold anything.</summary>
    public required int PeerCount { get; init; }

    /// <summary>The peers that hold most memory, and streams where that is equal; most first.</summary>
    public required IReadOnlyList<KeyValuePair<PeerId, ResourceUsage>> Peers { get; init; }

    /// <summary>How many protocols have streams.</summary>
    public required int ProtocolCount { get; init; }

    /// <summary>The protocols that have most streams, over all peers; most first.</summary>
    public required IReadOnlyList<KeyValuePair<string, ResourceUsage>> Protocols { get; init; }

    /// <summary>How many limited prefixes of addresses hold anything.</summary>
    public required int PrefixCount { get; init; }

    /// <summary>The limited prefixes whose connections hold most memory, and streams where that is equal, such as <c>2001:db8::/56</c>; most first.</summary>
    public required IReadOnlyList<KeyValuePair<string, ResourceUsage>> Prefixes { get; init; }

    /// <summary>How many limited prefixes' rates of inbound connections are remembered.</summary>
    public required int TrackedPrefixCount { get; init; }

    /// <summary>What was refused since the node began; only what happened at all.</summary>
    public required IReadOnlyList<RefusalCount> Refusals { get; init; }
}

/// <summary>How often a scope had no room for a resource.</summary>
/// <param name="Scope">Whose budget was used up.</param>
/// <param name="Resource">What there was no room for.</param>
/// <param name="Count">How often, since the node began.</param>
public readonly record struct RefusalCount(ResourceScopeKind Scope, ResourceKind Resource, long Count);
