namespace Overlay.Gossip.Messages;

/// <summary>Ids of messages that were judged, for a time, and what came of them. Bounded: the oldest go first.</summary>
internal sealed class SeenCache(TimeSpan time, int capacity)
{
    private readonly Dictionary<MessageId, SeenMessage> _messages = [];
    private readonly Queue<(MessageId Id, TimeSpan At)> _order = new();

    internal int Count => _messages.Count;

    internal bool Contains(MessageId id) => _messages.ContainsKey(id);

    internal bool TryGet(MessageId id, out SeenMessage message) => _messages.TryGetValue(id, out message);

    internal void Add(MessageId id, TimeSpan now, GossipVerdict verdict)
    {
        if (!_messages.TryAdd(id, new SeenMessage(now, verdict))) return;
        _order.Enqueue((id, now));
        if (_messages.Count > capacity) _messages.Remove(_order.Dequeue().Id);
    }

    internal void Expire(TimeSpan now)
    {
        while (_order.TryPeek(out (MessageId Id, TimeSpan At) oldest) && now - oldest.At > time) _messages.Remove(_order.Dequeue().Id);
    }
}

/// <summary>When a message was judged, and how.</summary>
internal readonly record struct SeenMessage(TimeSpan JudgedAt, GossipVerdict Verdict);
