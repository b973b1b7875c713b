using Overlay.Gossip.Wire;
using Overlay.Transport.Identity;

namespace Overlay.Gossip.Routing;

internal sealed partial class GossipRouter
{
    // A peer says what it takes messages of when its stream opens, and later only what changes. So that is kept while a stream of it is open, also when it
    // cannot be sent anything meanwhile.
    private readonly Dictionary<PeerId, InboundStreams> _inbound = [];

    /// <summary>A peer has opened a stream.</summary>
    /// <returns>False when there are so many peers that this one's subscriptions are kept only while it can be sent RPCs; its end is not told then.</returns>
    internal bool OpenInbound(PeerId id)
    {
        if (!_inbound.TryGetValue(id, out InboundStreams? streams))
        {
            // Twice as many as can be sent RPCs: peers that come and go must not keep out those that stay.
            if (!_peers.TryGetValue(id, out GossipPeer? peer) && _inbound.Count >= 2L * _options.Limits.MaxPeers) return false;
            _inbound.Add(id, streams = new InboundStreams(peer?.Topics ?? new HashSet<string>(StringComparer.Ordinal)));
        }

        streams.Count++;
        return true;
    }

    /// <summary>It has ended.</summary>
    internal void CloseInbound(PeerId id)
    {
        if (!_inbound.TryGetValue(id, out InboundStreams? streams) || --streams.Count > 0) return;
        _inbound.Remove(id);
        if (_peers.ContainsKey(id)) return;
        ForgetSubscriptions(streams.Topics);
        ForgetIdleTopics();
    }

    /// <summary>Takes what a peer subscribes to that cannot be sent RPCs for now.</summary>
    internal void ReceiveSubscriptions(PeerId from, List<SubscriptionChange> changes)
    {
        if (!_inbound.TryGetValue(from, out InboundStreams? streams)) return;
        foreach (SubscriptionChange change in changes) TakeSubscription(streams.Topics, _peers.GetValueOrDefault(from), change);
    }

    private HashSet<string> TopicsOf(PeerId id) =>
        _inbound.TryGetValue(id, out InboundStreams? streams) ? streams.Topics : new HashSet<string>(StringComparer.Ordinal);

    /// <param name="topics">What the peer subscribes to.</param>
    /// <param name="peer">Itself; null when it cannot be sent RPCs.</param>
    /// <param name="change">What it says.</param>
    private void TakeSubscription(HashSet<string> topics, GossipPeer? peer, SubscriptionChange change)
    {
        if (!change.Subscribes)
        {
            if (!topics.Remove(change.Topic)) return;
            TopicState left = _topics[change.Topic];
            left.SubscriberCount--;
            if (peer is not null)
            {
                left.Peers.Remove(peer);
                left.Fanout.Remove(peer);
                if (left.Mesh.Remove(peer)) _score.LeaveMesh(peer.Stats, change.Topic);
            }

            if (left.IsIdle) _topics.Remove(change.Topic);
            return;
        }

        if (!_options.Allows(change.Topic) || topics.Count >= _options.Limits.MaxTopicsPerPeer) return;
        if (!_topics.ContainsKey(change.Topic) && _topics.Count >= _options.Limits.MaxTopics) return;
        TopicState topic = Topic(change.Topic);
        // The topic's own name, so that it is in memory once and not once for each peer.
        if (!topics.Add(topic.Name)) return;
        topic.SubscriberCount++;
        if (peer is not null) topic.Peers.Add(peer);
    }

    private void ForgetSubscriptions(HashSet<string> topics)
    {
        foreach (string topic in topics) _topics[topic].SubscriberCount--;
        topics.Clear();
    }

    private sealed class InboundStreams(HashSet<string> topics)
    {
        internal HashSet<string> Topics => topics;

        internal int Count { get; set; }
    }
}
