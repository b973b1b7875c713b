using Overlay.Gossip;
using Overlay.Gossip.Routing;
using Overlay.Transport.Identity;

namespace Overlay.Tests.Gossip;

/// <summary>Peers that the owner named: outside of meshes and scores, and sent everything.</summary>
public sealed class DirectPeerTests
{
    // The first identity of a bench is its own, the second the next one that is made.
    private static readonly PeerId s_second = SecondOf(new RouterBench());

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Direct_IsNeverGraftedAndGetsEveryMessage_AlsoBesideAFullMesh(bool flood)
    {
        using RouterBench bench = Bench(new GossipOptions { FloodPublish = flood });
        GossipPeer direct = bench.ConnectSubscriber();
        GossipPeer[] others = bench.JoinWithMesh(bench.Options.Degree);
        bench.Beat(3);
        Assert.DoesNotContain(direct, bench.Mesh);
        Assert.DoesNotContain(bench.SentTo(direct), rpc => rpc.Graft.Count > 0);

        bench.Publish(bench.Signed(bench.Self, "own"));
        bench.Receive(others[0], bench.Signed(bench.NewIdentity(), "passed on"));
        Assert.Equal(2, bench.MessagesTo(direct));
        bench.Beat();
        // What it was sent it need not be told of.
        Assert.DoesNotContain(bench.SentTo(direct), rpc => rpc.IHave.Count > 0);
    }

    [Fact]
    public void Direct_ItsOwnMessages_GoOnToTheMeshAndNotBack()
    {
        using RouterBench bench = Bench();
        GossipPeer direct = bench.ConnectSubscriber();
        GossipPeer[] others = bench.JoinWithMesh(3);
        bench.Receive(direct, bench.Signed(bench.NewIdentity(), "told"));
        Assert.All(others, other => Assert.Equal(1, bench.MessagesTo(other)));
        Assert.Equal(0, bench.MessagesTo(direct));
    }

    [Fact]
    public void Direct_WhateverItDoes_IsNotScored()
    {
        using RouterBench bench = Bench();
        GossipPeer direct = bench.ConnectSubscriber();
        bench.Join();
        PeerIdentity author = bench.NewIdentity();
        for (ulong i = 1; i < 100; i++) bench.Receive(direct, bench.Forged(bench.Signed(author, "forged", i)));
        for (int i = 0; i < 100; i++) GossipRouter.Misbehave(direct);
        Assert.Equal(0, bench.Router.ScoreOf(direct));
        bench.Receive(direct, bench.Signed(author, "still heard", 200));
        Assert.Equal("still heard"u8.ToArray(), Assert.Single(bench.Delivered).Data.ToArray());
    }

    [Fact]
    public void Direct_ThatGrafts_IsPrunedAndStaysOutside()
    {
        using RouterBench bench = Bench();
        GossipPeer direct = bench.ConnectSubscriber();
        bench.Join();
        bench.Clear();
        for (int i = 0; i < 2; i++) bench.Receive(direct, rpc => rpc.Graft.Add(RouterBench.Topic));
        Assert.Empty(bench.Mesh);
        Assert.Equal(2, bench.SentTo(direct).Sum(rpc => rpc.Prune.Count));
        Assert.Equal(0, bench.Router.ScoreOf(direct));
    }

    [Fact]
    public void Direct_WhereThereAreAsManyPeersAsAreAllowed_HasItsPlace()
    {
        using RouterBench bench = Bench(new GossipOptions { Limits = new GossipLimits { MaxPeers = 1 } });
        using PeerIdentity stranger = PeerIdentity.Generate();
        Assert.NotNull(bench.Router.AddPeer(bench.Now, stranger.PeerId, GossipVersion.V12, false, null));
        Assert.NotNull(bench.Router.AddPeer(bench.Now, s_second, GossipVersion.V12, false, null));
        using PeerIdentity other = PeerIdentity.Generate();
        Assert.Null(bench.Router.AddPeer(bench.Now, other.PeerId, GossipVersion.V12, false, null));
    }

    [Fact]
    public void Options_DirectPeers_AreAddressesOfPeersAndFew()
    {
        string good = $"/ip4/203.0.113.7/tcp/4001/p2p/{s_second}";
        Assert.Equal(s_second, Assert.Single(new GossipOptions { DirectPeers = [good, good] }.DirectPeerAddresses).Key);
        Assert.Throws<ArgumentException>(() => new GossipOptions { DirectPeers = ["/ip4/203.0.113.7/tcp/4001"] });
        Assert.Throws<ArgumentOutOfRangeException>(() => new GossipOptions { DirectPeers = [.. Enumerable.Repeat(good, 65)] });
    }

    private static RouterBench Bench(GossipOptions? options = null) =>
        new((options ?? new GossipOptions()) with { DirectPeers = [$"/ip4/203.0.113.7/tcp/4001/p2p/{s_second}"] });

    private static PeerId SecondOf(RouterBench bench)
    {
        using (bench) return bench.NewIdentity().PeerId;
    }
}
