using System.Collections.Frozen;

namespace Overlay.Transport.Resources;

/// <summary>What a node may spend on its peers. Immutable; change with <c>with</c>.</summary>
/// <remarks>
/// Everything is reserved before it is used, in every scope that it counts for, or in none. The defaults are those of a node embedded in an application:
/// 128 connections, 2,048 streams, 128 MiB and 256 sockets, as go-libp2p's base limits (its resource manager's limit_defaults.go), from which the other
/// figures follow where nothing else is said.
/// </remarks>
public sealed record ResourceOptions
{
    /// <summary>The whole node: 128 connections, 2,048 streams, 128 MiB, 256 sockets. A quarter of connections and streams is kept for what this side opens itself.</summary>
    public ResourceLimits Node { get; init => field = NotNull(value, nameof(Node)); } = new()
    {
        MaxMemorySize = 128L << 20,
        MaxConnectionCount = 128,
        MaxInboundConnectionCount = 96,
        MaxOutboundConnectionCount = 128,
        MaxStreamCount = 2048,
        MaxInboundStreamCount = 1536,
        MaxOutboundStreamCount = 2048,
        MaxDescriptorCount = 256,
    };

    /// <summary>All connections whose handshake is not done: 64, of which 48 inbound, with 16 MiB and 64 sockets; and 1,024 inbound streams whose protocol is not agreed on.</summary>
    public ResourceLimits Transient { get; init => field = NotNull(value, nameof(Transient)); } = new()
    {
        MaxMemorySize = 16L << 20,
        MaxConnectionCount = 64,
        MaxInboundConnectionCount = 48,
        MaxOutboundConnectionCount = 64,
        MaxStreamCount = 1024,
        MaxDescriptorCount = 64,
    };

    /// <summary>One peer's inbound streams whose protocol is not agreed on: 256, a quarter of all such, so that who opens streams and leaves them so takes only his own.</summary>
    public ResourceLimits TransientPeer { get; init => field = NotNull(value, nameof(TransientPeer)); } = new() { MaxStreamCount = 256 };

    /// <summary>One peer over all its connections: 8 connections, 1,024 streams, 64 MiB, 8 sockets. Half the node's streams and memory at most.</summary>
    public ResourceLimits Peer { get; init => field = NotNull(value, nameof(Peer)); } = new()
    {
        MaxMemorySize = 64L << 20,
        MaxConnectionCount = 8,
        MaxStreamCount = 1024,
        MaxDescriptorCount = 8,
    };

    /// <summary>One connection: 1,024 streams and 64 MiB. The muxer's own limit of 1,000 streams a direction is the narrower one.</summary>
    public ResourceLimits Connection { get; init => field = NotNull(value, nameof(Connection)); } = new()
    {
        MaxMemorySize = 64L << 20,
        MaxStreamCount = 1024,
    };

    /// <summary>Streams of one protocol, over all peers: 2,048, of which 1,024 inbound.</summary>
    public ResourceLimits Protocol { get; init => field = NotNull(value, nameof(Protocol)); } = new() { MaxStreamCount = 2048, MaxInboundStreamCount = 1024 };

    /// <summary>Streams of one protocol with one peer: 512, of which 256 inbound, a quarter of the protocol's and of a peer's: one peer leaves room for others, and one protocol too.</summary>
    public ResourceLimits ProtocolPeer { get; init => field = NotNull(value, nameof(ProtocolPeer)); } = new() { MaxStreamCount = 512, MaxInboundStreamCount = 256 };

    /// <summary>Limits of single protocols over all peers, by id, in place of <see cref="Protocol"/>. None.</summary>
    public IReadOnlyDictionary<string, ResourceLimits> Protocols
    {
        get;
        init => field = NotNull(value, nameof(Protocols)).ToFrozenDictionary(pair => pair.Key, pair => NotNull(pair.Value, nameof(Protocols)), StringComparer.Ordinal);
    } = FrozenDictionary<string, ResourceLimits>.Empty;

    /// <summary>Limits of single protocols with one peer, by id, in place of <see cref="ProtocolPeer"/>. None.</summary>
    public IReadOnlyDictionary<string, ResourceLimits> ProtocolPeers
    {
        get;
        init => field = NotNull(value, nameof(ProtocolPeers)).ToFrozenDictionary(pair => pair.Key, pair => NotNull(pair.Value, nameof(ProtocolPeers)), StringComparer.Ordinal);
    } = FrozenDictionary<string, ResourceLimits>.Empty;

    /// <summary>Limits by network address: <see cref="PrefixRule.General"/> and <see cref="PrefixRule.LoopbackExempt"/>. Addresses that are no IP address have none.</summary>
    public IReadOnlyList<PrefixRule> PrefixRules
    {
        get;
        init => field = [.. NotNull(value, nameof(PrefixRules)).Select(rule => NotNull(rule, nameof(PrefixRules)))];
    } = [.. PrefixRule.General, .. PrefixRule.LoopbackExempt];

    /// <summary>Prefixes whose rate of inbound connections is remembered; beyond, the one unheard of for longest is forgotten. 4,096, some 400 KiB.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The value is below 1.</exception>
    public int MaxTrackedPrefixCount
    {
        get;
        init
        {
            ArgumentOutOfRangeException.ThrowIfLessThan(value, 1, nameof(MaxTrackedPrefixCount));
            field = value;
        }
    } = 4096;

    /// <summary>Memory that each connection is charged with while it stands, in bytes. 16 KiB, what an idle one may take at most.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The value is negative.</exception>
    public int ConnectionMemorySize
    {
        get;
        init
        {
            ArgumentOutOfRangeException.ThrowIfNegative(value, nameof(ConnectionMemorySize));
            field = value;
        }
    } = 16 << 10;

    private static T NotNull<T>(T? value, string name)
        where T : class => value ?? throw new ArgumentNullException(name);
}
