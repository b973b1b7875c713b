using Overlay.Gossip.Messages;
using Overlay.Gossip.Scoring;
using Overlay.Gossip.Wire;

namespace Overlay.Gossip.Routing;

internal sealed partial class GossipRouter
{
    // How often back-offs are looked through, in heartbeats.
    private const int BackoffTicks = 15;

    private long _ticks;

    /// <summary>Keeps meshes, fan-outs and tables in their bounds and tells others of recent messages (gossipsub v1.0, "Heartbeat", as changed by v1.1).</summary>
    internal void Heartbeat(TimeSpan now)
    {
        _ticks++;
        foreach (GossipPeer peer in _peers.Values) BeginInterval(peer);
        foreach (GossipPeer peer in _promises.TakeBroken(now, _pending.ContainsKey)) PeerScore.Penalize(peer.Stats, 1);
        _score.Refresh(now);
        _seen.Expire(now);
        if (_ticks % BackoffTicks == 0)
            foreach (TopicState topic in _topics.Values) ForgetBackoffs(now, topic);
        foreach (TopicState topic in _topics.Values)
        {
            if (topic.IsJoined)
            {
                KeepMesh(now, topic);
                TellOthers(topic, topic.Mesh);
            }
            else
            {
                KeepFanout(now, topic);
                if (topic.Fanout.Count > 0) TellOthers(topic, topic.Fanout);
            }
        }

        _cache.Shift();
        ForgetIdleTopics();
    }

    private static void BeginInterval(GossipPeer peer)
    {
        peer.IHaveCount = peer.AskedCount = peer.IDontWantCount = 0;
        peer.GivenBytes = 0;
        if (peer.Unwanted.Count == 0) return;
        foreach ((MessageId id, int ticks) in peer.Unwanted.ToArray())
        {
            if (ticks <= 1) peer.Unwanted.Remove(id);
            else peer.Unwanted[id] = ticks - 1;
        }
    }

    private void KeepMesh(TimeSpan now, TopicState topic)
    {
        foreach (GossipPeer peer in topic.Mesh.Where(peer => ScoreOf(peer) < 0).ToArray()) PruneOff(now, topic, peer, _options.PruneBackoff, exchangesPeers: false);
        if (topic.Mesh.Count < _options.DegreeLow) GraftUpTo(now, topic, _options.Degree);
        if (topic.Mesh.Count > _options.DegreeHigh) ThinOut(now, topic);
        if (topic.Mesh.Count >= _options.DegreeLow) GraftOutbound(now, topic);
        if (_ticks % _options.OpportunisticGraftTicks == 0) GraftBetter(now, topic);
    }

    /// <summary>Prunes down to D: the best by score stay, of the others a random choice, so many of the dialled ones among them as D_out says.</summary>
    private void ThinOut(TimeSpan now, TopicState topic)
    {
        // Shuffled first, so that equal scores are in no order that a peer could know.
        GossipPeer[] byScore = [.. Shuffled(topic.Mesh).OrderByDescending(ScoreOf)];
        GossipPeer[] others = byScore[Math.Min(_options.DegreeScore, byScore.Length)..];
        _random.Shuffle(others);
        GossipPeer[] order = [.. byScore[..Math.Min(_options.DegreeScore, byScore.Length)], .. others];
        int outbound = order.Take(_options.Degree).Count(peer => peer.IsOutbound);
        for (int i = _options.Degree; i < order.Length && outbound < _options.DegreeOut; i++)
        {
            if (!order[i].IsOutbound) continue;
            int place = Array.FindLastIndex(order, _options.Degree - 1, _options.Degree, peer => !peer.IsOutbound);
            if (place < 0) break;
            (order[i], order[place]) = (order[place], order[i]);
            outbound++;
        }

        foreach (GossipPeer peer in order.Skip(_options.Degree)) PruneOff(now, topic, peer, _options.PruneBackoff, _options.PeerExchange);
    }

    private void GraftOutbound(TimeSpan now, TopicState topic)
    {
        int missing = _options.DegreeOut - topic.Mesh.Count(peer => peer.IsOutbound);
        if (missing <= 0) return;
        foreach (GossipPeer peer in Shuffled(topic.Peers.Where(peer => peer.IsOutbound && CanGraft(now, topic, peer))).Take(missing)) Graft(now, topic, peer);
    }

    /// <summary>Opportunistic grafting (gossipsub v1.1): a mesh of peers that do little gets some that do more. Above D they take the places of those that do least, or the places
    /// would be filled again from outside.</summary>
    private void GraftBetter(TimeSpan now, TopicState topic)
    {
        if (topic.Mesh.Count < 2) return;
        double median = MedianOf(topic);
        if (median >= _options.Score.OpportunisticGraftThreshold) return;
        GossipPeer[] least = [.. Shuffled(topic.Mesh.Where(peer => ScoreOf(peer) <= median)).OrderBy(ScoreOf)];
        int replaced = 0;
        foreach (GossipPeer peer in Shuffled(topic.Peers.Where(peer => ScoreOf(peer) > median && CanGraft(now, topic, peer))).Take(_options.OpportunisticGraftPeers))
        {
            Graft(now, topic, peer);
            if (topic.Mesh.Count > _options.Degree && replaced < least.Length) PruneOff(now, topic, least[replaced++], _options.PruneBackoff, _options.PeerExchange);
        }
    }

    private double MedianOf(TopicState topic)
    {
        double[] scores = [.. topic.Mesh.Select(ScoreOf).Order()];
        return scores[scores.Length / 2];
    }

    private void KeepFanout(TimeSpan now, TopicState topic)
    {
        if (topic.Fanout.Count == 0) return;
        if (now - topic.LastPublished > _options.FanoutTime)
        {
            topic.Fanout.Clear();
            return;
        }

        topic.Fanout.RemoveWhere(peer => ScoreOf(peer) < _options.Score.PublishThreshold);
        FillFanout(topic);
    }

    /// <summary>Sends IHAVE to some of the peers that do not get the messages at once.</summary>
    private void TellOthers(TopicState topic, HashSet<GossipPeer> served)
    {
        List<MessageId> ids = _cache.RecentIds(topic.Name);
        if (ids.Count == 0) return;
        List<GossipPeer> candidates = Shuffled(topic.Peers.Where(peer => !peer.IsDirect && !served.Contains(peer)
            && ScoreOf(peer) >= _options.Score.GossipThreshold));
        int count = Math.Min(candidates.Count, Math.Max(_options.DegreeLazy, (int)(_options.GossipFactor * candidates.Count)));
        int most = Math.Min(_options.Limits.MaxIHaveIds, _options.Limits.MaxIdsPerRpc);
        foreach (GossipPeer peer in candidates.Take(count))
        {
            IReadOnlyList<MessageId> told = ids;
            if (ids.Count > most)
            {
                // Each hears of others, so that together they hear of all.
                MessageId[] some = [.. ids];
                _random.Shuffle(some);
                told = some[..most];
            }

            To(peer).IHave.Add(new IHave(topic.Name, told));
        }
    }
}
