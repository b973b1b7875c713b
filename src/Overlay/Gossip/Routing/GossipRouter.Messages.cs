using Overlay.Gossip.Messages;
using Overlay.Gossip.Scoring;
using Overlay.Gossip.Wire;
using Overlay.Transport.Identity;

namespace Overlay.Gossip.Routing;

internal sealed partial class GossipRouter
{
    private readonly Dictionary<MessageId, List<PendingMessage>> _pending = [];
    private readonly Queue<DelayedForward> _delayed = new();
    private int _pendingCount;

    /// <summary>When <see cref="Elapse"/> is to be called; null when nothing waits.</summary>
    internal TimeSpan? NextDue => _delayed.TryPeek(out DelayedForward? next) ? next.Due : null;

    /// <summary>Sends what has waited long enough to those who have not shown meanwhile that they have it.</summary>
    internal void Elapse(TimeSpan now)
    {
        while (_delayed.TryPeek(out DelayedForward? next) && next.Due <= now)
        {
            _delayed.Dequeue();
            if (!_topics.TryGetValue(next.Topic, out TopicState? topic)) continue;
            foreach (GossipPeer peer in next.Recipients)
                if (topic.Mesh.Contains(peer) && !peer.Unwanted.ContainsKey(next.Id)) _actions.Add(new GossipAction.Send(peer, next.Rpc));
        }
    }

    /// <summary>Sends an own message. Its form is this node's own and not checked.</summary>
    /// <returns>How many peers it goes to, and the message as subscriptions see it; null when the same was sent or received before.</returns>
    internal (int Peers, GossipMessage Message)? Publish(TimeSpan now, WireMessage message)
    {
        MessageForm.Check(message, _options.Signing, out PeerId? author, out PeerPublicKey? key);
        MessageId id = MessageIdRule.Of(_options.MessageIds, message, key);
        if (_seen.Contains(id)) return null;
        _seen.Add(id, now, GossipVerdict.Accept);
        // By another rule than author and number it may be somebody else's too.
        _promises.Keep(id);
        _cache.Add(id, message);
        Rpc rpc = Rpc.Of(message);
        int count = 0;
        foreach (GossipPeer peer in Recipients(now, Topic(message.Topic)))
        {
            if (peer.Unwanted.ContainsKey(id)) continue;
            _actions.Add(new GossipAction.Send(peer, rpc));
            count++;
        }

        if (count > 0) Counts.Published++;
        return (count, new GossipMessage(message.Topic, author, MessageForm.SequenceOf(message), message.Data, _self, id));
    }

    /// <summary>A message's signature holds; the host application's validators may still be at it.</summary>
    internal void Authenticate(PendingMessage pending)
    {
        if (pending.IsAuthentic) return;
        pending.IsAuthentic = true;
        _promises.Keep(pending.Id);
        if (pending.Message.Encoded.Length < _options.IDontWantThreshold || !_topics.TryGetValue(pending.Message.Topic, out TopicState? topic)) return;
        foreach (GossipPeer peer in ServedOf(topic))
        {
            if (peer.Version < GossipVersion.V12 || pending.Senders.Contains(peer)) continue;
            Rpc rpc = To(peer);
            rpc.IDontWant.Add(pending.Id);
            rpc.IDontWantCount = 1;
        }
    }

    /// <summary>A message was judged: deliver it and pass it on, or make those who sent it pay.</summary>
    internal void Judge(TimeSpan now, PendingMessage pending, GossipVerdict verdict)
    {
        if (!Forget(pending)) return;
        if (verdict == GossipVerdict.Accept) Authenticate(pending);
        // A forged message leaves no trace under its id, or it would hide the real one; nor does one whose signature could not be checked.
        if (!pending.IsAuthentic)
        {
            if (verdict != GossipVerdict.Reject)
            {
                foreach (GossipPeer sender in pending.Senders) _promises.Keep(pending.Id, sender);
                return;
            }

            Counts.Rejected++;
            foreach (GossipPeer sender in pending.Senders) _score.DeliverInvalid(sender.Stats, pending.Message.Topic);
            return;
        }

        if (_seen.Contains(pending.Id)) return;
        _seen.Add(pending.Id, now, verdict);
        string topic = pending.Message.Topic;
        switch (verdict)
        {
            case GossipVerdict.Accept:
                Counts.Delivered++;
                _score.DeliverFirst(pending.From.Stats, topic);
                foreach (GossipPeer sender in pending.Senders)
                    if (sender != pending.From) _score.DeliverAgain(sender.Stats, topic, TimeSpan.Zero);
                Forward(now, pending);
                break;
            case GossipVerdict.Reject:
                Counts.Rejected++;
                foreach (GossipPeer sender in pending.Senders) _score.DeliverInvalid(sender.Stats, topic);
                break;
            case GossipVerdict.Ignore:
                Counts.Ignored++;
                break;
        }
    }

    private void TakeMessage(TimeSpan now, GossipPeer from, WireMessage message)
    {
        // Everything here is cheap and comes before the signature is looked at.
        if (!_topics.TryGetValue(message.Topic, out TopicState? topic) || !topic.IsJoined)
        {
            PassOver(from, message);
            return;
        }

        FormFault fault = MessageForm.Check(message, _options.Signing, out PeerId? author, out PeerPublicKey? key);
        if (fault == FormFault.NotCanonical)
        {
            PassOver(from, message);
            return;
        }

        if (fault != FormFault.None)
        {
            Counts.Rejected++;
            _score.DeliverInvalid(from.Stats, message.Topic);
            return;
        }

        MessageId id = MessageIdRule.Of(_options.MessageIds, message, key);
        if (author == _self)
        {
            _promises.Keep(id, from);
            return;
        }

        if (_seen.TryGet(id, out SeenMessage seen))
        {
            Counts.Duplicate++;
            TakeDuplicate(now, from, message.Topic, seen);
            // Whoever sends a message has it, and one that waits for it need not be sent it.
            if (_delayed.Count > 0 && seen.Verdict == GossipVerdict.Accept && from.Unwanted.Count < _options.Limits.MaxUnwantedIds)
                from.Unwanted.TryAdd(id, _options.IDontWantTicks);
            return;
        }

        _pending.TryGetValue(id, out List<PendingMessage>? twins);
        if (twins?.Find(twin => twin.Message.Encoded.Span.SequenceEqual(message.Encoded.Span)) is { } same)
        {
            Counts.Duplicate++;
            if (!same.Senders.Contains(from)) same.Senders.Add(from);
            return;
        }

        if (twins?.Count >= _options.Limits.MaxTwins || _pendingCount >= _options.Limits.MaxPendingChecks
            || from.PendingCount >= _options.Limits.MaxPendingChecksPerPeer)
        {
            Counts.Overflowed++;
            _promises.Keep(id, from);
            return;
        }

        var pending = new PendingMessage(id, message.Detached(), author, key, from);
        if (twins is null) _pending.Add(id, twins = []);
        twins.Add(pending);
        _pendingCount++;
        from.PendingCount++;
        _actions.Add(new GossipAction.Check(pending));
    }

    /// <summary>A message that is not looked at further still keeps what its sender promised.</summary>
    private void PassOver(GossipPeer from, WireMessage message)
    {
        if (_promises.Count == 0 || MessageForm.CheckFields(message, _options.Signing, out _, out PeerPublicKey? key) != FormFault.None) return;
        _promises.Keep(MessageIdRule.Of(_options.MessageIds, message, key), from);
    }

    private void TakeDuplicate(TimeSpan now, GossipPeer from, string topic, SeenMessage seen)
    {
        if (seen.Verdict == GossipVerdict.Accept) _score.DeliverAgain(from.Stats, topic, now - seen.JudgedAt);
        else if (seen.Verdict == GossipVerdict.Reject) _score.DeliverInvalid(from.Stats, topic);
    }

    private bool Forget(PendingMessage pending)
    {
        if (!_pending.TryGetValue(pending.Id, out List<PendingMessage>? twins) || !twins.Remove(pending)) return false;
        if (twins.Count == 0) _pending.Remove(pending.Id);
        _pendingCount--;
        pending.From.PendingCount--;
        return true;
    }

    private void Forward(TimeSpan now, PendingMessage pending)
    {
        WireMessage message = pending.Message;
        _cache.Add(pending.Id, message);
        _actions.Add(new GossipAction.Deliver(pending.ToMessage()));
        if (!_topics.TryGetValue(message.Topic, out TopicState? topic)) return;
        Rpc rpc = Rpc.Of(message);
        if (_direct.Count > 0)
            foreach (GossipPeer peer in topic.Peers.Where(peer => peer.IsDirect && Lacks(peer))) _actions.Add(new GossipAction.Send(peer, rpc));
        List<GossipPeer> recipients = [.. topic.Mesh.Where(Lacks)];
        if (recipients.Count == 0) return;
        int first = FirstOf(recipients, message, topic.Mesh.Count - 1 - recipients.Count);
        for (int i = 0; i < first; i++) _actions.Add(new GossipAction.Send(recipients[i], rpc));
        if (first < recipients.Count) _delayed.Enqueue(new DelayedForward(now + _options.ForwardDelay, pending.Id, rpc, topic.Name, recipients[first..]));

        bool Lacks(GossipPeer peer) => peer.Id != pending.Author && !peer.Unwanted.ContainsKey(pending.Id) && !pending.Senders.Contains(peer);
    }

    /// <summary>How many get a message at once. The rest speak 1.2 and can say in the meantime that they have it.</summary>
    /// <param name="recipients">Peers of the mesh that are not known to have it; comes back in the order of sending.</param>
    /// <param name="message">The message.</param>
    /// <param name="havingIt">How many others of the mesh have it, beside the one that it came from.</param>
    private int FirstOf(List<GossipPeer> recipients, WireMessage message, int havingIt)
    {
        int wanted = Math.Clamp(_options.ForwardFirst - havingIt, 1, _options.ForwardFirst);
        bool isAnnounced = message.Encoded.Length >= _options.IDontWantThreshold;
        if (!isAnnounced || recipients.Count <= wanted || _options.ForwardDelay == TimeSpan.Zero || _delayed.Count >= _options.Limits.MaxDelayedForwards)
            return recipients.Count;
        // Others for each message: a peer that were always among the last would seem to do little.
        for (int i = recipients.Count - 1; i > 0; i--)
        {
            int other = _random.Next(i + 1);
            (recipients[i], recipients[other]) = (recipients[other], recipients[i]);
        }

        recipients.Sort(static (a, b) => a.Version.CompareTo(b.Version));
        int old = recipients.FindIndex(peer => peer.Version >= GossipVersion.V12);
        return old < 0 ? recipients.Count : Math.Max(old, wanted);
    }

    private IEnumerable<GossipPeer> Recipients(TimeSpan now, TopicState topic)
    {
        if (_options.FloodPublish)
            return topic.Peers.Where(peer => topic.Mesh.Contains(peer) || ScoreOf(peer) >= _options.Score.PublishThreshold);
        if (topic.IsJoined && topic.Mesh.Count > 0) return ServedOf(topic);
        topic.LastPublished = now;
        if (topic.Fanout.Count == 0) FillFanout(topic);
        return topic.Fanout.Concat(topic.Peers.Where(peer => peer.IsDirect));
    }

    /// <summary>Who gets a topic's messages at once: the mesh, and those with whom that is agreed.</summary>
    private IEnumerable<GossipPeer> ServedOf(TopicState topic) => _direct.Count == 0 ? topic.Mesh : topic.Mesh.Concat(topic.Peers.Where(peer => peer.IsDirect));

    private void FillFanout(TopicState topic)
    {
        foreach (GossipPeer peer in Shuffled(topic.Peers))
        {
            if (topic.Fanout.Count >= _options.Degree) return;
            if (!peer.IsDirect && ScoreOf(peer) >= _options.Score.PublishThreshold) topic.Fanout.Add(peer);
        }
    }

    private sealed record DelayedForward(TimeSpan Due, MessageId Id, Rpc Rpc, string Topic, List<GossipPeer> Recipients);
}
