using Overlay.Discovery.Kademlia.Tables;

namespace Overlay.Discovery.Kademlia.Lookups;

/// <summary>Something that is looked for or stored: one lookup or several, then what is to be stored. Its node drives it.</summary>
internal abstract class Operation(ReadOnlyMemory<byte> requestKey, TimeSpan deadline)
{
    /// <summary>The bytes that stand in the requests.</summary>
    internal ReadOnlyMemory<byte> RequestKey { get; } = requestKey;

    /// <summary>The place searched for.</summary>
    internal Key Target { get; } = Key.Of(requestKey.Span);

    /// <summary>When the search ends with what it has.</summary>
    internal TimeSpan Deadline { get; } = deadline;

    internal bool HasEnded { get; set; }

    /// <summary>Whether nobody waits for its end.</summary>
    internal bool IsBackground { get; init; }

    /// <summary>The lookup that runs or ran last; null before the first.</summary>
    internal Lookup? Lookup { get; set; }

    /// <summary>The nearest peers that answered, nearest first, once the first lookup is over.</summary>
    internal List<LookupPeer> Closest { get; set; } = [];

    /// <summary>The part of the keyspace that is searched whole; null while the key's neighbourhood does not look crowded.</summary>
    internal RegionSearch? Region { get; set; }

    /// <summary>Peers asked and their number, over all lookups.</summary>
    internal HashSet<Key> Asked { get; } = [];

    /// <summary>Peers that remain to be asked or stored on, beside the lookup.</summary>
    internal Queue<(Contact Peer, KademliaMessage Message)> Direct { get; } = new();

    internal int DirectWaiting { get; set; }

    /// <summary>Whether the search is over and storing has begun.</summary>
    internal bool IsStoring { get; set; }

    /// <summary>How many disjoint paths its lookups take; null for what the options say.</summary>
    internal virtual int? PathCount => null;

    /// <summary>Whether a crowded neighbourhood is searched beyond the nearest peers.</summary>
    internal virtual bool CoversRegion => true;

    /// <summary>Whether peers are asked for the thing itself and not only for nearer peers.</summary>
    internal virtual bool AsksForContent => false;

    /// <summary>Whether nothing more needs to be found.</summary>
    internal virtual bool IsSatisfied => false;

    /// <summary>What every peer on the way is asked.</summary>
    internal virtual KademliaMessage Request => new(KademliaMessageType.FindNode, RequestKey);

    /// <summary>Takes what a peer sent.</summary>
    /// <returns>What it did wrong, or null.</returns>
    internal virtual Misdeed? Take(Contact from, KademliaMessage answer, KademliaNode node) => null;

    /// <summary>What is to be stored where, now that the search is over.</summary>
    internal virtual IEnumerable<(Contact Peer, KademliaMessage Message)> Stores(KademliaNode node) => [];

    /// <summary>Takes note that a peer has taken what was to be stored on it.</summary>
    internal virtual void Stored(Contact peer, KademliaMessage? answer)
    {
    }
}

/// <summary>Finds the peers nearest to a place.</summary>
internal class ClosestOperation(ReadOnlyMemory<byte> key, TimeSpan deadline, int? pathCount = null) : Operation(key, deadline)
{
    internal override int? PathCount => pathCount;

    internal override bool CoversRegion => false;
}

/// <summary>Keeps the table: a lookup along one path, of a place in one bucket or of this node itself.</summary>
internal sealed class RefreshOperation(ReadOnlyMemory<byte> key, int bucket, TimeSpan deadline) : ClosestOperation(key, deadline, pathCount: 1)
{
    /// <summary>The bucket that is refreshed; -1 for this node's own neighbourhood.</summary>
    internal int Bucket => bucket;
}

/// <summary>Finds one peer's addresses.</summary>
internal sealed class PeerOperation(Transport.Identity.PeerId peer, TimeSpan deadline) : Operation(peer.Bytes.ToArray(), deadline)
{
    private const int MaxAddresses = 32;

    private readonly List<Transport.Identity.Multiaddr> _addresses = [];

    /// <summary>Where others say that the peer is; that it is there shows in dialling.</summary>
    internal IReadOnlyList<Transport.Identity.Multiaddr> Addresses => _addresses;

    /// <summary>Whether the peer itself has answered where it was dialled.</summary>
    internal bool IsReached { get; private set; }

    internal override bool IsSatisfied => IsReached;

    internal override Misdeed? Take(Contact from, KademliaMessage answer, KademliaNode node)
    {
        if (from.Id == peer)
        {
            IsReached = true;
            _addresses.InsertRange(0, from.Addresses.Except(_addresses));
        }

        foreach (Contact named in answer.CloserPeers)
            if (named.Id == peer) Add(node.Sanitize(named).Addresses);
        return null;
    }

    internal void Add(IReadOnlyList<Transport.Identity.Multiaddr> addresses)
    {
        foreach (Transport.Identity.Multiaddr address in addresses)
            if (_addresses.Count < MaxAddresses && !_addresses.Contains(address)) _addresses.Add(address);
    }
}
