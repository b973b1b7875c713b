using Overlay.Discovery.Kademlia;
using Overlay.Discovery.Kademlia.Lookups;
using Overlay.Discovery.Kademlia.Wire;
using Overlay.Transport.Identity;

namespace Overlay.Simulation.Tests.Network;

/// <summary>Many nodes, one clock, one queue of events, one seed: the real state machines with nothing but messages and time between them.</summary>
internal sealed class SimulatedNetwork
{
    // The first honest servers, which everybody has heard of and which stay, as the list that a program is delivered with.
    private const int FounderCount = 5;

    private readonly SimulationOptions _options;
    private readonly Random _random;
    private readonly PriorityQueue<Action, (TimeSpan At, long Order)> _events = new();
    private readonly Dictionary<PeerId, SimulatedPeer> _byId = [];
    private readonly Dictionary<Operation, Action<Operation>> _waiting = [];
    private readonly List<SimulatedPeer> _peers = [];
    private readonly List<SimulatedPeer> _online = [];
    private long _lastEvent;

    internal SimulatedNetwork(SimulationOptions options)
    {
        _options = options;
        _random = new Random(options.Seed);
    }

    internal TimeSpan Now { get; private set; }

    internal Random Random => _random;

    /// <summary>Everybody who ever was, in the order of joining.</summary>
    internal IReadOnlyList<SimulatedPeer> Peers => _peers;

    internal IReadOnlyList<SimulatedPeer> Online => _online;

    /// <summary>Requests sent.</summary>
    internal long Messages { get; private set; }

    /// <summary>Connections made.</summary>
    internal long Dials { get; private set; }

    /// <summary>Told of every provider that an operation finds.</summary>
    internal Action<ProviderFound>? ProviderFound { get; set; }

    /// <summary>Told of every request that leaves, and by whom it is sent.</summary>
    internal Action<SimulatedPeer, KademliaMessage>? RequestSent { get; set; }

    /// <summary>Adds a peer, which begins to join through two of the founders and one other.</summary>
    /// <param name="isNatted">Whether nobody can dial it.</param>
    /// <param name="misbehaviour">What answers in its stead.</param>
    /// <param name="id">Its name; a random one where null.</param>
    /// <param name="ip">Its IPv4 address; a random public one where 0.</param>
    internal SimulatedPeer Join(bool isNatted = false, IMisbehaviour? misbehaviour = null, PeerId? id = null, uint ip = 0)
    {
        id ??= RandomId();
        uint address = ip != 0 ? ip : RandomAddress();
        var contact = new Contact(id, isNatted ? [] : [Multiaddr.Parse($"/ip4/{address >> 24}.{(address >> 16) & 255}.{(address >> 8) & 255}.{address & 255}/tcp/4001")]);
        KademliaOptions options = isNatted ? _options.Kademlia with { Mode = KademliaMode.Client } : _options.Kademlia;
        var node = new KademliaNode(contact, options, new Random(_random.Next()), new DateTimeOffset(2026, 1, 1, 0, 0, 0, TimeSpan.Zero) + Now);
        // A node's time begins with it.
        var peer = new SimulatedPeer(_peers.Count, contact, node, isNatted) { JoinedAt = Now, Misbehaviour = misbehaviour };
        SimulatedPeer?[] known = [Founder(), Founder(), RandomServer()];
        Contact[] bootstrap = [.. known.OfType<SimulatedPeer>().Distinct().Select(one => one.Contact)];
        _peers.Add(peer);
        _online.Add(peer);
        _byId.Add(id, peer);
        node.Start(bootstrap, TimeSpan.Zero);
        Settle(peer);
        return peer;
    }

    /// <summary>Ends a peer without a word; founders stay.</summary>
    internal void Leave(SimulatedPeer peer)
    {
        if (!peer.IsOnline || peer.Number < FounderCount) return;
        peer.IsOnline = false;
        _online.Remove(peer);
    }

    internal SimulatedPeer? Find(PeerId id) => _byId.GetValueOrDefault(id);

    internal SimulatedPeer RandomOnline() => _online[_random.Next(_online.Count)];

    /// <summary>A random honest server.</summary>
    internal SimulatedPeer? RandomHonest()
    {
        for (int i = 0; i < 1000 && _online.Count != 0; i++)
            if (RandomOnline() is { IsNatted: false, Misbehaviour: null } peer) return peer;
        return null;
    }

    /// <summary>Runs an operation on a peer.</summary>
    internal void Start<T>(SimulatedPeer peer, Func<KademliaNode, TimeSpan, T> begin, Action<T> ended)
        where T : Operation
    {
        T operation = begin(peer.Node, TimeOf(peer));
        _waiting.Add(operation, over => ended((T)over));
        Settle(peer);
    }

    /// <summary>Does something later.</summary>
    internal void After(TimeSpan delay, Action action) => _events.Enqueue(action, (Now + delay, ++_lastEvent));

    /// <summary>Lets time pass.</summary>
    internal void Run(TimeSpan duration)
    {
        TimeSpan end = Now + duration;
        while (_events.TryPeek(out Action? next, out (TimeSpan At, long Order) due) && due.At <= end)
        {
            _events.Dequeue();
            Now = due.At;
            next();
        }

        Now = end;
    }

    /// <summary>Lets time pass until it is so, or the limit is reached.</summary>
    internal bool RunUntil(Func<bool> condition, TimeSpan limit)
    {
        TimeSpan end = Now + limit;
        while (!condition())
        {
            if (!_events.TryDequeue(out Action? next, out (TimeSpan At, long Order) due) || due.At > end) return false;
            Now = due.At;
            next();
        }

        return true;
    }

    internal PeerId RandomId()
    {
        Span<byte> bytes = stackalloc byte[34];
        _random.NextBytes(bytes);
        (bytes[0], bytes[1]) = (0x12, 32);
        Assert.True(PeerId.TryFromBytes(bytes, out PeerId? id));
        return id;
    }

    private SimulatedPeer? Founder() => _peers.Count == 0 ? null : _peers[_random.Next(Math.Min(FounderCount, _peers.Count))];

    private SimulatedPeer? RandomServer()
    {
        for (int i = 0; i < 100 && _online.Count != 0; i++)
            if (RandomOnline() is { IsNatted: false } peer) return peer;
        return null;
    }

    private uint RandomAddress()
    {
        // 20.0.0.0 to 99.255.255.255 are public but for one block.
        uint address;
        do address = (uint)_random.Next(20, 100) << 24 | (uint)_random.Next(1 << 24);
        while (address >> 22 == (100u << 24 | 64 << 16) >> 22);
        return address;
    }

    private TimeSpan TimeOf(SimulatedPeer peer) => Now - peer.JoinedAt;

    private TimeSpan Latency(SimulatedPeer one, SimulatedPeer other)
    {
        TimeSpan latency = Link(one, other);
        return _options.Loss > 0 && _random.NextDouble() < _options.Loss ? latency + TimeSpan.FromMilliseconds(300) : latency;
    }

    private TimeSpan Link(SimulatedPeer one, SimulatedPeer other)
    {
        // The same for a pair at all times and both ways, without a table of pairs.
        uint low = (uint)Math.Min(one.Number, other.Number), high = (uint)Math.Max(one.Number, other.Number);
        ulong mixed = ((ulong)high << 32 | low) * 0x9E37_79B9_7F4A_7C15;
        double share = ((mixed >> 20) & 0xFFFFF) / (double)0x100000;
        return _options.MinLatency + ((_options.MaxLatency - _options.MinLatency) * share);
    }

    private void Settle(SimulatedPeer peer)
    {
        while (peer.Node.TryTakeAction(out KademliaAction? action))
        {
            switch (action)
            {
                case SendRequest send:
                    Send(peer, send);
                    break;
                case OperationEnded over when _waiting.Remove(over.Operation, out Action<Operation>? ended):
                    ended(over.Operation);
                    break;
                case ProviderFound found:
                    ProviderFound?.Invoke(found);
                    break;
            }
        }

        TimeSpan next = peer.Node.NextTick;
        if (next == TimeSpan.MaxValue || !peer.IsOnline) return;
        TimeSpan at = peer.JoinedAt + next;
        if (at >= peer.WakesAt && peer.WakesAt > Now) return;
        peer.WakesAt = at;
        _events.Enqueue(() => Wake(peer, at), (at < Now ? Now : at, ++_lastEvent));
    }

    private void Wake(SimulatedPeer peer, TimeSpan at)
    {
        if (!peer.IsOnline || peer.WakesAt != at) return;
        peer.WakesAt = TimeSpan.MaxValue;
        peer.Node.Tick(TimeOf(peer));
        Settle(peer);
    }

    private void Send(SimulatedPeer from, SendRequest send)
    {
        Messages++;
        RequestSent?.Invoke(from, send.Message);
        from.BytesSent += MessageSizes.Of(send.Message) + (MessageSizes.Exchange / 2);
        // A false address leads nowhere, whoever is said to be there.
        if (_byId.GetValueOrDefault(send.Peer.Id) is not { IsOnline: true, IsNatted: false } to || !send.Peer.Addresses.Contains(to.Address))
        {
            if (_byId.GetValueOrDefault(send.Peer.Id) is null) After(2 * _options.MaxLatency, () => Fail(from, send.Id));
            return;
        }

        TimeSpan latency = Latency(from, to);
        bool isConnected = from.Connect(to, Now) && !send.IsFreshDial;
        if (!isConnected)
        {
            Dials++;
            from.BytesSent += MessageSizes.Connection;
        }

        // A new connection takes two round trips before the request can leave.
        After(isConnected ? latency : latency + (4 * Link(from, to)), () => Arrive(from, to, send));
    }

    private void Arrive(SimulatedPeer from, SimulatedPeer to, SendRequest send)
    {
        if (!to.IsOnline || !from.IsOnline) return;
        var origin = new RequestOrigin(from.Contact, !from.IsNatted, from.Address);
        to.RequestsServed++;
        KademliaMessage? answer;
        if (to.Misbehaviour is { } misbehaviour) answer = misbehaviour.Answer(to, origin, Carry(send.Message), TimeOf(to));
        else if (!to.Node.TryServe(origin, Carry(send.Message), TimeOf(to), out answer))
        {
            After(Latency(from, to), () => Fail(from, send.Id, RequestFailure.Refused));
            return;
        }

        Settle(to);
        if (answer is null && send.ExpectsAnswer) return;
        if (answer is not null) to.BytesSent += MessageSizes.Of(answer) + (MessageSizes.Exchange / 2);
        After(Latency(from, to), () =>
        {
            if (!from.IsOnline) return;
            from.Node.Answered(send.Id, answer is null ? null : Carry(answer), new PeerReach(to.Address, to.Contact.Addresses), TimeOf(from));
            Settle(from);
        });
    }

    private void Fail(SimulatedPeer from, long id, RequestFailure reason = RequestFailure.Peer)
    {
        if (!from.IsOnline) return;
        from.Node.Failed(id, reason, TimeOf(from));
        Settle(from);
    }

    private KademliaMessage Carry(KademliaMessage message)
    {
        if (!_options.Encodes) return message;
        Assert.True(KademliaCodec.TryDecode(KademliaCodec.Encode(message), _options.Kademlia, out KademliaMessage? carried));
        return carried;
    }
}
