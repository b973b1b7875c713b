using System.Diagnostics.CodeAnalysis;
using Overlay.Gossip.Routing;
using Overlay.Gossip.Wire;

namespace Overlay.Gossip.Messages;

/// <summary>The messages of the last heartbeats (gossipsub v1.0, "Message Cache"), for those who hear of them and ask. Bounded in bytes: the oldest go first.</summary>
internal sealed class MessageCache(int historyLength, int historyGossip, int maxSize)
{
    private readonly Dictionary<MessageId, Entry> _entries = [];
    private readonly Queue<Entry> _order = new();
    private readonly Dictionary<string, Queue<Entry>> _byTopic = new(StringComparer.Ordinal);
    private long _tick;

    internal long Size { get; private set; }

    internal int Count => _entries.Count;

    internal void Add(MessageId id, WireMessage message)
    {
        var entry = new Entry(id, message, _tick);
        if (message.Encoded.Length > maxSize || !_entries.TryAdd(id, entry)) return;
        _order.Enqueue(entry);
        if (!_byTopic.TryGetValue(message.Topic, out Queue<Entry>? topic)) _byTopic.Add(message.Topic, topic = new Queue<Entry>());
        topic.Enqueue(entry);
        Size += message.Encoded.Length;
        while (Size > maxSize) RemoveOldest();
    }

    /// <summary>Finds a message for a peer that asks for it, and counts how often it has.</summary>
    internal bool TryGetFor(MessageId id, GossipPeer peer, [NotNullWhen(true)] out WireMessage? message, out int count)
    {
        message = null;
        count = 0;
        if (!_entries.TryGetValue(id, out Entry? entry)) return false;
        message = entry.Message;
        count = entry.Asked.GetValueOrDefault(peer) + 1;
        entry.Asked[peer] = count;
        return true;
    }

    /// <summary>Ids to tell of: those of the topic's messages of the last heartbeats.</summary>
    internal List<MessageId> RecentIds(string topic)
    {
        var ids = new List<MessageId>();
        if (!_byTopic.TryGetValue(topic, out Queue<Entry>? entries)) return ids;
        foreach (Entry entry in entries)
            if (entry.Tick > _tick - historyGossip) ids.Add(entry.Id);
        return ids;
    }

    /// <summary>One heartbeat has passed.</summary>
    internal void Shift()
    {
        _tick++;
        while (_order.TryPeek(out Entry? oldest) && oldest.Tick <= _tick - historyLength) RemoveOldest();
    }

    private void RemoveOldest()
    {
        Entry oldest = _order.Dequeue();
        _entries.Remove(oldest.Id);
        Size -= oldest.Message.Encoded.Length;
        // Both queues are in the order of arrival, so the oldest of all is the oldest of its topic.
        Queue<Entry> topic = _byTopic[oldest.Message.Topic];
        topic.Dequeue();
        if (topic.Count == 0) _byTopic.Remove(oldest.Message.Topic);
    }

    private sealed record Entry(MessageId Id, WireMessage Message, long Tick)
    {
        internal Dictionary<GossipPeer, int> Asked { get; } = [];
    }
}
