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
    private readonly ResourceOptions _options;
    private readonly TimeProvider _time;
    private readonly long _startedAt;
    private readonly AddressPrefixes _addressPrefixes;
    private readonly InboundRate _rate;
    private readonly RefusalCounts _refusals = new();
    private readonly Dictionary<PeerId, PeerScope> _peers = [];
    private readonly Dictionary<string, ResourceScope> _protocols = new(StringComparer.Ordinal);
    private readonly Dictionary<PrefixKey, PrefixScope> _prefixes = [];

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
        PrefixKey[] keys = ip is null ? [] : _addressPrefixes.Find(ip);
        var claim = new ResourceUsage
        {
            MemorySize = _options.ConnectionMemorySize,
            InboundConnectionCount = direction == Direction.Inbound ? 1 : 0,
            OutboundConnectionCount = direction == Direction.Outbound ? 1 : 0,
            DescriptorCount = ip is null ? 0 : 1,
        };
        var own = new ResourceScope(ResourceScopeKind.Connection, _options.Connection);
        PrefixScope[] prefixes = [];
        lock (Gate)
        {
            // The rate comes first: a flood is turned away without looking further.
            bool fits = (direction == Direction.Outbound || IsWithinRate(keys, out refusal))
                && HasRoomFor(claim, prefixes = ScopesOf(keys), isPromise: false, out refusal) && own.HasRoomFor(claim, out refusal)
                && Transient.HasRoomFor(claim, out refusal) && Node.HasRoomFor(claim, out refusal);
            if (!fits)
            {
                Refuse(refusal);
                return false;
            }

            Add(claim, prefixes);
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
                Prefixes = [.. Largest(_prefixes.Values.Select(scope => KeyValuePair.Create(scope.Key, scope.Usage))).Select(pair => KeyValuePair.Create(_addressPrefixes.Print(pair.Key), pair.Value))],
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

    /// <summary>Whether <paramref name="claim"/> fits into all of an address's prefixes. Called with the gate held, as are the next two.</summary>
    /// <param name="claim">What is wanted.</param>
    /// <param name="prefixes">The prefixes.</param>
    /// <param name="isPromise">The memory is only promised, and half is left to what is held: else one long window, never filled, took it all from others behind the address.</param>
    /// <param name="refusal">What does not fit.</param>
    internal bool HasRoomFor(in ResourceUsage claim, PrefixScope[] prefixes, bool isPromise, out ResourceRefusal refusal)
    {
        refusal = default;
        foreach (PrefixScope prefix in prefixes)
        {
            ResourceUsage wanted = isPromise ? claim with { MemorySize = claim.MemorySize + (prefix.MaxMemorySize / 2) } : claim;
            if (prefix.HasRoomFor(wanted, out refusal)) continue;
            refusal = refusal with { Prefix = (_addressPrefixes, prefix.Key) };
            return false;
        }

        return true;
    }

    /// <summary>Adds to all of an address's prefixes, which are known from now on.</summary>
    internal void Add(in ResourceUsage claim, PrefixScope[] prefixes)
    {
        foreach (PrefixScope prefix in prefixes)
        {
            if (prefix.IsEmpty) _prefixes[prefix.Key] = prefix;
            prefix.Add(claim);
        }
    }

    /// <summary>Takes from all of an address's prefixes, and forgets those that hold nothing more.</summary>
    internal void Remove(in ResourceUsage claim, PrefixScope[] prefixes)
    {
        foreach (PrefixScope prefix in prefixes)
        {
            prefix.Remove(claim);
            if (prefix.IsEmpty) _prefixes.Remove(prefix.Key);
        }
    }

    private bool IsWithinRate(PrefixKey[] keys, out ResourceRefusal refusal)
    {
        refusal = default;
        if (keys.Length == 0 || _rate.TryTake(keys, _time.GetElapsedTime(_startedAt), out PrefixKey refused)) return true;
        refusal = new ResourceRefusal(ResourceScopeKind.Prefix, ResourceKind.InboundRate, _addressPrefixes.Rule(refused).InboundPerSecond, nameof(PrefixRule.InboundPerSecond))
        {
            Prefix = (_addressPrefixes, refused),
        };
        return false;
    }

    // Not in the table before something is held: a prefix that is refused leaves nothing behind.
    private PrefixScope[] ScopesOf(PrefixKey[] keys)
    {
        if (keys.Length == 0) return [];
        var scopes = new PrefixScope[keys.Length];
        for (int i = 0; i < keys.Length; i++) scopes[i] = _prefixes.GetValueOrDefault(keys[i]) ?? new PrefixScope(keys[i], _addressPrefixes.Rule(keys[i]).Limits);
        return scopes;
    }

    private static KeyValuePair<T, ResourceUsage>[] Largest<T>(IEnumerable<KeyValuePair<T, ResourceUsage>> scopes) =>
        [.. scopes.OrderByDescending(pair => pair.Value.MemorySize).ThenByDescending(pair => pair.Value.StreamCount).Take(ResourceSnapshot.MaxNamedCount)];
}
