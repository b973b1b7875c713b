namespace Overlay.Discovery.Kademlia.Tables;

/// <summary>The peers that this node knows to answer, by how many leading bits they share with it. Not safe on several threads; its node owns it.</summary>
/// <remarks>
/// A full bucket keeps its old peers while they answer: an attacker cannot push out who is there (Kademlia, section 2.2). What one network may hold of a
/// bucket and of the table is limited, so filling it takes addresses and not only names.
/// </remarks>
internal sealed class RoutingTable(Key self, KademliaOptions options)
{
    private const int MaxWaiting = 6, MaxFailures = 2;

    private readonly KBucket?[] _buckets = new KBucket?[Key.BitCount];
    private readonly Dictionary<AddressGroup, int> _groups = [];
    private readonly List<(Distance Distance, Contact Contact)> _found = [];

    /// <summary>The number of peers.</summary>
    internal int Count { get; private set; }

    /// <summary>The highest bucket with a peer in it, or -1.</summary>
    internal int DeepestBucket
    {
        get
        {
            for (int i = Key.BitCount - 1; i >= 0; i--)
                if (_buckets[i] is { Entries.Count: > 0 }) return i;
            return -1;
        }
    }

    internal IEnumerable<Contact> Contacts => _buckets.Where(bucket => bucket is not null).SelectMany(bucket => bucket!.Entries).Select(entry => entry.Contact);

    /// <summary>A bucket, made if there was none.</summary>
    internal KBucket Bucket(int index) => _buckets[index] ??= new KBucket();

    /// <summary>How many peers share at least so many leading bits with this node.</summary>
    internal int CountFrom(int bucket)
    {
        int count = 0;
        for (int i = bucket; i < Key.BitCount; i++) count += _buckets[i]?.Entries.Count ?? 0;
        return count;
    }

    /// <summary>Takes note that a lookup goes to a place.</summary>
    internal void MarkRefreshed(in Key target, TimeSpan now)
    {
        if (target != self) Bucket(self.CommonPrefixLength(target)).RefreshedAt = now;
    }

    /// <summary>Peers that have not answered for long, or failed to, those that answered the longest ago first.</summary>
    internal IEnumerable<TableEntry> Silent(TimeSpan answeredBefore) =>
        _buckets.Where(bucket => bucket is not null).SelectMany(bucket => bucket!.Entries)
            .Where(entry => entry.Failures > 0 || entry.AnsweredAt <= answeredBefore).OrderBy(entry => entry.AnsweredAt);

    internal TableEntry? Find(in Key key)
    {
        if (key == self || BucketOf(key) is not { } bucket) return null;
        int at = KBucket.IndexOf(bucket.Entries, key);
        return at < 0 ? null : bucket.Entries[at];
    }

    /// <summary>Whether a peer that is not in the table would be let in, were it to answer from <paramref name="group"/>.</summary>
    internal TableVerdict Judge(in Key key, AddressGroup? group)
    {
        if (key == self) return TableVerdict.Self;
        if (Find(key) is not null) return TableVerdict.Known;
        KBucket? bucket = BucketOf(key);
        if (group is { } network)
        {
            if (bucket?.CountIn(network) >= options.MaxPeersPerNetworkInBucket) return TableVerdict.NetworkFull;
            if (_groups.GetValueOrDefault(network) >= options.MaxPeersPerNetwork) return TableVerdict.NetworkFull;
        }

        if (bucket is null || bucket.Entries.Count < options.BucketSize || bucket.Entries.Exists(entry => entry.Failures > 0)) return TableVerdict.Wanted;
        return TableVerdict.BucketFull;
    }

    /// <summary>Takes note that a peer has answered under its name at an address that was dialled, and lets it in if there is room.</summary>
    internal TableVerdict Answered(Contact contact, AddressGroup? group, TimeSpan now)
    {
        Key key = contact.Key;
        TableVerdict verdict = Judge(key, group);
        switch (verdict)
        {
            case TableVerdict.Known:
                KBucket known = BucketOf(key)!;
                int at = KBucket.IndexOf(known.Entries, key);
                TableEntry entry = known.Entries[at];
                known.Entries.RemoveAt(at);
                known.Entries.Add(entry);
                entry.AnsweredAt = now;
                entry.Failures = 0;
                if (contact.Addresses.Count != 0) entry.Contact = contact;
                break;
            case TableVerdict.Wanted:
                KBucket bucket = _buckets[self.CommonPrefixLength(key)] ??= new KBucket();
                if (bucket.Entries.Count >= options.BucketSize) RemoveAt(bucket, bucket.Entries.FindIndex(other => other.Failures > 0));
                Insert(bucket, new TableEntry(contact, group, now));
                break;
            case TableVerdict.BucketFull:
                List<TableEntry> waiting = BucketOf(key)!.Waiting;
                int old = KBucket.IndexOf(waiting, key);
                if (old >= 0) waiting.RemoveAt(old);
                else if (waiting.Count == MaxWaiting) waiting.RemoveAt(0);
                waiting.Add(new TableEntry(contact, group, now));
                break;
        }

        return verdict;
    }

    /// <summary>Takes note that a peer did not answer. One that somebody waits to replace goes at once, any other the second time.</summary>
    /// <returns>Whether it was removed.</returns>
    internal bool Failed(in Key key)
    {
        if (Find(key) is not { } entry) return false;
        KBucket bucket = BucketOf(key)!;
        if (++entry.Failures < MaxFailures && bucket.Waiting.Count == 0) return false;
        Remove(key);
        return true;
    }

    /// <summary>Removes a peer; the newest of those that wait takes its place.</summary>
    internal void Remove(in Key key)
    {
        if (BucketOf(key) is not { } bucket) return;
        int waits = KBucket.IndexOf(bucket.Waiting, key);
        if (waits >= 0) bucket.Waiting.RemoveAt(waits);
        int at = KBucket.IndexOf(bucket.Entries, key);
        if (at < 0) return;
        RemoveAt(bucket, at);
        for (int i = bucket.Waiting.Count - 1; i >= 0; i--)
        {
            TableEntry next = bucket.Waiting[i];
            if (Judge(next.Contact.Key, next.Group) != TableVerdict.Wanted) continue;
            bucket.Waiting.RemoveAt(i);
            Insert(bucket, next);
            return;
        }

        bucket.HasLost = true;
    }

    /// <summary>The peers nearest to a place, nearest first. Of those whose last request failed nobody else is told.</summary>
    /// <param name="target">The place.</param>
    /// <param name="count">How many at most.</param>
    /// <param name="except">A peer to leave out.</param>
    /// <param name="includeFailing">Whether peers whose last request failed are taken too.</param>
    internal List<Contact> Closest(in Key target, int count, Key? except = null, bool includeFailing = false)
    {
        // Seen from here: the bucket that the target falls into holds what is nearest to it, the deeper ones what comes next, then each shallower one.
        _found.Clear();
        int own = Math.Min(self.CommonPrefixLength(target), Key.BitCount - 1);
        Collect(own, target, except, includeFailing);
        if (_found.Count < count)
            for (int i = own + 1; i < Key.BitCount; i++) Collect(i, target, except, includeFailing);
        for (int i = own - 1; i >= 0 && _found.Count < count; i--) Collect(i, target, except, includeFailing);

        _found.Sort(static (left, right) => left.Distance.CompareTo(right.Distance));
        var closest = new List<Contact>(Math.Min(count, _found.Count));
        for (int i = 0; i < _found.Count && i < count; i++) closest.Add(_found[i].Contact);
        return closest;
    }

    private void Collect(int index, in Key target, Key? except, bool includeFailing)
    {
        if (_buckets[index] is not { } bucket) return;
        foreach (TableEntry entry in bucket.Entries)
        {
            if ((entry.Failures > 0 && !includeFailing) || entry.Contact.Key == except) continue;
            _found.Add((entry.Contact.Key.DistanceTo(target), entry.Contact));
        }
    }

    private KBucket? BucketOf(in Key key) => key == self ? null : _buckets[self.CommonPrefixLength(key)];

    private void Insert(KBucket bucket, TableEntry entry)
    {
        bucket.Entries.Add(entry);
        bucket.HasLost = false;
        Count++;
        if (entry.Group is { } group) _groups[group] = _groups.GetValueOrDefault(group) + 1;
    }

    private void RemoveAt(KBucket bucket, int at)
    {
        TableEntry entry = bucket.Entries[at];
        bucket.Entries.RemoveAt(at);
        Count--;
        if (entry.Group is not { } group) return;
        if (--_groups[group] == 0) _groups.Remove(group);
    }
}

/// <summary>What the table says to a peer that has answered.</summary>
internal enum TableVerdict
{
    /// <summary>It is let in.</summary>
    Wanted = 1,

    /// <summary>It is there.</summary>
    Known,

    /// <summary>Its bucket is full of peers that answer; it may wait.</summary>
    BucketFull,

    /// <summary>Its network holds all that one may.</summary>
    NetworkFull,

    /// <summary>It is this node.</summary>
    Self,
}
