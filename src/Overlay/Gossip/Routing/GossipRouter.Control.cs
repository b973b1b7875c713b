using Overlay.Gossip.Messages;
using Overlay.Gossip.Scoring;
using Overlay.Gossip.Wire;
using Overlay.Transport.Identity;

namespace Overlay.Gossip.Routing;

internal sealed partial class GossipRouter
{
    /// <summary>Asks for messages that a peer tells of. Floods are capped per heartbeat; one id at random is a promise that it must keep.</summary>
    private void TakeIHave(TimeSpan now, GossipPeer from, List<IHave> haves)
    {
        if (haves.Count == 0 || ScoreOf(from) < _options.Score.GossipThreshold) return;
        if (++from.IHaveCount > _options.Limits.MaxIHavePerHeartbeat || from.AskedCount >= _options.Limits.MaxIHaveIds) return;
        var wanted = new HashSet<MessageId>();
        foreach (IHave have in haves)
        {
            if (!_topics.TryGetValue(have.Topic, out TopicState? topic) || !topic.IsJoined) continue;
            foreach (MessageId id in have.Ids)
                if (!_seen.Contains(id) && !_pending.ContainsKey(id)) wanted.Add(id);
        }

        if (wanted.Count == 0) return;
        MessageId[] asked = [.. wanted];
        _random.Shuffle(asked);
        int count = Math.Min(asked.Length, _options.Limits.MaxIHaveIds - from.AskedCount);
        from.AskedCount += count;
        To(from).IWant.AddRange(asked.AsSpan(0, count));
        _promises.Add(asked[_random.Next(count)], from, now);
    }

    /// <summary>Gives messages to a peer that asks: each a few times, all of them up to a number of bytes per heartbeat.</summary>
    private void TakeIWant(GossipPeer from, List<MessageId> ids)
    {
        if (ids.Count == 0 || ScoreOf(from) < _options.Score.GossipThreshold) return;
        Rpc? rpc = null;
        int size = 0;
        foreach (MessageId id in ids)
        {
            if (from.Unwanted.ContainsKey(id) || !_cache.TryGetFor(id, from, out WireMessage? message, out int count) || count > _options.GossipRetransmission) continue;
            // Tag and length take at most 8 bytes more.
            int added = message.Encoded.Length + 8;
            if (from.GivenBytes + added > _options.Limits.MaxIWantBytesPerHeartbeat) break;
            if (rpc is not null && (size + added > _options.Limits.MaxRpcSize || rpc.Messages.Count >= _options.Limits.MaxMessagesPerRpc)) rpc = null;
            if (rpc is null)
            {
                _actions.Add(new GossipAction.Send(from, rpc = new Rpc()));
                size = 0;
            }

            rpc.Messages.Add(message);
            size += added;
            from.GivenBytes += added;
        }
    }

    private void TakeIDontWant(GossipPeer from, Rpc rpc)
    {
        if (rpc.IDontWantCount == 0) return;
        from.IDontWantCount += rpc.IDontWantCount;
        if (from.IDontWantCount > _options.Limits.MaxIDontWantPerHeartbeat) return;
        foreach (MessageId id in rpc.IDontWant)
        {
            if (from.Unwanted.Count >= _options.Limits.MaxUnwantedIds) return;
            from.Unwanted[id] = _options.IDontWantTicks;
        }
    }

    /// <summary>A peer wants into the mesh. GRAFT during back-off costs it, soon after the PRUNE twice.</summary>
    private void TakeGraft(TimeSpan now, GossipPeer from, string name)
    {
        // Not even a PRUNE for topics that this node has not joined: an answer to each would be an amplifier.
        if (!_topics.TryGetValue(name, out TopicState? topic) || !topic.IsJoined || topic.Mesh.Contains(from)) return;
        if (from.IsDirect)
        {
            // It does not know that it is a direct peer here. It gets everything all the same.
            SendPrune(topic, from, _options.PruneBackoff, exchangesPeers: false);
            return;
        }

        if (topic.Backoffs.TryGetValue(from.Id, out TimeSpan until) && now < until)
        {
            PeerScore.Penalize(from.Stats, 1);
            if (now < until + _options.GraftFloodTime - _options.PruneBackoff) PeerScore.Penalize(from.Stats, 1);
            RefuseGraft(now, topic, from, exchangesPeers: false);
            return;
        }

        double score = ScoreOf(from);
        if (score < 0) RefuseGraft(now, topic, from, exchangesPeers: false);
        // A full mesh still takes peers that this node dialled, and such as have done more than most of it, for the next heartbeat to choose from: whoever surrounds a node cannot
        // keep those out.
        else if (topic.Mesh.Count >= _options.DegreeHigh && !(topic.Mesh.Count < 2 * _options.DegreeHigh && (from.IsOutbound || score > MedianOf(topic)))) RefuseGraft(now, topic, from, _options.PeerExchange);
        else
        {
            // Whoever grafts takes the topic's messages, whether or not its subscription came first.
            TakeSubscription(from.Topics, from, new SubscriptionChange(name, true));
            if (!from.Topics.Contains(name)) return;
            topic.Mesh.Add(from);
            _score.EnterMesh(from.Stats, name, now);
        }
    }

    private void TakePrune(TimeSpan now, GossipPeer from, Prune prune)
    {
        if (!_topics.TryGetValue(prune.Topic, out TopicState? topic) || !topic.IsJoined) return;
        if (topic.Mesh.Remove(from)) _score.LeaveMesh(from.Stats, prune.Topic);
        // The peer's number is compared before it becomes a time, which not every 64 bits would.
        TimeSpan backoff = prune.BackoffSeconds == 0 ? _options.PruneBackoff
            : prune.BackoffSeconds >= (ulong)_options.Limits.MaxBackoff.TotalSeconds ? _options.Limits.MaxBackoff
            : TimeSpan.FromSeconds((long)prune.BackoffSeconds);
        SetBackoff(now, topic, from.Id, backoff);
        if (prune.Peers.Count == 0 || ScoreOf(from) < _options.Score.AcceptPeerExchangeThreshold) return;
        foreach (ExchangedPeer exchanged in prune.Peers)
        {
            // Without a signed record there is nothing to dial, and nobody has vouched for it.
            if (exchanged.SignedRecord.IsEmpty || !PeerId.TryFromBytes(exchanged.PeerId.Span, out PeerId? id) || id == _self || _peers.ContainsKey(id)) continue;
            _actions.Add(new GossipAction.Dial(id, exchanged.SignedRecord));
        }
    }
}
