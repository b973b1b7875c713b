using Overlay.Gossip.Wire;
using Overlay.Transport.Identity;

namespace Overlay.Gossip.Routing;

internal sealed partial class GossipRouter
{
    // Back-offs end a heartbeat later for this node than for those that graft it: the other side's clock may have begun later, and it would count the GRAFT as
    // too early.
    private TimeSpan BackoffSlack => _options.HeartbeatInterval;

    private bool CanGraft(TimeSpan now, TopicState topic, GossipPeer peer) =>
        !peer.IsDirect && !topic.Mesh.Contains(peer) && ScoreOf(peer) >= 0
            && !(topic.Backoffs.TryGetValue(peer.Id, out TimeSpan until) && now < until + BackoffSlack);

    /// <summary>Fills the mesh: half of the places with those that have done most, if they have done anything, the rest by lot, so that newcomers have their chance. By lot alone, as the
    /// specification has it, whoever brings more peers than all others together gets most places again and again.</summary>
    private void GraftUpTo(TimeSpan now, TopicState topic, int count)
    {
        int missing = count - topic.Mesh.Count;
        if (missing <= 0) return;
        List<GossipPeer> candidates = Shuffled(topic.Peers.Where(peer => CanGraft(now, topic, peer)));
        List<GossipPeer> best = [.. candidates.Where(peer => ScoreOf(peer) > 0).OrderByDescending(ScoreOf).Take((missing + 1) / 2)];
        foreach (GossipPeer peer in best) Graft(now, topic, peer);
        foreach (GossipPeer peer in candidates.Except(best).Take(missing - best.Count).ToArray()) Graft(now, topic, peer);
    }

    private void Graft(TimeSpan now, TopicState topic, GossipPeer peer)
    {
        topic.Mesh.Add(peer);
        _score.EnterMesh(peer.Stats, topic.Name, now);
        To(peer).Graft.Add(topic.Name);
    }

    /// <summary>Takes a peer out of the mesh and tells it.</summary>
    private void PruneOff(TimeSpan now, TopicState topic, GossipPeer peer, TimeSpan backoff, bool exchangesPeers)
    {
        if (topic.Mesh.Remove(peer)) _score.LeaveMesh(peer.Stats, topic.Name);
        SetBackoff(now, topic, peer.Id, backoff);
        SendPrune(topic, peer, backoff, exchangesPeers);
    }

    private void RefuseGraft(TimeSpan now, TopicState topic, GossipPeer peer, bool exchangesPeers)
    {
        SetBackoff(now, topic, peer.Id, _options.PruneBackoff);
        SendPrune(topic, peer, _options.PruneBackoff, exchangesPeers);
    }

    private void SendPrune(TopicState topic, GossipPeer peer, TimeSpan backoff, bool exchangesPeers)
    {
        var exchanged = new List<ExchangedPeer>();
        if (exchangesPeers && ScoreOf(peer) >= 0)
        {
            foreach (GossipPeer other in Shuffled(topic.Peers))
            {
                if (exchanged.Count >= _options.Limits.MaxExchangedPeers) break;
                // Room for the id and the two fields' heads must remain in the limit that others have too.
                if (other == peer || ScoreOf(other) < 0 || other.SignedRecord.Length + PeerId.MaxSize + 16 > _options.Limits.MaxExchangedPeerSize) continue;
                exchanged.Add(new ExchangedPeer(other.Id.Bytes.ToArray(), other.SignedRecord));
            }
        }

        To(peer).Prune.Add(new Prune(topic.Name, (ulong)backoff.TotalSeconds, exchanged));
    }

    private void SetBackoff(TimeSpan now, TopicState topic, PeerId peer, TimeSpan backoff)
    {
        TimeSpan until = now + backoff;
        if (topic.Backoffs.TryGetValue(peer, out TimeSpan known))
        {
            if (until > known) topic.Backoffs[peer] = until;
            return;
        }

        if (topic.Backoffs.Count >= _options.Limits.MaxBackoffs) ForgetBackoffs(now, topic);
        // The one that would end soonest makes room: whoever fills the table must not graft again at once for it.
        if (topic.Backoffs.Count >= _options.Limits.MaxBackoffs) topic.Backoffs.Remove(topic.Backoffs.MinBy(pair => pair.Value).Key);
        topic.Backoffs.Add(peer, until);
    }

    private void ForgetBackoffs(TimeSpan now, TopicState topic)
    {
        List<PeerId> over = [.. topic.Backoffs.Where(pair => pair.Value + BackoffSlack <= now).Select(pair => pair.Key)];
        foreach (PeerId peer in over) topic.Backoffs.Remove(peer);
    }
}
