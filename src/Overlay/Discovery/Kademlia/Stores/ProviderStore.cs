namespace Overlay.Discovery.Kademlia.Stores;

/// <summary>Who provides what, as the providers themselves have said: bounded in keys, for each key, peer and network, and in bytes. Not safe on several
/// threads.</summary>
/// <remarks>
/// A key that is full makes room by taking from the network that holds the most of it, so that many names behind few addresses cannot push out the others.
/// When there are too many keys or bytes, the key farthest from this node goes.
/// </remarks>
internal sealed class ProviderStore(Key self, KademliaOptions options)
{
    // The objects around a key, a record and an address.
    private const int KeyOverhead = 128, EntryOverhead = 256, AddressOverhead = 192;

    private readonly Dictionary<Key, List<Entry>> _keys = [];
    private readonly FarthestFirst _order = new(self);
    private readonly StoreQuota _quota = new(options.MaxKeysPerProvider);

    internal int KeyCount => _keys.Count;

    internal int Count => _keys.Values.Sum(entries => entries.Count);

    /// <summary>Bytes held.</summary>
    internal long Size { get; private set; }

    /// <summary>Takes a peer's word that it provides a key.</summary>
    /// <returns>False when the peer, its network or nearer keys have used up the room.</returns>
    internal bool TryAdd(in Key place, Contact provider, AddressGroup? network, TimeSpan now)
    {
        var owner = new StoreOwner(provider.Key, network);
        if (_keys.TryGetValue(place, out List<Entry>? entries))
        {
            // What the peer said before is void whether or not there is room for what it says now.
            int old = entries.FindIndex(entry => entry.Owner.Peer == owner.Peer);
            if (old >= 0) RemoveAt(place, entries, old);
        }

        if (!_quota.HasRoom(owner)) return false;
        if (_keys.TryGetValue(place, out entries)) MakeRoom(place, entries, owner);
        var entry = new Entry(provider, owner, now);
        if (!TryMakeRoom(place, entry.Size)) return false;
        // Making room in its own key may have left it empty.
        if (!_keys.TryGetValue(place, out entries))
        {
            _keys.Add(place, entries = []);
            _order.Add(place);
            Size += KeyOverhead;
        }

        entries.Add(entry);
        Size += entry.Size;
        _quota.Add(owner);
        return true;
    }

    /// <summary>The providers of a key, those that spoke last first; addresses only as long as they are fresh.</summary>
    internal List<Contact> Find(in Key place, int count, TimeSpan now)
    {
        var found = new List<Contact>();
        if (!_keys.TryGetValue(place, out List<Entry>? entries)) return found;
        for (int i = entries.Count - 1; i >= 0 && found.Count < count; i--)
        {
            TimeSpan age = now - entries[i].SaidAt;
            if (age >= options.ProviderExpiry) continue;
            found.Add(age < options.ProviderAddressExpiry ? entries[i].Provider : new Contact(entries[i].Provider.Id, []));
        }

        return found;
    }

    internal void RemoveExpired(TimeSpan now)
    {
        foreach ((Key place, List<Entry> entries) in _keys.ToArray())
            for (int i = entries.Count - 1; i >= 0; i--)
                if (now - entries[i].SaidAt >= options.ProviderExpiry) RemoveAt(place, entries, i);
    }

    private void MakeRoom(in Key place, List<Entry> entries, StoreOwner owner)
    {
        // The first of a network's is the one that spoke the longest ago.
        if (owner.Network is { } network && entries.Count(entry => entry.Owner.Network == network) >= options.MaxProvidersPerKeyAndNetwork)
            RemoveAt(place, entries, entries.FindIndex(entry => entry.Owner.Network == network));
        if (entries.Count < options.MaxProvidersPerKey) return;
        // Those without a network are each their own.
        IGrouping<AddressGroup?, Entry>? crowded = entries.Where(entry => entry.Owner.Network is not null).GroupBy(entry => entry.Owner.Network).MaxBy(group => group.Count());
        RemoveAt(place, entries, crowded is null ? 0 : entries.IndexOf(crowded.First()));
    }

    private bool TryMakeRoom(in Key place, int size)
    {
        while (true)
        {
            bool isNew = !_keys.ContainsKey(place);
            if ((!isNew || _keys.Count < options.MaxProviderKeyCount) && Size + size + (isNew ? KeyOverhead : 0) <= options.MaxProviderMemory) return true;
            if (!_order.TryFind(place, out Key farthest)) return false;
            List<Entry> entries = _keys[farthest];
            for (int i = entries.Count - 1; i >= 0; i--) RemoveAt(farthest, entries, i);
        }
    }

    private void RemoveAt(in Key place, List<Entry> entries, int at)
    {
        Entry entry = entries[at];
        _quota.Remove(entry.Owner);
        Size -= entry.Size;
        entries.RemoveAt(at);
        if (entries.Count > 0 || !_keys.Remove(place)) return;
        _order.Remove(place);
        Size -= KeyOverhead;
    }

    private sealed record Entry(Contact Provider, StoreOwner Owner, TimeSpan SaidAt)
    {
        internal int Size { get; } = EntryOverhead + Provider.Addresses.Sum(address => AddressOverhead + address.Bytes.Length);
    }
}
