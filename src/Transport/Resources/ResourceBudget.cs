using System.Diagnostics.CodeAnalysis;
using System.Net;
using Overlay.Transport.Connections;
using Overlay.Transport.Identity;

namespace Overlay.Transport.Resources;

/// <summary>A node's budget: what it spends on connections, streams, memory and sockets, counted in every scope that a claim belongs to.</summary>
/// <remarks>
/// A claim is reserved in all its scopes or in none, before anything is allocated for it, and given back once, when the claim is disposed. The idea of
/// overlapping scopes is that of go-libp2p's resource manager. One gate guards all scopes. It is a leaf: nothing is awaited, called back or logged while it
/// is held, so it may be taken with any other lock held. A scope lives while it holds something, so the tables are as large as what is open.
/// </remarks>
internal sealed class ResourceBudget
{
    // The rule's own limit is asked before there is a scope, so that a refused prefix makes none.
    private static readonly ResourceLimits s_unlimited = new();

    private readonly ResourceOptions _options;
    private readonly TimeProvider _time;
    private readonly long _startedAt;
    private readonly AddressPrefixes _addressPrefixes;
    private readonly InboundRate _rate;
    private readonly RefusalCounts _refusals = new();
    private readonly Dictionary<PeerId, PeerScope> _peers = [];
    private readonly Dictionary<string, ResourceScope> _protocols = new(StringComparer.Ordinal);
    private readonly Dictionary<PrefixKey, ResourceScope> _prefixes = [];

    internal ResourceBudget(ResourceOptions options, TimeProvider time)
    {
        _options = options;
        _time = time;
        _startedAt = time.GetTimestamp();
        _addressPrefixes = new AddressPrefixes(options.PrefixRules);
        _rate = new InboundRate(_addressPrefixes, options.MaxTrackedPrefixCount);
        Node = new ResourceScope(ResourceScopeKind.Node, options.Node);
        Transient = new ResourceScope(ResourceScopeKind.Transient, options.Transient);
    }

    internal Lock Gate { get; } = new();

    internal ResourceScope Node { get; }

    internal ResourceScope Transient { get; }

    /// <summary>Reserves a connection before it is made or upgraded: in the node's, the transient and the address's scopes.</summary>
    /// <param name="direction">Who dialled.</param>
    /// <param name="remote">The other side's address, with no name left to resolve.</param>
    /// <param name="scope">The claim; dispose it when the connection is over.</param>
    /// <param name="refusal">Why there is none.</param>
    internal bool TryOpenConnection(Direction direction, Multiaddr remote, [NotNullWhen(true)] out ConnectionScope? scope, out ResourceRefusal refusal)
    {
        scope = null;
        IPAddress? ip = remote.HostAddress;
        PrefixKey[] prefixes = ip is null ? [] : _addressPrefixes.Find(ip);
        var claim = new ResourceUsage
        {
            MemorySize = _options.ConnectionMemorySize,
            InboundConnectionCount = direction == Direction.Inbound ? 1 : 0,
            OutboundConnectionCount = direction == Direction.Outbound ? 1 : 0,
            DescriptorCount = ip is null ? 0 : 1,
        };
        var own = new ResourceScope(ResourceScopeKind.Connection, _options.Connection);
        lock (Gate)
        {
            bool fits = HasRoomAt(prefixes, direction, claim, out refusal)
                && own.HasRoomFor(claim, out refusal) && Transient.HasRoomFor(claim, out refusal) && Node.HasRoomFor(claim, out refusal);
            if (!fits)
            {
                Refuse(refusal);
                return false;
            }

            foreach (PrefixKey prefix in prefixes) ScopeOf(prefix).Add(claim);
            own.Add(claim);
            Transient.Add(claim);
            Node.Add(claim);
        }

        scope = new ConnectionScope(this, own, prefixes, claim);
        return true;
    }

    /// <summary>Reserves a listener's socket.</summary>
    internal bool TryOpenListener(Multiaddr local, [NotNullWhen(true)] out ListenerScope? scope, out ResourceRefusal refusal)
    {
        var claim = new ResourceUsage { DescriptorCount = local.HostAddress is null ? 0 : 1 };
        lock (Gate)
        {
            if (!Node.HasRoomFor(claim, out refusal))
            {
                Refuse(refusal);
                scope = null;
                return false;
            }

            Node.Add(claim);
        }

        scope = new ListenerScope(this, claim);
        return true;
    }

    internal ResourceSnapshot TakeSnapshot()
    {
        lock (Gate)
        {
            return new ResourceSnapshot
            {
                Node = Node.Usage,
                Transient = Transient.Usage,
                PeerCount = _peers.Count,
                Peers = Largest(_peers.Values.Select(scope => KeyValuePair.Create(scope.Peer, scope.Usage))),
                ProtocolCount = _protocols.Count,
                Protocols = Largest(_protocols.Select(pair => KeyValuePair.Create(pair.Key, pair.Value.Usage))),
                PrefixCount = _prefixes.Count,
                TrackedPrefixCount = _rate.Count,
                Refusals = _refusals.ToList(),
            };
        }
    }

    /// <summary>Counts a refusal. Called with the gate held.</summary>
    internal void Refuse(in ResourceRefusal refusal) => _refusals.Add(refusal);

    /// <summary>A peer's scope, known from now on. Called with the gate held; whoever leaves it empty calls <see cref="ForgetIfEmpty(PeerScope)"/>.</summary>
    internal PeerScope ScopeOf(PeerId peer)
    {
        if (!_peers.TryGetValue(peer, out PeerScope? scope)) _peers.Add(peer, scope = new PeerScope(peer, _options.Peer, _options.TransientPeer));
        return scope;
    }

    internal void ForgetIfEmpty(PeerScope scope)
    {
        if (scope.IsEmpty) _peers.Remove(scope.Peer);
    }

    /// <summary>The two scopes of a protocol. Called with the gate held; <see cref="ForgetIfEmpty(string, PeerScope)"/> follows when they may be empty.</summary>
    internal (ResourceScope Everywhere, ResourceScope WithPeer) ScopesOf(string protocol, PeerScope peer)
    {
        if (!_protocols.TryGetValue(protocol, out ResourceScope? everywhere))
        {
            everywhere = new ResourceScope(ResourceScopeKind.Protocol, _options.Protocols.GetValueOrDefault(protocol, _options.Protocol), protocol);
            _protocols.Add(protocol, everywhere);
        }

        if (!peer.Protocols.TryGetValue(protocol, out ResourceScope? withPeer))
        {
            withPeer = new ResourceScope(ResourceScopeKind.ProtocolPeer, _options.ProtocolPeers.GetValueOrDefault(protocol, _options.ProtocolPeer), protocol);
            peer.Protocols.Add(protocol, withPeer);
        }

        return (everywhere, withPeer);
    }

    internal void ForgetIfEmpty(string protocol, PeerScope peer)
    {
        if (_protocols.TryGetValue(protocol, out ResourceScope? everywhere) && everywhere.IsEmpty) _protocols.Remove(protocol);
        if (peer.Protocols.TryGetValue(protocol, out ResourceScope? withPeer) && withPeer.IsEmpty) peer.Protocols.Remove(protocol);
    }

    /// <summary>Gives a connection's share of its prefixes back. Called with the gate held.</summary>
    internal void Leave(PrefixKey[] prefixes, in ResourceUsage claim)
    {
        foreach (PrefixKey prefix in prefixes)
        {
            ResourceScope scope = _prefixes[prefix];
            scope.Remove(claim);
            if (scope.IsEmpty) _prefixes.Remove(prefix);
        }
    }

    /// <summary>Whether a connection may come from or go to an address. The rate comes first: a flood is turned away without looking further.</summary>
    private bool HasRoomAt(PrefixKey[] prefixes, Direction direction, in ResourceUsage claim, out ResourceRefusal refusal)
    {
        refusal = default;
        if (prefixes.Length == 0) return true;
        if (direction == Direction.Inbound && !_rate.TryTake(prefixes, _time.GetElapsedTime(_startedAt), out PrefixKey refused))
        {
            PrefixRule rule = _addressPrefixes.Rule(refused);
            refusal = new ResourceRefusal(ResourceScopeKind.Prefix, ResourceKind.InboundRate, rule.InboundPerSecond, nameof(PrefixRule.InboundPerSecond))
            { Prefix = (_addressPrefixes, refused) };
            return false;
        }

        foreach (PrefixKey prefix in prefixes)
        {
            int limit = _addressPrefixes.Rule(prefix).MaxConnectionCount;
            int count = _prefixes.TryGetValue(prefix, out ResourceScope? scope) ? scope.Usage.ConnectionCount : 0;
            if (count + claim.ConnectionCount <= limit) continue;
            refusal = new ResourceRefusal(ResourceScopeKind.Prefix, ResourceKind.Connections, limit, nameof(PrefixRule.MaxConnectionCount))
            { Prefix = (_addressPrefixes, prefix) };
            return false;
        }

        return true;
    }

    private ResourceScope ScopeOf(PrefixKey prefix)
    {
        if (!_prefixes.TryGetValue(prefix, out ResourceScope? scope))
            _prefixes.Add(prefix, scope = new ResourceScope(ResourceScopeKind.Prefix, s_unlimited));
        return scope;
    }

    private static KeyValuePair<T, ResourceUsage>[] Largest<T>(IEnumerable<KeyValuePair<T, ResourceUsage>> scopes) =>
        [.. scopes.OrderByDescending(pair => pair.Value.MemorySize).ThenByDescending(pair => pair.Value.StreamCount).Take(ResourceSnapshot.MaxNamedCount)];
}
