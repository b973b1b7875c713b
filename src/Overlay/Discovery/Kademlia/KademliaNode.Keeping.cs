using Overlay.Discovery.Addresses;
using Overlay.Discovery.Kademlia.Lookups;
using Overlay.Discovery.Kademlia.Tables;
using Overlay.Transport.Identity;

namespace Overlay.Discovery.Kademlia;

internal sealed partial class KademliaNode
{
    // Refreshes at once, and silent peers checked at once: beside what callers want both are small.
    private const int MaxRefreshes = 3, ChecksPerMaintenance = 4;

    // Peers remembered because checking them was in vain.
    private const int MaxVainChecks = 4096;

    // Of ten requests one may fail before peers that were silent for a while are checked unasked.
    private const double CalmFailureShare = 0.1;

    // By how much longer the table is left as it is where that is so.
    private const double CalmRefresh = 1.5;

    // A table with fewer than twice k peers is small.
    private const int FewPeers = 2;

    private static readonly TimeSpan s_maintenanceInterval = TimeSpan.FromSeconds(10), s_longestBootstrapPause = TimeSpan.FromMinutes(5), s_firstPause = TimeSpan.FromSeconds(1);

    private readonly Dictionary<Key, (ReadOnlyMemory<byte> Key, TimeSpan DueAt)> _provided = [];
    private readonly Dictionary<Key, (KademliaRecord Record, TimeSpan DueAt)> _published = [];
    private readonly HashSet<Key> _checking = [];
    private readonly Backoff _vainChecks;
    private readonly HashSet<Operation> _early = []; // searches that wait for the table's first peer
    private List<Contact> _bootstrap = [];
    private bool _expectsPeers;
    private TimeSpan? _selfRefreshedAt;
    private TimeSpan _nextBootstrap;
    private TimeSpan _bootstrapPause = s_maintenanceInterval;
    private TimeSpan _earlyPause = s_firstPause;
    private double _failureShare;
    private int _refreshing;

    private static TimeSpan MaintenanceInterval => s_maintenanceInterval;

    /// <summary>Begins to fill and keep the table.</summary>
    /// <param name="bootstrap">Peers known beforehand; where the table is empty, the way back in.</param>
    /// <param name="now">The time.</param>
    /// <param name="expectsPeers">Whether the first peer may yet come by <see cref="Meet"/>: until then a search that finds nobody to ask does not end before
    /// its deadline.</param>
    internal void Start(IReadOnlyList<Contact> bootstrap, TimeSpan now, bool expectsPeers = false)
    {
        _expectsPeers = expectsPeers;
        // Who was met before is a way in too.
        _bootstrap = [.. bootstrap.Where(peer => peer.Key != Self.Key).Concat(_bootstrap).DistinctBy(peer => peer.Key)];
        // Nodes that were started together must not all do their upkeep at the same moment.
        At(now + (s_maintenanceInterval * _random.NextDouble()), new Timer(TimerKind.Maintenance, 0, null));
        RefreshDue(now);
    }

    /// <summary>Takes an address learned elsewhere: the peer is dialled and enters the table if it answers.</summary>
    internal void Meet(Contact peer, TimeSpan now)
    {
        Contact dialable = Sanitize(peer);
        if (dialable.Addresses.Count == 0 || Table.Judge(dialable.Key, null) != TableVerdict.Wanted) return;
        if (_bootstrap.Count < _options.BucketSize && KnowsNobody && !_bootstrap.Exists(known => known.Key == dialable.Key)) _bootstrap.Add(dialable);
        if (_checking.Count < _options.MaxChecks) Check(dialable, now);
    }

    private bool KnowsNobody => Table.Count == 0;

    private Contact TakeIntoTable(Contact peer, PeerReach reach, TimeSpan now)
    {
        NoteOutcome(failed: false);
        if (Standings.IsDoubtful(peer.Key, now)) return peer;
        if (reach.DialledAt is not { } dialled)
        {
            // It came by itself. Whether others can reach it, a dial must show.
            if (Table.Judge(peer.Key, null) == TableVerdict.Wanted && _checking.Count < _options.MaxChecks && Sanitize(peer) is { Addresses.Count: > 0 } claimed)
                Check(claimed, now);
            else if (Table.Find(peer.Key) is { } entry) Table.Answered(entry.Contact, entry.Group, now);
            return peer;
        }

        if (!_policy.IsDialable(dialled)) return peer;
        Contact known = Verified(peer, dialled.WithoutPeerId(), reach.OwnAddresses);
        bool isNew = Table.Answered(known, _policy.LimitedGroup(dialled), now) == TableVerdict.Wanted;
        if (isNew) _actions.Enqueue(new PeerLearned(known));
        if (isNew && _early.Count != 0) BeginAnew(now);
        return known;
    }

    /// <summary>Whether a search has found nobody at all to ask, but somebody may come before its deadline.</summary>
    private bool IsEarly(Operation operation) =>
        _expectsPeers && KnowsNobody && operation is not RefreshOperation && !operation.IsBackground && operation.Lookup!.Closest(1).Count == 0;

    private void BeginAnew(TimeSpan now)
    {
        Operation[] early = [.. _early];
        _early.Clear();
        foreach (Operation operation in early)
        {
            StartLookup(operation, operation.Target, now);
            Drive(operation, now);
        }
    }

    /// <summary>A peer as it may be told to others: the address at which it was reached, and those that it names itself. What third peers say of it is not
    /// passed on.</summary>
    private Contact Verified(Contact peer, Multiaddr dialled, IReadOnlyList<Multiaddr>? own)
    {
        if (peer.Addresses.Count == 1 && peer.Addresses[0] == dialled && (own is null || ReferenceEquals(own, peer.Addresses))) return peer;
        IReadOnlyList<Multiaddr> addresses = _policy.Dialable([dialled, .. own ?? []]);
        return new Contact(peer.Id, addresses);
    }

    // Whoever asks again and again, and says that it is where it is not, must not make this node dial there each time.
    private bool MayCheck(Contact peer, TimeSpan now) => _vainChecks.IsOver(peer.Id, _startedAt + now);

    private void Checked(Contact peer, TimeSpan now)
    {
        _checking.Remove(peer.Key);
        if (Table.Find(peer.Key) is null) _vainChecks.Failed(peer.Id, _startedAt + now);
        else _vainChecks.Reached(peer.Id);
    }

    private void Check(Contact peer, TimeSpan now)
    {
        if (Standings.IsDoubtful(peer.Key, now) || !MayCheck(peer, now) || !_checking.Add(peer.Key)) return;
        // Asked for this node's own neighbourhood, its answer at least says whom it knows there.
        Send(peer, new KademliaMessage(KademliaMessageType.FindNode, Self.Id.Bytes.ToArray()), null, null, RequestUse.Check, isFreshDial: true, now);
    }

    private void NoteOutcome(bool failed) => _failureShare += ((failed ? 1 : 0) - _failureShare) / 64;

    private void Maintain(TimeSpan now)
    {
        Values.RemoveExpired(now);
        Providers.RemoveExpired(now);
        Republish(now);
        CheckSilent(now);
        RefreshDue(now);
    }

    private void Republish(TimeSpan now)
    {
        // One of each a time: what was announced together need not be announced again together.
        foreach ((Key place, (ReadOnlyMemory<byte> key, TimeSpan dueAt)) in _provided)
        {
            if (dueAt > now || KnowsNobody) continue;
            _provided[place] = (key, now + _options.RepublishInterval);
            Begin(new ProvideOperation(key, now + _options.LookupTimeout) { IsBackground = true }, now);
            break;
        }

        foreach ((Key place, (KademliaRecord record, TimeSpan dueAt)) in _published)
        {
            if (dueAt > now || KnowsNobody) continue;
            _published[place] = (record, now + _options.RepublishInterval);
            Begin(new PutValueOperation(record with { TimeReceived = Date(now) }, now + _options.LookupTimeout) { IsBackground = true }, now);
            break;
        }
    }

    /// <summary>What found few peers, because this node had only come or the network is small, is stored anew sooner.</summary>
    private void PlanNextStore(Operation operation, TimeSpan now)
    {
        switch (operation)
        {
            // What was stored of the addresses before the last move is due at once.
            case ProvideOperation provide when (provide.Announced is null || provide.Announced == Self)
                && _provided.TryGetValue(provide.Target, out (ReadOnlyMemory<byte> Key, TimeSpan DueAt) provided):
                _provided[provide.Target] = provided with { DueAt = now + PauseAfter(provide.StoredCount) };
                break;
            case PutValueOperation put when _published.TryGetValue(put.Target, out (KademliaRecord Record, TimeSpan DueAt) published):
                _published[put.Target] = published with { DueAt = now + PauseAfter(put.StoredCount) };
                break;
        }
    }

    private TimeSpan PauseAfter(int storedCount)
    {
        TimeSpan pause = storedCount == 0 ? _options.RepairInterval : storedCount < _options.BucketSize ? _options.RefreshInterval : _options.RepublishInterval;
        return pause < _options.RepublishInterval ? pause : _options.RepublishInterval;
    }

    /// <summary>Asks peers that have been silent, sooner the more requests fail: where many peers come and go, a table must be looked through more
    /// often.</summary>
    private void CheckSilent(TimeSpan now)
    {
        TimeSpan patience = IsCalm ? 2 * _options.RefreshInterval : _options.RefreshInterval * (0.2 * CalmFailureShare / _failureShare);
        int count = IsCalm ? ChecksPerMaintenance : 4 * ChecksPerMaintenance;
        foreach (TableEntry entry in Table.Silent(now - patience).Take(count).ToArray())
            if (_checking.Count < _options.MaxChecks) Check(entry.Contact, now);
    }

    private bool IsCalm => _failureShare <= CalmFailureShare;

    private void RefreshDue(TimeSpan now)
    {
        if (KnowsNobody)
        {
            if (_bootstrap.Count == 0 || now < _nextBootstrap || _refreshing > 0) return;
            _nextBootstrap = now + _bootstrapPause;
            _bootstrapPause = TimeSpan.FromTicks(Math.Min(2 * _bootstrapPause.Ticks, s_longestBootstrapPause.Ticks));
            RefreshSelf(now);
            return;
        }

        _bootstrapPause = s_maintenanceInterval;
        if (_selfRefreshedAt is not { } last || now - last >= EarlyPause / 2 || IsDue(last, now - last >= _options.RepairInterval && HasLostNear(), -1, now)) RefreshSelf(now);
        // Deeper than this, all that there are lie among the nearest to this node, and looking for itself finds them.
        for (int i = 0; i < KeyPreimage.MaxPrefixLength && _refreshing < MaxRefreshes && Table.CountFrom(i) > _options.BucketSize; i++)
        {
            KBucket bucket = Table.Bucket(i);
            if (bucket.RefreshedAt is { } at && !IsDue(at, bucket.HasLost && bucket.Entries.Count < _options.BucketSize, i, now)) continue;
            byte[] key = KeyPreimage.FindSibling(Self.Key, i, _random);
            bucket.RefreshedAt = now;
            bucket.HasLost = false;
            _refreshing++;
            Begin(new RefreshOperation(key, i, now + _options.LookupTimeout), now);
        }
    }

    // Where few are known, all may have come at once and each have asked before the others were known: it looks again soon, then less and less often.
    private TimeSpan EarlyPause => Table.Count < FewPeers * _options.BucketSize ? _earlyPause : TimeSpan.MaxValue;

    private void RefreshSelf(TimeSpan now)
    {
        if (_refreshing >= MaxRefreshes) return;
        if (EarlyPause < _options.RefreshInterval)
        {
            At(now + _earlyPause, new Timer(TimerKind.Refresh, 0, null));
            _earlyPause *= 2;
        }

        _selfRefreshedAt = now;
        _refreshing++;
        Begin(new RefreshOperation(Self.Id.Bytes.ToArray(), -1, now + _options.LookupTimeout), now);
    }

    private bool HasLostNear()
    {
        for (int i = Table.DeepestBucket; i >= 0; i--)
        {
            if (Table.CountFrom(i) > _options.BucketSize) return false;
            if (!Table.Bucket(i).HasLost) continue;
            Table.Bucket(i).HasLost = false;
            return true;
        }

        return false;
    }

    // Spread over a tenth of the interval, so that what was begun together drifts apart. Where hardly a request fails, hardly anybody has come or gone.
    private bool IsDue(TimeSpan last, bool hasLost, int bucket, TimeSpan now) =>
        now - last >= _options.RefreshInterval * ((IsCalm ? CalmRefresh : 1) + (((bucket + 1) % 8) / 80.0)) || (hasLost && now - last >= _options.RepairInterval);

    private void Refreshed(RefreshOperation operation, TimeSpan now)
    {
        _refreshing--;
        if (operation.Bucket >= 0) Size.Add(operation.Target, [.. operation.Closest.Select(peer => peer.Contact)], _options.BucketSize);
        RefreshDue(now);
    }
}
