using Overlay.Discovery.Addresses;
using Overlay.Discovery.Kademlia.Lookups;
using Overlay.Discovery.Kademlia.Records;
using Overlay.Discovery.Kademlia.Stores;
using Overlay.Discovery.Kademlia.Tables;
using Overlay.Transport.Identity;

namespace Overlay.Discovery.Kademlia;

/// <summary>One node of the DHT as a state machine: time, requests and answers go in, actions come out. No I/O, no clock, no thread of its own.</summary>
/// <remarks>
/// Not safe on several threads; whoever runs it holds a lock. Time is what has passed since the node was made. Split by task: this file holds the state and
/// what callers want, <c>KademliaNode.Driving.cs</c> moves operations on, <c>KademliaNode.Serving.cs</c> answers others, <c>KademliaNode.Keeping.cs</c>
/// keeps table and records.
/// </remarks>
internal sealed partial class KademliaNode
{
    private readonly KademliaOptions _options;
    private readonly AddressPolicy _policy;
    private readonly Random _random;
    private readonly DateTimeOffset _startedAt;
    private readonly Queue<KademliaAction> _actions = new();
    private readonly HashSet<Operation> _operations = [];
    private IReadOnlyList<Multiaddr>? _movedTo;

    /// <summary>Makes a node that knows nobody.</summary>
    /// <param name="self">This node's name, and the addresses that others can dial.</param>
    /// <param name="options">Limits, deadlines and intervals.</param>
    /// <param name="random">Chooses what others must not foresee; a seeded one for a simulation.</param>
    /// <param name="startedAt">The date at time zero, for the dates in records.</param>
    internal KademliaNode(Contact self, KademliaOptions options, Random random, DateTimeOffset startedAt)
    {
        Self = self;
        _options = options;
        _policy = new AddressPolicy(options);
        _random = random;
        _startedAt = startedAt;
        _vainChecks = new Backoff(options.CheckBackoff, random, MaxVainChecks);
        Table = new RoutingTable(self.Key, options);
        Values = new ValueStore(self.Key, options);
        Providers = new ProviderStore(self.Key, options);
        Rules = new RecordRules(options);
    }

    /// <summary>This node as it names itself to others. Its addresses may change, its name not.</summary>
    internal Contact Self { get; private set; }

    internal RoutingTable Table { get; }

    internal ValueStore Values { get; }

    internal ProviderStore Providers { get; }

    internal PeerStandings Standings { get; } = new();

    internal NetworkSize Size { get; } = new();

    internal RecordRules Rules { get; }

    /// <summary>Whether others may ask this node.</summary>
    internal bool IsServer => _options.Mode == KademliaMode.Server;

    internal bool TryTakeAction([System.Diagnostics.CodeAnalysis.NotNullWhen(true)] out KademliaAction? action) => _actions.TryDequeue(out action);

    internal void Tell(KademliaAction action) => _actions.Enqueue(action);

    /// <summary>Takes note of the addresses at which others can dial this node. Where they are others than before, what it provides is announced anew at
    /// the next upkeep.</summary>
    internal void MoveTo(IReadOnlyList<Multiaddr> addresses)
    {
        if (ReferenceEquals(addresses, _movedTo)) return;
        _movedTo = addresses;
        IReadOnlyList<Multiaddr> dialable = _policy.Dialable(addresses);
        if (dialable.SequenceEqual(Self.Addresses)) return;
        Self = new Contact(Self.Id, dialable);
        if (dialable.Count == 0) return;
        foreach (Key place in _provided.Keys.ToArray()) _provided[place] = _provided[place] with { DueAt = TimeSpan.Zero };
    }

    /// <summary>Begins to look for the peers nearest to a key.</summary>
    internal ClosestOperation FindClosest(ReadOnlyMemory<byte> key, TimeSpan now) => Begin(new ClosestOperation(key, now + _options.LookupTimeout), now);

    /// <summary>Begins to look for a peer's addresses.</summary>
    internal PeerOperation FindPeer(PeerId peer, TimeSpan now)
    {
        var operation = new PeerOperation(peer, now + _options.LookupTimeout);
        if (Table.Find(operation.Target) is { } entry) operation.Add(entry.Contact.Addresses);
        return Begin(operation, now);
    }

    /// <summary>Begins to read a value.</summary>
    internal GetValueOperation GetValue(ReadOnlyMemory<byte> key, int quorum, TimeSpan now)
    {
        var operation = new GetValueOperation(key, quorum, now + _options.LookupTimeout);
        if (Values.Find(operation.Target, now) is { } own) operation.TakeOwn(own);
        return Begin(operation, now);
    }

    /// <summary>Begins to store a value, and goes on to store it anew until told to forget it.</summary>
    internal PutValueOperation PutValue(ReadOnlyMemory<byte> key, ReadOnlyMemory<byte> value, TimeSpan now)
    {
        var record = new KademliaRecord(key, value, Date(now));
        _published[Key.Of(key.Span)] = (record, now + _options.RepublishInterval);
        return Begin(new PutValueOperation(record, now + _options.LookupTimeout), now);
    }

    /// <summary>Begins to announce this node as provider of a key, and goes on to announce it anew until told to stop.</summary>
    internal ProvideOperation Provide(ReadOnlyMemory<byte> key, TimeSpan now)
    {
        _provided[Key.Of(key.Span)] = (key, now + _options.RepublishInterval);
        return Begin(new ProvideOperation(key, now + _options.LookupTimeout), now);
    }

    /// <summary>No longer stores a value anew.</summary>
    internal void Forget(ReadOnlySpan<byte> key) => _published.Remove(Key.Of(key));

    /// <summary>No longer announces this node as provider of a key. Others forget it when their records expire.</summary>
    /// <returns>Whether it was announced.</returns>
    internal bool StopProviding(ReadOnlySpan<byte> key) => _provided.Remove(Key.Of(key));

    /// <summary>Begins to look for the providers of a key.</summary>
    internal ProvidersOperation FindProviders(ReadOnlyMemory<byte> key, int limit, TimeSpan now)
    {
        var operation = new ProvidersOperation(key, limit, now + _options.LookupTimeout);
        foreach (Contact provider in Providers.Find(operation.Target, _options.MaxProvidersPerKey, now)) operation.Found(provider, this);
        return Begin(operation, now);
    }

    /// <summary>Ends an operation that nobody waits for any more.</summary>
    internal void Cancel(Operation operation, TimeSpan now) => End(operation, now);

    /// <summary>A peer as others may be told of it: its dialable addresses alone.</summary>
    internal Contact Sanitize(Contact peer)
    {
        IReadOnlyList<Multiaddr> dialable = _policy.Dialable(peer.Addresses);
        return ReferenceEquals(dialable, peer.Addresses) ? peer : new Contact(peer.Id, dialable);
    }

    /// <summary>The peers that a record is stored on: the nearest, or in a crowded neighbourhood everybody in the region.</summary>
    internal static IEnumerable<Contact> StoreTargets(Operation operation)
    {
        IEnumerable<Contact> nearest = operation.Closest.Select(peer => peer.Contact);
        return operation.Region is { } region ? nearest.Concat(region.Members).DistinctBy(peer => peer.Key) : nearest;
    }

    private string Date(TimeSpan now) => (_startedAt + now).UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss.fff'Z'", System.Globalization.CultureInfo.InvariantCulture);

    private T Begin<T>(T operation, TimeSpan now)
        where T : Operation
    {
        _operations.Add(operation);
        StartLookup(operation, operation.Target, now);
        At(operation.Deadline, new Timer(TimerKind.Operation, 0, operation));
        Drive(operation, now);
        return operation;
    }
}
