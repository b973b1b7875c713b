namespace Overlay.Discovery.Kademlia.Lookups;

/// <summary>The search of a whole region of the keyspace around a key, for when its nearest peers are suspiciously near.</summary>
/// <remarks>
/// The region is what shares so many leading bits with the key that about k to 2k honest peers are expected in it, by the estimated size of the network. Names
/// that crowd around the key fill only its deepest part; so each shallower part is looked up by a place of its own, chosen at random within it.
/// Source: Sridhar et al., "Content Censorship in the InterPlanetary File System", 2024, section VI (region-based queries and storing).
/// </remarks>
internal sealed class RegionSearch
{
    // Beyond so many halvings less than one honest peer is expected, and the first lookup has found it.
    private const int PartCount = 5;

    private readonly Key _target;
    private readonly Random _random;
    private readonly Dictionary<Key, Contact> _members = [];
    private readonly int _maxMembers;
    private int _part;

    private RegionSearch(in Key target, int prefixLength, int maxMembers, Random random)
    {
        _target = target;
        PrefixLength = prefixLength;
        _maxMembers = maxMembers;
        _random = random;
    }

    /// <summary>How many leading bits the region's places share with the key.</summary>
    internal int PrefixLength { get; }

    /// <summary>The region's peers that have answered.</summary>
    internal IReadOnlyCollection<Contact> Members => _members.Values;

    /// <summary>Makes a search if the nearest peers lie more than twice as densely as the network's size lets expect; null otherwise.</summary>
    internal static RegionSearch? BeginIfCrowded(in Key target, IReadOnlyList<LookupPeer> closest, double networkSize, KademliaOptions options, Random random)
    {
        int wanted = options.BucketSize;
        if (closest.Count < wanted || networkSize < 2 * wanted) return null;
        if (closest[^1].Distance.Fraction > 0.5 * wanted / networkSize) return null;
        int prefixLength = Math.Min((int)Math.Floor(Math.Log2(networkSize / wanted)), KeyPreimage.MaxPrefixLength - PartCount);
        var region = new RegionSearch(target, prefixLength, options.MaxRegionPeers, random);
        foreach (LookupPeer peer in closest) region.Add(peer.Contact);
        return region;
    }

    /// <summary>The next request key to look up, or null when the whole region was searched.</summary>
    internal byte[]? NextPart() => _part < PartCount ? KeyPreimage.FindSibling(_target, PrefixLength + _part++, _random) : null;

    internal bool Contains(Contact peer) => _members.ContainsKey(peer.Key);

    /// <summary>Takes note of a peer that has answered, if it lies in the region and there is room for it.</summary>
    internal void Add(Contact peer)
    {
        if (peer.Key.CommonPrefixLength(_target) >= PrefixLength && _members.Count < _maxMembers) _members.TryAdd(peer.Key, peer);
    }
}
