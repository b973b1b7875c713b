using Overlay.Discovery;
using Overlay.Discovery.Addresses;
using Overlay.Discovery.Mdns;
using Overlay.Transport.Identity;

namespace Overlay.Tests.Discovery;

public sealed class DialPlanTests
{
    private static readonly PeerId[] s_peers = [.. Enumerable.Range(0, 40).Select(_ => Peers.New())];

    private readonly Backoff _backoff = new(new BackoffOptions(), new Random(1), 100);

    private DialPlan Plan(DiscoveryOptions? options = null) => new(options ?? new DiscoveryOptions(), _backoff);

    private static DialSituation Alone => new() { Connected = new Dictionary<PeerId, PeerSource>(), Dialling = new Dictionary<PeerId, PeerSource>() };

    private static Dictionary<PeerId, PeerSource> Connected(int count, PeerSource source = PeerSource.AddressBook) =>
        s_peers.Take(count).ToDictionary(peer => peer, _ => source);

    [Fact]
    public void Next_BookKnowsEnough_NoWayInIsDialled()
    {
        IReadOnlyList<DialTarget> targets = Plan().Next(Alone with { Book = s_peers[..6], Bootstrap = s_peers[10..] }, Peers.Start);

        Assert.All(targets, target => Assert.Equal(PeerSource.AddressBook, target.Source));
        Assert.Equal(s_peers[..6], targets.Select(target => target.Peer));
    }

    [Fact]
    public void Next_BookIsEmpty_AFewWaysInAreDialled()
    {
        IReadOnlyList<DialTarget> targets = Plan().Next(Alone with { Bootstrap = s_peers[10..] }, Peers.Start);

        Assert.Equal(4, targets.Count);
        Assert.All(targets, target => Assert.Equal(PeerSource.Bootstrap, target.Source));
    }

    [Fact]
    public void Next_EnoughConnections_OnlyPersistentAndLanPeersAreDialled()
    {
        DialSituation situation = Alone with
        {
            Connected = Connected(16),
            Persistent = [s_peers[20]],
            Lan = [new MdnsPeer(s_peers[21], [Peers.At("10.0.0.1")])],
            Book = s_peers[22..],
            Bootstrap = s_peers[30..],
        };

        Assert.Equal([new(s_peers[20], PeerSource.Persistent), new(s_peers[21], PeerSource.Mdns)], Plan().Next(situation, Peers.Start));
    }

    [Fact]
    public void Next_ManyOnTheLan_NoMoreThanAllowedAreDialled()
    {
        MdnsPeer[] lan = [.. s_peers.Select(peer => new MdnsPeer(peer, [Peers.At("10.0.0.1")]))];
        var options = new DiscoveryOptions { MaxLanConnectionCount = 5, MaxParallelDials = 64 };

        Assert.Equal(5, Plan(options).Next(Alone with { Lan = lan }, Peers.Start).Count);
        Assert.Equal(2, Plan(options).Next(Alone with { Connected = Connected(3, PeerSource.Mdns), Lan = lan }, Peers.Start).Count);
        Assert.Equal(2, Plan(options).Next(Alone with { Dialling = Connected(3, PeerSource.Mdns), Lan = lan }, Peers.Start).Count);
        // As soon as a dial has made its connection, both lists have it.
        Assert.Equal(2, Plan(options).Next(
            Alone with { Connected = Connected(2, PeerSource.Mdns), Dialling = Connected(3, PeerSource.Mdns), Lan = lan }, Peers.Start).Count);
    }

    [Fact]
    public void Next_DialsUnderWay_NoMoreThanAllowedAtOnce()
    {
        var options = new DiscoveryOptions { MaxParallelDials = 3 };

        Assert.Equal(2, Plan(options).Next(Alone with { Dialling = Connected(1), Book = s_peers }, Peers.Start).Count);
    }

    [Fact]
    public void Next_PeerThatFailed_IsLeftAloneForItsTime()
    {
        TimeSpan wait = _backoff.Failed(s_peers[0], Peers.Start);
        DialSituation situation = Alone with { Persistent = [s_peers[0]] };

        Assert.Empty(Plan().Next(situation, Peers.Start));
        Assert.Equal(Peers.Start + wait, Plan().NextAttempt(situation, Peers.Start));
        Assert.Single(Plan().Next(situation, Peers.Start + wait));
    }

    [Fact]
    public void Next_SamePeerFromSeveralSources_IsDialledOnce()
    {
        DialSituation situation = Alone with { Persistent = [s_peers[0]], Book = [s_peers[0]], Bootstrap = [s_peers[0]] };

        Assert.Single(Plan().Next(situation, Peers.Start));
    }
}
