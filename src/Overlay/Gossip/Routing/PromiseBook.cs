namespace Overlay.Gossip.Routing;

/// <summary>Which peers have told of a message, were asked for it, and owe it. One id of each answered IHAVE is watched, chosen at random.</summary>
internal sealed class PromiseBook(TimeSpan followupTime, int capacity)
{
    private readonly Dictionary<MessageId, List<Promise>> _promises = [];
    private readonly Queue<(MessageId Id, TimeSpan Due)> _order = new();

    internal int Count => _order.Count;

    internal void Add(MessageId id, GossipPeer peer, TimeSpan now)
    {
        if (_order.Count >= capacity) return;
        if (!_promises.TryGetValue(id, out List<Promise>? owed)) _promises.Add(id, owed = []);
        if (owed.Exists(promise => promise.Peer == peer)) return;
        TimeSpan due = now + followupTime;
        owed.Add(new Promise(peer, due));
        _order.Enqueue((id, due));
    }

    /// <summary>The message came, from whomever.</summary>
    internal void Keep(MessageId id) => _promises.Remove(id);

    /// <summary>A peer sent what it told of, whatever was made of it here.</summary>
    internal void Keep(MessageId id, GossipPeer peer)
    {
        if (!_promises.TryGetValue(id, out List<Promise>? owed)) return;
        owed.RemoveAll(promise => promise.Peer == peer);
        if (owed.Count == 0) _promises.Remove(id);
    }

    /// <summary>Forgets promises whose time has passed and returns who broke them, once for each.</summary>
    /// <param name="now">The time.</param>
    /// <param name="isHere">Whether a message has come and still waits for its check; should it be a forgery, its senders pay for that.</param>
    internal List<GossipPeer> TakeBroken(TimeSpan now, Func<MessageId, bool> isHere)
    {
        var broken = new List<GossipPeer>();
        while (_order.TryPeek(out (MessageId Id, TimeSpan Due) oldest) && oldest.Due <= now)
        {
            _order.Dequeue();
            if (!_promises.TryGetValue(oldest.Id, out List<Promise>? owed)) continue;
            if (!isHere(oldest.Id)) broken.AddRange(owed.Where(promise => promise.Due <= now).Select(promise => promise.Peer));
            owed.RemoveAll(promise => promise.Due <= now);
            if (owed.Count == 0) _promises.Remove(oldest.Id);
        }

        return broken;
    }

    private readonly record struct Promise(GossipPeer Peer, TimeSpan Due);
}
