namespace Overlay.Discovery.Kademlia.Lookups;

/// <summary>A search for the peers nearest to a place: whom to ask next, and when it is over. A state machine without clock and I/O.</summary>
/// <remarks>
/// It runs along several disjoint paths (S/Kademlia, section 4.4): a peer's word is followed on the path that asked it alone, so that one liar misleads one
/// path. That a peer has answered counts on every path that knows of it, so a path costs little where others have been. A path is over when the k nearest
/// live peers that it knows of have answered. Of one network no more peers count than may be in a table.
/// </remarks>
internal sealed class Lookup
{
    private readonly KademliaOptions _options;
    private readonly LookupPath[] _paths;
    private readonly Dictionary<Key, LookupPeer> _peers = [];
    private readonly Dictionary<AddressGroup, int> _groups = [];
    private readonly Key _self;
    private readonly int _wanted;
    private readonly int _pathParallelism;
    private int _turn;

    /// <summary>Begins a lookup.</summary>
    /// <param name="self">This node, which is never asked.</param>
    /// <param name="target">The place searched for.</param>
    /// <param name="seeds">Peers to begin with, nearest first.</param>
    /// <param name="pathCount">How many disjoint paths.</param>
    /// <param name="options">k and α.</param>
    internal Lookup(in Key self, in Key target, IReadOnlyList<Contact> seeds, int pathCount, KademliaOptions options)
    {
        _self = self;
        Target = target;
        _options = options;
        _wanted = options.BucketSize;
        _paths = new LookupPath[Math.Clamp(pathCount, 1, Math.Max(1, seeds.Count))];
        _pathParallelism = Math.Max(1, (options.Parallelism + _paths.Length - 1) / _paths.Length);
        for (int i = 0; i < _paths.Length; i++) _paths[i] = new LookupPath(_wanted);
        for (int i = 0; i < seeds.Count; i++) AddCandidate(_paths[i % _paths.Length], seeds[i], null);
    }

    internal Key Target { get; }

    /// <summary>The bytes that name the target in requests.</summary>
    internal ReadOnlyMemory<byte> RequestKey { get; init; }

    /// <summary>Whether every path is over.</summary>
    internal bool IsOver { get; private set; }

    /// <summary>Requests that are under way and not yet overdue.</summary>
    internal int Waiting { get; private set; }

    /// <summary>Peers asked.</summary>
    internal int Asked { get; private set; }

    /// <summary>Everybody who was heard of.</summary>
    internal IReadOnlyCollection<LookupPeer> Peers => _peers.Values;

    /// <summary>The next peer to ask; null when answers are to be waited for, or all is over.</summary>
    internal LookupPeer? Next()
    {
        if (IsOver) return null;
        bool over = true;
        for (int i = 0; i < _paths.Length; i++)
        {
            LookupPath path = _paths[_turn];
            _turn = (_turn + 1) % _paths.Length;
            if (path.IsOver) continue;
            LookupPeer? next = path.Advance();
            over &= path.IsOver;
            if (next is null || path.Waiting >= _pathParallelism || Waiting >= _options.Parallelism) continue;
            next.State = LookupPeerState.Waiting;
            next.Path = path;
            path.Waiting++;
            Waiting++;
            Asked++;
            return next;
        }

        IsOver = over;
        return null;
    }

    /// <summary>Takes a peer's answer.</summary>
    /// <param name="key">Who answered.</param>
    /// <param name="group">The network it was reached in; null when that is not limited.</param>
    /// <param name="closer">The peers it names, those that may be asked at all.</param>
    /// <returns>False when it was not asked, or its answer does not count.</returns>
    internal bool Answered(in Key key, AddressGroup? group, IReadOnlyList<Contact> closer)
    {
        if (!_peers.TryGetValue(key, out LookupPeer? peer) || !TrySettle(peer)) return false;
        if (group is { } network)
        {
            int count = _groups.GetValueOrDefault(network);
            if (count >= _options.MaxPeersPerNetwork)
            {
                peer.State = LookupPeerState.Surplus;
                return false;
            }

            _groups[network] = count + 1;
        }

        peer.State = LookupPeerState.Answered;
        // An honest answer names k at most; what is more is not read.
        for (int i = 0; i < closer.Count && i < _wanted; i++) AddCandidate(peer.Path!, closer[i], peer);
        return true;
    }

    /// <summary>Takes note that a peer will not answer. Where somebody else gave other addresses for it, those are tried too.</summary>
    internal void Failed(in Key key)
    {
        if (_peers.TryGetValue(key, out LookupPeer? peer) && TrySettle(peer)) peer.State = peer.TryAlternative() ? LookupPeerState.New : LookupPeerState.Failed;
    }

    /// <summary>Takes note that a peer lets wait: the first time others are asked in its place, the second time the lookup no longer waits for it. Its
    /// answer still
    /// counts if it comes.</summary>
    internal void Stalled(in Key key)
    {
        if (!_peers.TryGetValue(key, out LookupPeer? peer)) return;
        LookupPeerState state = peer.State;
        if (TrySettle(peer)) peer.State = state == LookupPeerState.Waiting ? LookupPeerState.Stalled : LookupPeerState.Overdue;
    }

    /// <summary>The nearest peers that have answered, nearest first.</summary>
    internal List<LookupPeer> Closest(int count)
    {
        List<LookupPeer> answered = [.. _peers.Values.Where(peer => peer.State == LookupPeerState.Answered)];
        answered.Sort(static (left, right) => left.Distance.CompareTo(right.Distance));
        if (answered.Count > count) answered.RemoveRange(count, answered.Count - count);
        return answered;
    }

    private bool TrySettle(LookupPeer peer)
    {
        if (peer.State == LookupPeerState.Waiting)
        {
            peer.Path!.Waiting--;
            Waiting--;
            return true;
        }

        return peer.State is LookupPeerState.Stalled or LookupPeerState.Overdue;
    }

    private void AddCandidate(LookupPath path, Contact contact, LookupPeer? namedBy)
    {
        if (contact.Key == _self) return;
        if (_peers.TryGetValue(contact.Key, out LookupPeer? peer))
        {
            // Somebody else may have been told a false address first.
            if (peer.State == LookupPeerState.New && peer.Alternative is null && !ReferenceEquals(peer.Contact, contact) && !peer.Contact.Addresses.SequenceEqual(contact.Addresses))
                peer.Alternative = contact;
        }
        else
        {
            peer = new LookupPeer(contact, contact.Key.DistanceTo(Target), namedBy);
            if (!path.Fits(peer)) return;
            _peers.Add(contact.Key, peer);
        }

        path.Add(peer);
    }
}
