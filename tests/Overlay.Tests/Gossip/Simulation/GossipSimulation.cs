using System.Buffers.Binary;
using Overlay.Gossip;
using Overlay.Gossip.Messages;
using Overlay.Gossip.Routing;
using Overlay.Gossip.Wire;
using Overlay.Transport.Identity;

namespace Overlay.Tests.Gossip.Simulation;

/// <summary>Many routers, joined by links with delays, on a clock that jumps from event to event. One seed is one run.</summary>
/// <remarks>Messages are unsigned and named by their content: what is simulated is who gets what and when, not the cryptography.</remarks>
internal sealed class GossipSimulation
{
    internal const string Topic = "simulation";

    // IPv4 and TCP with timestamps, Noise's length and tag, Yamux's header; and as much again as TCP's acknowledgement.
    private const int Envelope = 52 + 18 + 12 + 52;

    private readonly PriorityQueue<Event, (TimeSpan At, long Number)> _events = new();
    private readonly Random _random;
    private readonly GossipOptions _options;
    private readonly MessageSigner _maker = new(null!, GossipSigning.StrictNoSign, 0);
    private readonly List<SimulatedNode> _nodes = [];
    private readonly Dictionary<PeerId, SimulatedNode> _byId = [];
    private readonly RpcEncoder _encoder = new();
    private long _number;
    private int _lastMessage;

    /// <summary>What nodes make of a message before they deliver it and pass it on; they accept all where null.</summary>
    internal Func<SimulatedNode, PendingMessage, GossipVerdict>? Judge { get; init; }

    /// <summary>What a link takes one way, at the least and more by up to the spread: 40 ms and 20 ms.</summary>
    internal TimeSpan LinkDelay { get; init; } = TimeSpan.FromMilliseconds(40);

    /// <summary>See <see cref="LinkDelay"/>.</summary>
    internal TimeSpan LinkSpread { get; init; } = TimeSpan.FromMilliseconds(20);

    internal GossipSimulation(int seed, GossipOptions options)
    {
        _random = new Random(seed);
        _options = options with { Signing = GossipSigning.StrictNoSign, MessageIds = GossipMessageIds.Content };
    }

    internal TimeSpan Now { get; private set; }

    /// <summary>What all have sent, with what TCP over IPv4, Noise and Yamux put around each RPC.</summary>
    internal long BytesSent { get; private set; }

    internal IReadOnlyList<SimulatedNode> Nodes => _nodes;

    /// <summary>Adds a node that beats at a moment of its own in each interval.</summary>
    /// <param name="isSybil">Whether it takes part in everything and passes nothing on.</param>
    /// <param name="address">What others count it under.</param>
    /// <param name="topic">What it takes the messages of; none where null.</param>
    internal SimulatedNode AddNode(bool isSybil = false, string? address = null, string? topic = Topic)
    {
        byte[] id = [0x12, 32, .. new byte[32]];
        _random.NextBytes(id.AsSpan(2));
        PeerId.TryFromBytes(id, out PeerId? peerId);
        var node = new SimulatedNode(peerId!, new GossipRouter(_options, peerId!, new Random(_random.Next())), isSybil, address);
        _nodes.Add(node);
        _byId.Add(peerId!, node);
        Schedule(_random.NextDouble() * _options.HeartbeatInterval, new Event(EventKind.Heartbeat, node));
        if (topic is not null) node.Router.Join(Now, topic);
        return node;
    }

    /// <summary>Joins two nodes; false when they are.</summary>
    internal bool Connect(SimulatedNode dialler, SimulatedNode listener)
    {
        if (dialler == listener || dialler.Delays.ContainsKey(listener)) return false;
        TimeSpan delay = LinkDelay + (LinkSpread * _random.NextDouble());
        dialler.Delays.Add(listener, delay);
        listener.Delays.Add(dialler, delay);
        dialler.Peers.Add(listener, dialler.Router.AddPeer(Now, listener.Id, GossipVersion.V12, isOutbound: true, listener.Address)!);
        listener.Peers.Add(dialler, listener.Router.AddPeer(Now, dialler.Id, GossipVersion.V12, isOutbound: false, dialler.Address)!);
        Act(dialler, null);
        Act(listener, null);
        return true;
    }

    internal void ConnectAtRandom(SimulatedNode dialler, IReadOnlyList<SimulatedNode> others, int count)
    {
        for (int i = 0; i < count;)
            if (Connect(dialler, others[_random.Next(others.Count)])) i++;
    }

    /// <summary>Lets a node say something; returns the message's number.</summary>
    internal int Publish(SimulatedNode author, int size = 64)
    {
        byte[] data = new byte[size];
        BinaryPrimitives.WriteInt32BigEndian(data.AsSpan(size - sizeof(int)), _lastMessage++);
        return Publish(author, Topic, data);
    }

    /// <summary>Lets a node say something of its own making; returns its number, which is its last four bytes.</summary>
    internal int Publish(SimulatedNode author, string topic, ReadOnlyMemory<byte> data)
    {
        int number = NumberOf(data);
        WireMessage.TryParse(_maker.Make(topic, data.Span), _options.Limits, out WireMessage? message);
        author.Hops.Add(number, 0);
        author.Router.Publish(Now, message!);
        Act(author, null);
        return number;
    }

    internal void RunFor(TimeSpan time)
    {
        TimeSpan end = Now + time;
        while (_events.TryPeek(out _, out (TimeSpan At, long Number) next) && next.At <= end)
        {
            Event happening = _events.Dequeue();
            Now = next.At;
            Happen(happening);
        }

        Now = end;
    }

    private void Happen(Event happening)
    {
        SimulatedNode node = happening.Node;
        if (happening.Kind == EventKind.Elapse)
        {
            node.Router.Elapse(Now);
            Act(node, null);
            return;
        }

        if (happening.Kind == EventKind.Heartbeat)
        {
            node.Router.Heartbeat(Now);
            Schedule(_options.HeartbeatInterval, happening);
            Act(node, null);
            return;
        }

        foreach (WireMessage message in happening.Rpc!.Messages)
        {
            int number = NumberOf(message.Data);
            node.Copies[number] = node.Copies.GetValueOrDefault(number) + 1;
        }

        node.Router.Receive(Now, node.Peers[happening.From!], happening.Rpc);
        Act(node, happening);
    }

    private void Act(SimulatedNode node, Event? cause)
    {
        while (node.Router.TakeActions() is { Count: > 0 } actions)
        {
            foreach (GossipAction action in actions)
            {
                switch (action)
                {
                    case GossipAction.Send send:
                        Send(node, send);
                        break;
                    case GossipAction.Check check:
                        node.Router.Authenticate(check.Message);
                        node.Router.Judge(Now, check.Message, Judge?.Invoke(node, check.Message) ?? GossipVerdict.Accept);
                        break;
                    case GossipAction.Deliver deliver:
                        int number = NumberOf(deliver.Message.Data);
                        node.Hops.TryAdd(number, cause!.HopsOf.GetValueOrDefault(number) + 1);
                        break;
                }
            }
        }

        if (node.Router.NextDue is not { } due || due == node.Due) return;
        node.Due = due;
        Schedule(due - Now, new Event(EventKind.Elapse, node));
    }

    private void Send(SimulatedNode node, GossipAction.Send send)
    {
        Rpc rpc = send.Rpc;
        if (node.IsSybil)
        {
            // It takes what it gets, keeps its place in the meshes and tells nobody anything.
            if (rpc.Messages.Count > 0) return;
            rpc.IHave.Clear();
            if (rpc.IsEmpty) return;
        }

        SimulatedNode to = _byId[send.Peer.Id];
        BytesSent += _encoder.Encode(rpc).Length + Envelope;
        Dictionary<int, int> hops = [];
        foreach (WireMessage message in rpc.Messages) hops[NumberOf(message.Data)] = node.Hops[NumberOf(message.Data)];
        Schedule(node.Delays[to], new Event(EventKind.Rpc, to, node, rpc, hops));
    }

    private void Schedule(TimeSpan delay, Event happening) => _events.Enqueue(happening, (Now + delay, ++_number));

    private static int NumberOf(ReadOnlyMemory<byte> data) => BinaryPrimitives.ReadInt32BigEndian(data.Span[^sizeof(int)..]);

    private enum EventKind
    {
        Heartbeat,
        Rpc,
        Elapse,
    }

    private sealed record Event(EventKind Kind, SimulatedNode Node, SimulatedNode? From = null, Rpc? Rpc = null, Dictionary<int, int>? Hops = null)
    {
        internal Dictionary<int, int> HopsOf => Hops ?? [];
    }
}

/// <summary>One node of the simulation and what came to it.</summary>
internal sealed class SimulatedNode(PeerId id, GossipRouter router, bool isSybil, string? address)
{
    internal PeerId Id => id;

    internal GossipRouter Router => router;

    internal bool IsSybil => isSybil;

    internal string? Address => address;

    /// <summary>The moment for which its router was last promised a call.</summary>
    internal TimeSpan Due { get; set; }

    internal Dictionary<SimulatedNode, TimeSpan> Delays { get; } = [];

    internal Dictionary<SimulatedNode, GossipPeer> Peers { get; } = [];

    /// <summary>For each message that came, over how many links.</summary>
    internal Dictionary<int, int> Hops { get; } = [];

    /// <summary>For each message that came, how often.</summary>
    internal Dictionary<int, int> Copies { get; } = [];

    internal IReadOnlySet<GossipPeer> Mesh => router.FindTopic(GossipSimulation.Topic)!.Mesh;
}
