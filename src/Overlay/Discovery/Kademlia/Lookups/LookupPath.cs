namespace Overlay.Discovery.Kademlia.Lookups;

/// <summary>One of a lookup's disjoint paths: the peers that it has heard of, nearest first, no more than a few times k.</summary>
internal sealed class LookupPath(int wanted)
{
    // What is farther than this many others is not asked before the lookup has ended, unless all of those are dead.
    private const int CandidatesPerWanted = 4;

    private readonly List<LookupPeer> _candidates = [];

    /// <summary>Whether the nearest live peers have all answered.</summary>
    internal bool IsOver { get; private set; }

    /// <summary>Requests of this path under way and not overdue.</summary>
    internal int Waiting { get; set; }

    private int Capacity => wanted * CandidatesPerWanted;

    internal bool Fits(LookupPeer peer) => _candidates.Count < Capacity || peer.Distance < _candidates[^1].Distance;

    internal void Add(LookupPeer peer)
    {
        int at = Place(peer.Distance);
        if (at < _candidates.Count && ReferenceEquals(_candidates[at], peer)) return;
        if (at == Capacity) return;
        _candidates.Insert(at, peer);
        if (_candidates.Count > Capacity) _candidates.RemoveAt(Capacity);
        // A path that had found all it wanted has more to look at only if this one is among the nearest; Advance says so.
        IsOver = false;
    }

    /// <summary>The nearest peer that nobody has asked, as long as fewer than k nearer ones have answered. Ends the path when nothing is left to ask or
    /// wait for.</summary>
    internal LookupPeer? Advance()
    {
        int answered = 0;
        bool waits = false;
        foreach (LookupPeer peer in _candidates)
        {
            switch (peer.State)
            {
                case LookupPeerState.New:
                    return peer;
                case LookupPeerState.Waiting:
                case LookupPeerState.Stalled:
                    waits = true;
                    break;
                case LookupPeerState.Answered:
                    if (++answered == wanted)
                    {
                        IsOver = !waits;
                        return null;
                    }

                    break;
            }
        }

        IsOver = !waits;
        return null;
    }

    private int Place(Distance distance)
    {
        int low = 0, high = _candidates.Count;
        while (low < high)
        {
            int middle = (low + high) / 2;
            if (_candidates[middle].Distance < distance) low = middle + 1;
            else high = middle;
        }

        return low;
    }
}

/// <summary>A peer in a lookup.</summary>
internal sealed class LookupPeer(Contact contact, Distance distance, LookupPeer? namedBy)
{
    private bool _hasTriedAlternative;

    internal Contact Contact { get; private set; } = contact;

    /// <summary>The same peer with the addresses that somebody else gave, when there was one.</summary>
    internal Contact? Alternative { get; set; }

    internal Distance Distance { get; } = distance;

    /// <summary>Who was first to name it; null for one that this node knew.</summary>
    internal LookupPeer? NamedBy { get; } = namedBy;

    internal LookupPeerState State { get; set; } = LookupPeerState.New;

    /// <summary>The path that asked it.</summary>
    internal LookupPath? Path { get; set; }

    /// <summary>Requests from this node to this peer and its predecessors: 1 for one that this node knew.</summary>
    internal int Hops { get; } = namedBy is null ? 1 : namedBy.Hops + 1;

    /// <summary>Takes the other addresses in place of the first, once.</summary>
    internal bool TryAlternative()
    {
        if (Alternative is not { } other || _hasTriedAlternative) return false;
        _hasTriedAlternative = true;
        Contact = other;
        return true;
    }
}

/// <summary>How far a lookup has come with a peer.</summary>
internal enum LookupPeerState
{
    New = 0,
    Waiting,

    /// <summary>It lets wait, and others are asked meanwhile.</summary>
    Stalled,

    /// <summary>It has let wait for so long that the lookup would end without it; its answer would still count.</summary>
    Overdue,
    Answered,
    Failed,

    /// <summary>It answered, but its network had answered often enough.</summary>
    Surplus,
}
