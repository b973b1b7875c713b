namespace Overlay.Discovery.Kademlia.Stores;

/// <summary>The values that this node keeps for others: one for each key, bounded in number, size and for each peer and network. Not safe on several
/// threads.</summary>
/// <remarks>When it is full, what lies farthest from this node goes first: its duty is to the keys near it, and those a stranger cannot choose
/// cheaply.</remarks>
internal sealed class ValueStore(Key self, KademliaOptions options)
{
    // Beside key and value: the objects around them.
    private const int Overhead = 256;

    private readonly Dictionary<Key, Entry> _entries = [];
    private readonly FarthestFirst _order = new(self);
    private readonly StoreQuota _quota = new(options.MaxValuesPerPeer);

    internal int Count => _entries.Count;

    /// <summary>Bytes held.</summary>
    internal long Size { get; private set; }

    /// <summary>Puts a valid value that is better than the one there. The caller has compared them.</summary>
    /// <returns>False when its owner has stored too much, or nearer values fill the store.</returns>
    internal bool TryPut(in Key place, KademliaRecord record, StoreOwner owner, TimeSpan now)
    {
        var entry = new Entry(record, owner, now + options.ValueExpiry);
        if (_entries.TryGetValue(place, out Entry? old))
        {
            // Renewing another's value must not let one use up one's own share, nor dodge it.
            if (old.Owner != owner && !_quota.HasRoom(owner)) return false;
            if (Size - old.Size + entry.Size > options.MaxValueMemory) return false;
            Remove(place, old);
        }
        else if (!_quota.HasRoom(owner) || !TryMakeRoom(place, entry.Size)) return false;

        _entries.Add(place, entry);
        _order.Add(place);
        _quota.Add(owner);
        Size += entry.Size;
        return true;
    }

    /// <summary>The value of a key, or null.</summary>
    internal KademliaRecord? Find(in Key place, TimeSpan now) => _entries.TryGetValue(place, out Entry? entry) && entry.ExpiresAt > now ? entry.Record : null;

    internal void RemoveExpired(TimeSpan now)
    {
        foreach ((Key place, Entry entry) in _entries.Where(pair => pair.Value.ExpiresAt <= now).ToArray()) Remove(place, entry);
    }

    private bool TryMakeRoom(in Key place, int size)
    {
        while (_entries.Count >= options.MaxValueCount || Size + size > options.MaxValueMemory)
        {
            if (!_order.TryFind(place, out Key farthest)) return false;
            Remove(farthest, _entries[farthest]);
        }

        return true;
    }

    private void Remove(in Key place, Entry entry)
    {
        _entries.Remove(place);
        _order.Remove(place);
        _quota.Remove(entry.Owner);
        Size -= entry.Size;
    }

    private sealed record Entry(KademliaRecord Record, StoreOwner Owner, TimeSpan ExpiresAt)
    {
        internal int Size => Record.Key.Length + Record.Value.Length + Overhead;
    }
}
