using Overlay.Discovery.Kademlia;
using Overlay.Discovery.Kademlia.Tables;

namespace Overlay.Tests.Discovery.Kademlia;

public sealed class RoutingTableTests
{
    private static readonly Key s_self = KademliaCodecTests.Peer(-1).Key;
    private static readonly KademliaOptions s_options = new();

    private readonly RoutingTable _table = new(s_self, s_options);

    [Fact]
    public void Answered_FullBucket_KeepsItsOldPeers()
    {
        Contact[] peers = [.. InBucket(0).Take(21)];
        foreach (Contact peer in peers[..20]) Assert.Equal(TableVerdict.Wanted, _table.Answered(peer, null, default));

        Assert.Equal(TableVerdict.BucketFull, _table.Answered(peers[20], null, default));

        Assert.Equal(20, _table.Count);
        Assert.Null(_table.Find(peers[20].Key));
    }

    [Fact]
    public void Failed_SomebodyWaits_TakesTheFailedOnesPlace()
    {
        Contact[] peers = [.. InBucket(0).Take(21)];
        foreach (Contact peer in peers) _table.Answered(peer, null, default);

        Assert.True(_table.Failed(peers[3].Key));

        Assert.Null(_table.Find(peers[3].Key));
        Assert.NotNull(_table.Find(peers[20].Key));
    }

    [Fact]
    public void Failed_Once_IsKeptButNotToldToOthers()
    {
        Contact peer = InBucket(0).First();
        _table.Answered(peer, null, default);

        Assert.False(_table.Failed(peer.Key));

        Assert.Empty(_table.Closest(peer.Key, 20));
        Assert.Single(_table.Closest(peer.Key, 20, includeFailing: true));
        Assert.True(_table.Failed(peer.Key));
    }

    [Fact]
    public void Answered_OneNetwork_HoldsTwoOfABucketAndThreeOfTheTable()
    {
        AddressGroup group = AddressGroup.Of(System.Net.IPAddress.Parse("1.2.3.4"));
        AddressGroup same = AddressGroup.Of(System.Net.IPAddress.Parse("::ffff:1.2.3.200"));
        Contact[] first = [.. InBucket(0).Take(3)], second = [.. InBucket(1).Take(2)];

        Assert.Equal(TableVerdict.Wanted, _table.Answered(first[0], group, default));
        Assert.Equal(TableVerdict.Wanted, _table.Answered(first[1], same, default));
        Assert.Equal(TableVerdict.NetworkFull, _table.Answered(first[2], group, default));
        Assert.Equal(TableVerdict.Wanted, _table.Answered(second[0], group, default));
        Assert.Equal(TableVerdict.NetworkFull, _table.Answered(second[1], group, default));

        _table.Remove(first[0].Key);
        Assert.Equal(TableVerdict.Wanted, _table.Answered(first[2], group, default));
    }

    [Fact]
    public void Group_Ipv6_IsTheFirst56Bits()
    {
        AddressGroup one = AddressGroup.Of(System.Net.IPAddress.Parse("2001:4860:1:200::1"));

        Assert.Equal(one, AddressGroup.Of(System.Net.IPAddress.Parse("2001:4860:1:2ff:1::")));
        Assert.NotEqual(one, AddressGroup.Of(System.Net.IPAddress.Parse("2001:4860:1:300::1")));
    }

    [Fact]
    public void Closest_AnyTarget_IsWhatSortingAllWouldGive()
    {
        Contact[] peers = [.. Enumerable.Range(0, 400).Select(i => KademliaCodecTests.Peer(i))];
        foreach (Contact peer in peers) _table.Answered(peer, null, default);
        Contact[] known = [.. _table.Contacts];

        for (int i = 1000; i < 1100; i++)
        {
            Key target = KademliaCodecTests.Peer(i).Key;
            Assert.Equal(known.OrderBy(peer => peer.Key.DistanceTo(target)).Take(20), _table.Closest(target, 20));
        }
    }

    [Fact]
    public void Answered_Itself_IsNeverIn() => Assert.Equal(TableVerdict.Self, _table.Answered(KademliaCodecTests.Peer(-1), null, default));

    private static IEnumerable<Contact> InBucket(int bucket) =>
        Enumerable.Range(0, int.MaxValue).Select(i => KademliaCodecTests.Peer(i)).Where(peer => peer.Key.CommonPrefixLength(s_self) == bucket);
}
