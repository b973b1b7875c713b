using Overlay.Transport.Identity;

namespace Overlay.Discovery.Addresses;

/// <summary>The peers that a node knows and where they may be: bounded, with expiry, and what worked last time first.</summary>
/// <remarks>
/// Safe on several threads. Kept in memory whole; a store is read once and then written to every <see cref="AddressBookOptions.FlushInterval"/>. A peer
/// counts as reached only when this node dialled it: whoever dials this node proves no address, however often it comes.
/// </remarks>
internal sealed class AddressBook(AddressBookOptions options, TimeProvider time)
{
    private readonly Lock _lock = new();
    private readonly Dictionary<PeerId, PeerEntry> _entries = [];
    private readonly HashSet<PeerId> _dirty = [];
    private readonly HashSet<PeerId> _removed = [];
    private long _size;
    private long _refused;

    /// <summary>Peers known.</summary>
    internal int Count
    {
        get
        {
            lock (_lock) return _entries.Count;
        }
    }

    /// <summary>What they count, in bytes.</summary>
    internal long Size
    {
        get
        {
            lock (_lock) return _size;
        }
    }

    /// <summary>Addresses, records and peers that were not taken: not to be dialled, forged, older than known, or too many.</summary>
    internal long RefusedCount => Interlocked.Read(ref _refused);

    /// <summary>Takes over what a store holds. Called once, before anything else.</summary>
    internal void Restore(IEnumerable<PeerEntry> entries)
    {
        lock (_lock)
        {
            DateTimeOffset now = time.GetUtcNow();
            foreach (PeerEntry entry in entries)
            {
                if (_entries.Count >= options.MaxPeerCount || _size + entry.Size > options.MaxSize) break;
                AddressEntry[] live = [.. entry.Addresses.Where(address => IsLive(address, now)).Take(options.MaxAddressesPerPeer)];
                if (live.Length > 0) Put(entry with { Addresses = live });
                else _removed.Add(entry.Peer);
            }

            _dirty.Clear();
        }
    }

    /// <summary>Takes addresses of a peer, as many as there is room for.</summary>
    /// <param name="peer">Whose.</param>
    /// <param name="addresses">Where it may be, with or without the peer at the end.</param>
    /// <param name="origin">Who says so.</param>
    /// <param name="toldFrom">From how far away; null for the owner.</param>
    /// <returns>How many of them are now in the book.</returns>
    internal int Add(PeerId peer, IEnumerable<Multiaddr> addresses, AddressOrigin origin, AddressScope? toldFrom)
    {
        lock (_lock)
        {
            DateTimeOffset now = time.GetUtcNow();
            PeerEntry entry = _entries.GetValueOrDefault(peer) ?? new PeerEntry(peer, [], default, 0, null);
            return Merge(entry, addresses, origin, toldFrom, now);
        }
    }

    /// <summary>Takes a peer's own signed record, if it is newer than the one known; addresses that an older one had and this one lacks go.</summary>
    /// <returns>Whether it was taken.</returns>
    internal bool AddRecord(PeerId peer, ReadOnlySpan<byte> envelope, AddressScope? toldFrom)
    {
        if (!SignedPeerRecord.TryOpen(envelope, out SignedPeerRecord? record) || record.PeerId != peer)
        {
            Interlocked.Increment(ref _refused);
            return false;
        }

        lock (_lock)
        {
            PeerEntry entry = _entries.GetValueOrDefault(peer) ?? new PeerEntry(peer, [], default, 0, null);
            if (!entry.Record.IsEmpty && record.Sequence < entry.RecordSequence)
            {
                Interlocked.Increment(ref _refused);
                return false;
            }

            AddressEntry[] kept = [.. entry.Addresses.Where(a => a.Origin != AddressOrigin.Signed || record.Addresses.Contains(a.Address))];
            entry = entry with { Addresses = kept, Record = record.Envelope, RecordSequence = record.Sequence };
            return Merge(entry, record.Addresses, AddressOrigin.Signed, toldFrom, time.GetUtcNow()) > 0;
        }
    }

    /// <summary>A dial reached the peer at <paramref name="address"/>: from now on that is where to begin.</summary>
    internal void Reached(PeerId peer, Multiaddr address, AddressScope? toldFrom)
    {
        lock (_lock)
        {
            DateTimeOffset now = time.GetUtcNow();
            PeerEntry entry = _entries.GetValueOrDefault(peer) ?? new PeerEntry(peer, [], default, 0, null);
            AddressEntry known = entry.Addresses.FirstOrDefault(a => a.Address == address)
                ?? new AddressEntry(address, AddressOrigin.Told, toldFrom, now);
            AddressEntry reached = known with { Expires = now + options.KeepReached, LastReached = now, Failures = 0 };
            AddressEntry[] others = [.. Ordered(entry.Addresses.Where(a => a.Address != address)).Take(options.MaxAddressesPerPeer - 1)];
            TryPut(entry with { Addresses = [reached, .. others], LastReached = now });
        }
    }

    /// <summary>Dials failed at these addresses, all of them. One that fails too often is forgotten.</summary>
    internal void Failed(PeerId peer, IReadOnlyCollection<Multiaddr> addresses)
    {
        lock (_lock)
        {
            if (!_entries.TryGetValue(peer, out PeerEntry? entry)) return;
            AddressEntry[] left =
            [
                .. entry.Addresses.Select(a => addresses.Contains(a.Address) ? a with { Failures = a.Failures + 1 } : a)
                    .Where(a => a.Failures < options.MaxFailures),
            ];
            if (left.Length > 0) Put(entry with { Addresses = left });
            else Remove(peer);
        }
    }

    /// <summary>The addresses of a peer that hold now, best first: where it was last reached, then those that failed least, then the nearest.</summary>
    internal IReadOnlyList<AddressEntry> Find(PeerId peer)
    {
        lock (_lock)
        {
            if (!_entries.TryGetValue(peer, out PeerEntry? entry)) return [];
            DateTimeOffset now = time.GetUtcNow();
            return [.. Ordered(entry.Addresses.Where(address => IsLive(address, now)))];
        }
    }

    /// <summary>The newest signed record of a peer, or empty.</summary>
    internal ReadOnlyMemory<byte> FindRecord(PeerId peer)
    {
        lock (_lock) return _entries.TryGetValue(peer, out PeerEntry? entry) ? entry.Record : default;
    }

    /// <summary>Peers worth a dial, those reached last first, then those only heard of, the newest first.</summary>
    internal IReadOnlyList<PeerId> FindPeers(int count)
    {
        lock (_lock)
        {
            return
            [
                .. _entries.Values.OrderByDescending(e => e.LastReached).ThenByDescending(e => e.Addresses.Max(a => a.Expires)).ThenBy(e => e.Peer)
                    .Take(count).Select(e => e.Peer),
            ];
        }
    }

    /// <summary>What has changed since the last time, for the store; forgets what has expired.</summary>
    internal (IReadOnlyList<PeerEntry> Changed, IReadOnlyList<PeerId> Removed) TakeChanges()
    {
        lock (_lock)
        {
            DateTimeOffset now = time.GetUtcNow();
            foreach (PeerEntry entry in _entries.Values.Where(e => e.Addresses.Any(a => !IsLive(a, now))).ToList())
            {
                AddressEntry[] live = [.. entry.Addresses.Where(address => IsLive(address, now))];
                if (live.Length > 0) Put(entry with { Addresses = live });
                else Remove(entry.Peer);
            }

            (List<PeerEntry> changed, List<PeerId> removed) = ([.. _dirty.Select(peer => _entries[peer])], [.. _removed]);
            _dirty.Clear();
            _removed.Clear();
            return (changed, removed);
        }
    }

    /// <summary>What was taken could not be written: it is a change still.</summary>
    internal void TakeBack(IReadOnlyList<PeerEntry> changed, IReadOnlyList<PeerId> removed)
    {
        lock (_lock)
        {
            foreach (PeerEntry entry in changed)
                if (_entries.ContainsKey(entry.Peer)) _dirty.Add(entry.Peer);
            foreach (PeerId peer in removed)
                if (!_entries.ContainsKey(peer)) NoteRemoved(peer);
        }
    }

    private int Merge(PeerEntry entry, IEnumerable<Multiaddr> addresses, AddressOrigin origin, AddressScope? toldFrom, DateTimeOffset now)
    {
        var merged = entry.Addresses.ToDictionary(address => address.Address);
        var taken = new HashSet<Multiaddr>();
        foreach (Multiaddr told in addresses)
        {
            if ((told.PeerId is { } named && named != entry.Peer) || !AddressScopes.HasTransport(told) || !AddressScopes.MayDial(told, toldFrom))
            {
                Interlocked.Increment(ref _refused);
                continue;
            }

            Multiaddr address = told.WithoutPeerId();
            DateTimeOffset expires = now + options.KeepTold;
            if (merged.TryGetValue(address, out AddressEntry? known))
            {
                merged[address] = known with
                {
                    Origin = (AddressOrigin)Math.Max((int)known.Origin, (int)origin),
                    // Whoever is nearer has the say of where it leads; only what both distances allow is in the book at all.
                    ToldFrom = known.ToldFrom is null || toldFrom is null ? null : (AddressScope)Math.Min((int)known.ToldFrom, (int)toldFrom),
                    Expires = expires > known.Expires ? expires : known.Expires,
                };
            }
            else if (merged.Count < 4 * options.MaxAddressesPerPeer)
            {
                merged.Add(address, new AddressEntry(address, origin, toldFrom, expires));
            }

            taken.Add(address);
        }

        if (merged.Count == 0) return 0;
        AddressEntry[] kept = [.. Ordered(merged.Values).Take(options.MaxAddressesPerPeer)];
        Interlocked.Add(ref _refused, merged.Count - kept.Length);
        if (TryPut(entry with { Addresses = kept })) return kept.Count(address => taken.Contains(address.Address));
        Interlocked.Increment(ref _refused);
        return 0;
    }

    /// <summary>Puts an entry in, over the body of one of less worth if there is no room.</summary>
    private bool TryPut(PeerEntry entry)
    {
        bool isNew = !_entries.TryGetValue(entry.Peer, out PeerEntry? known);
        while ((isNew && _entries.Count >= options.MaxPeerCount) || _size - (known?.Size ?? 0) + entry.Size > options.MaxSize)
        {
            if (FindVictim(entry) is not { } victim) return false;
            Remove(victim.Peer);
        }

        Put(entry);
        return true;
    }

    // Whoever was never reached goes first, the longest unheard of before others; those that were reached only for one that was reached now.
    private PeerEntry? FindVictim(PeerEntry newcomer)
    {
        PeerEntry? worst = _entries.Values.Where(e => e.Peer != newcomer.Peer)
            .MinBy(e => (e.LastReached ?? DateTimeOffset.MinValue, e.Addresses.Max(a => a.Expires)));
        return worst is null || (worst.LastReached is not null && newcomer.LastReached is null) ? null : worst;
    }

    private void Put(PeerEntry entry)
    {
        if (_entries.TryGetValue(entry.Peer, out PeerEntry? known)) _size -= known.Size;
        _entries[entry.Peer] = entry;
        _size += entry.Size;
        _dirty.Add(entry.Peer);
        _removed.Remove(entry.Peer);
    }

    private void Remove(PeerId peer)
    {
        if (!_entries.Remove(peer, out PeerEntry? known)) return;
        _size -= known.Size;
        _dirty.Remove(peer);
        NoteRemoved(peer);
    }

    // Strangers come and go without end; rows that are forgotten here for lack of room are taken out after the next start, when they have expired.
    private void NoteRemoved(PeerId peer)
    {
        if (_removed.Count < 2 * options.MaxPeerCount) _removed.Add(peer);
    }

    // A clock that was set back must not keep an address for ever.
    private bool IsLive(AddressEntry address, DateTimeOffset now) =>
        address.Expires > now && address.Expires - now <= (options.KeepReached > options.KeepTold ? options.KeepReached : options.KeepTold);

    private static IEnumerable<AddressEntry> Ordered(IEnumerable<AddressEntry> addresses) => addresses
        .OrderByDescending(a => a.LastReached).ThenBy(a => a.Failures).ThenBy(a => AddressScopes.Of(a.Address) ?? AddressScope.Public)
        .ThenByDescending(a => a.Origin);
}
