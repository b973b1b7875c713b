using Overlay.Gossip.Messages;
using Overlay.Gossip.Scoring;
using Overlay.Gossip.Wire;
using Overlay.Transport.Identity;

namespace Overlay.Gossip.Routing;

/// <summary>Gossipsub (libp2p specifications, pubsub/gossipsub, v1.0 to v1.2) as a state machine: what happens and <c>now</c> go in, actions come out.</summary>
/// <remarks>
/// Without I/O, clock and lock; its owner calls it from one place at a time and then takes the actions. Randomness is an argument, so that one seed gives one run.
/// Split by task: this file keeps peers and topics, <c>GossipRouter.Subscriptions.cs</c> what peers subscribe to,
/// <c>GossipRouter.Messages.cs</c> takes messages and passes them on, <c>GossipRouter.Control.cs</c> answers
/// control messages, <c>GossipRouter.Mesh.cs</c> grafts and prunes, <c>GossipRouter.Heartbeat.cs</c> keeps everything in its bounds.
/// Departures from the specification: a GRAFT for a topic that is not joined is never answered; half of the free places in a mesh go to the best by score; IDONTWANT goes out once the signature holds, not before; what
/// differs in encoding between implementations is dropped (docs/adr/0025).
/// </remarks>
internal sealed partial class GossipRouter
{
    private readonly GossipOptions _options;
    private readonly PeerId _self;
    private readonly Random _random;
    private readonly PeerScore _score;
    private readonly SeenCache _seen;
    private readonly MessageCache _cache;
    private readonly PromiseBook _promises;
    private readonly HashSet<PeerId> _direct;
    private readonly Dictionary<PeerId, GossipPeer> _peers = [];
    private readonly Dictionary<string, TopicState> _topics = new(StringComparer.Ordinal);
    private readonly Dictionary<GossipPeer, Rpc> _outbox = [];
    private readonly List<GossipAction> _actions = [];
    private int _lastNumber;

    internal GossipRouter(GossipOptions options, PeerId self, Random random)
    {
        options.CheckTogether();
        _options = options;
        _self = self;
        _random = random;
        _direct = [.. options.DirectPeerAddresses.Select(peer => peer.Key)];
        _score = new PeerScore(options.Score, options.Limits.MaxRetainedScores);
        _seen = new SeenCache(options.SeenTime, options.Limits.MaxSeenIds);
        _cache = new MessageCache(options.HistoryLength, options.HistoryGossip, options.Limits.MaxHistorySize);
        _promises = new PromiseBook(options.IWantFollowupTime, options.Limits.MaxPromises);
    }

    internal IReadOnlyCollection<GossipPeer> Peers => _peers.Values;

    /// <summary>Topics that this node takes messages of.</summary>
    internal IEnumerable<string> JoinedTopics => _topics.Values.Where(topic => topic.IsJoined).Select(topic => topic.Name);

    internal GossipPeer? FindPeer(PeerId peer) => _peers.GetValueOrDefault(peer);

    /// <summary>Topics that this node or a peer takes messages of.</summary>
    internal IReadOnlyList<string> Topics => [.. _topics.Values.Where(topic => topic.IsJoined || topic.Peers.Count > 0).Select(topic => topic.Name)];

    internal TopicState? FindTopic(string topic) => _topics.GetValueOrDefault(topic);

    // The owner's word counts for a direct peer, whatever it does.
    internal double ScoreOf(GossipPeer peer) => peer.IsDirect ? 0 : _score.ScoreOf(peer.Id, peer.Stats);

    /// <summary>What has become of messages.</summary>
    internal GossipCounts Counts { get; } = new();

    /// <summary>Topics that are joined, and the peers of all their meshes.</summary>
    internal (int Topics, int Mesh) JoinedCounts => (_topics.Values.Count(topic => topic.IsJoined), _topics.Values.Sum(topic => topic.Mesh.Count));

    internal int SeenCount => _seen.Count;

    internal int PendingCount => _pendingCount;

    internal int TopicCount => _topics.Count;

    /// <summary>Takes what is to be done, in order.</summary>
    internal List<GossipAction> TakeActions()
    {
        foreach ((GossipPeer peer, Rpc rpc) in _outbox)
        {
            if (rpc.IsEmpty) continue;
            foreach (Rpc part in RpcSplitter.Split(rpc, _options)) _actions.Add(new GossipAction.Send(peer, part));
        }

        _outbox.Clear();
        foreach (GossipAction action in _actions)
            if (action is GossipAction.Send send) Counts.Sent += send.Rpc.Messages.Count;
        List<GossipAction> taken = [.. _actions];
        _actions.Clear();
        return taken;
    }

    /// <summary>A peer can be sent RPCs from now on. Null when there are as many as are allowed already.</summary>
    /// <param name="now">Time on the owner's clock.</param>
    /// <param name="id">The peer, proved by its connection.</param>
    /// <param name="version">The newest version that both speak.</param>
    /// <param name="isOutbound">Whether this node dialled it.</param>
    /// <param name="address">What P6 counts it under; null for what does not count.</param>
    internal GossipPeer? AddPeer(TimeSpan now, PeerId id, GossipVersion version, bool isOutbound, string? address)
    {
        if (_peers.TryGetValue(id, out GossipPeer? known)) return known;
        bool isDirect = _direct.Contains(id);
        // Strangers keep no direct peer out.
        if (!isDirect && _peers.Count >= _options.Limits.MaxPeers) return null;
        var peer = new GossipPeer(++_lastNumber, id, version, isOutbound, _score.Connect(id, address)) { Topics = TopicsOf(id), IsDirect = isDirect };
        _peers.Add(id, peer);
        foreach (string topic in peer.Topics) _topics[topic].Peers.Add(peer);
        foreach (TopicState topic in _topics.Values)
            if (topic.IsJoined) Subscribe(peer, topic.Name, true);
        return peer;
    }

    /// <summary>A peer cannot be sent RPCs any more.</summary>
    internal void RemovePeer(TimeSpan now, GossipPeer peer)
    {
        if (!_peers.Remove(peer.Id)) return;
        foreach (TopicState topic in _topics.Values)
        {
            topic.Peers.Remove(peer);
            topic.Mesh.Remove(peer);
            topic.Fanout.Remove(peer);
        }

        if (!_inbound.ContainsKey(peer.Id)) ForgetSubscriptions(peer.Topics);
        ForgetIdleTopics();
        _outbox.Remove(peer);
        _score.Disconnect(peer.Id, now);
    }

    /// <summary>A peer broke the format or a limit.</summary>
    internal static void Misbehave(GossipPeer peer) => PeerScore.Penalize(peer.Stats, 1);

    /// <summary>A peer takes messages so slowly that some had to be dropped.</summary>
    internal static void DropMessages(GossipPeer peer, int count) => PeerScore.Drop(peer.Stats, count);

    /// <summary>Begins to take a topic's messages.</summary>
    internal void Join(TimeSpan now, string name)
    {
        TopicState topic = Topic(name);
        if (topic.IsJoined) return;
        topic.IsJoined = true;
        foreach (GossipPeer peer in _peers.Values) Subscribe(peer, name, true);
        // Those that took the own messages until now come first (gossipsub v1.0, "Joining and leaving").
        foreach (GossipPeer peer in topic.Fanout)
            if (topic.Mesh.Count < _options.Degree && CanGraft(now, topic, peer)) Graft(now, topic, peer);
        topic.Fanout.Clear();
        GraftUpTo(now, topic, _options.Degree);
    }

    /// <summary>Ends it.</summary>
    internal void Leave(TimeSpan now, string name)
    {
        if (!_topics.TryGetValue(name, out TopicState? topic) || !topic.IsJoined) return;
        topic.IsJoined = false;
        foreach (GossipPeer peer in _peers.Values) Subscribe(peer, name, false);
        foreach (GossipPeer peer in topic.Mesh.ToArray()) PruneOff(now, topic, peer, _options.UnsubscribeBackoff, _options.PeerExchange);
        ForgetIdleTopics();
    }

    /// <summary>Takes an RPC that was decoded within the limits.</summary>
    internal void Receive(TimeSpan now, GossipPeer from, Rpc rpc)
    {
        if (!_peers.ContainsKey(from.Id)) return;
        // Said once and never again, so it is heard of everyone.
        foreach (SubscriptionChange change in rpc.Subscriptions) TakeSubscription(from.Topics, from, change);
        if (ScoreOf(from) < _options.Score.GraylistThreshold) return;
        foreach (WireMessage message in rpc.Messages) TakeMessage(now, from, message);
        if (!rpc.HasControl) return;
        TakeIDontWant(from, rpc);
        TakeIHave(now, from, rpc.IHave);
        TakeIWant(from, rpc.IWant);
        foreach (string topic in rpc.Graft) TakeGraft(now, from, topic);
        foreach (Prune prune in rpc.Prune) TakePrune(now, from, prune);
    }

    private void Subscribe(GossipPeer peer, string topic, bool subscribes) => To(peer).Subscriptions.Add(new SubscriptionChange(topic, subscribes));

    /// <summary>Collects what this step says to a peer.</summary>
    private Rpc To(GossipPeer peer)
    {
        if (!_outbox.TryGetValue(peer, out Rpc? rpc)) _outbox.Add(peer, rpc = new Rpc());
        return rpc;
    }

    private TopicState Topic(string name)
    {
        if (!_topics.TryGetValue(name, out TopicState? topic)) _topics.Add(name, topic = new TopicState(name));
        return topic;
    }

    private void ForgetIdleTopics()
    {
        List<string>? idle = null;
        foreach (TopicState topic in _topics.Values)
            if (topic.IsIdle) (idle ??= []).Add(topic.Name);
        if (idle is null) return;
        foreach (string name in idle) _topics.Remove(name);
    }

    private List<GossipPeer> Shuffled(IEnumerable<GossipPeer> peers)
    {
        GossipPeer[] all = [.. peers];
        _random.Shuffle(all);
        return [.. all];
    }
}
