using Overlay.Gossip;
using Overlay.Gossip.Routing;
using Overlay.Gossip.Scoring;
using Overlay.Gossip.Wire;
using Overlay.Transport.Identity;

namespace Overlay.Tests.Gossip;

/// <summary>Explicit peering agreements (gossipsub v1.1).</summary>
public sealed class DirectPeerTests : IDisposable
{
    private readonly PeerIdentity _friend = PeerIdentity.Generate();
    private readonly RouterBench _bench;
    private readonly GossipPeer _direct;

    public DirectPeerTests()
    {
        _bench = new RouterBench(new GossipOptions { DirectPeers = [_friend.PeerId], FloodPublish = false });
        _direct = _bench.Connect(identity: _friend);
        _bench.Receive(_direct, rpc => rpc.Subscriptions.Add(new SubscriptionChange(RouterBench.Topic, true)));
    }

    public void Dispose()
    {
        _bench.Dispose();
        _friend.Dispose();
    }

    [Fact]
    public void DirectPeer_IsNeverGraftedAndItsGraftIsRefused()
    {
        _bench.Router.Join(_bench.Now, RouterBench.Topic);
        _bench.Beat(5);

        _bench.Receive(_direct, rpc => rpc.Graft.Add(RouterBench.Topic));

        Assert.Empty(_bench.Mesh);
        Assert.Equal(RouterBench.Topic, Assert.Single(_bench.SentTo(_direct).SelectMany(rpc => rpc.Prune)).Topic);
    }

    [Fact]
    public void Message_PassedOn_GoesToTheDirectPeerBesideTheMeshAndItIsToldOfNone()
    {
        GossipPeer[] mesh = _bench.JoinWithMesh(3);

        _bench.Receive(mesh[0], _bench.Signed(_bench.NewIdentity(), "x"));
        _bench.Beat(1);

        Assert.Equal(1, _bench.MessagesTo(_direct));
        Assert.Empty(_bench.SentTo(_direct).SelectMany(rpc => rpc.IHave));
    }

    [Fact]
    public void Message_Long_GoesToTheDirectPeerAtOnceThoughOthersWait()
    {
        GossipPeer[] mesh = _bench.JoinWithMesh(12);

        _bench.Receive(mesh[0], _bench.Signed(_bench.NewIdentity(), new string('x', 4096)));

        Assert.Equal(1, _bench.MessagesTo(_direct));
        Assert.Contains(0, mesh[1..].Select(_bench.MessagesTo));
    }

    [Fact]
    public void Publish_NobodyTakesIt_IsNotCounted()
    {
        using var bench = new RouterBench();

        bench.Publish(bench.Signed(bench.Self, "to nobody"));

        Assert.Equal(0, bench.Router.Counts.Published);
    }

    [Fact]
    public void Publish_WithoutSubscribing_GoesToTheDirectPeerBesideTheFanout()
    {
        for (int i = 0; i < 20; i++) _bench.ConnectSubscriber();

        _bench.Publish(_bench.Signed(_bench.Self, "one"));

        Assert.Equal(1, _bench.MessagesTo(_direct));
        Assert.Equal(_bench.Options.Degree, _bench.Router.FindTopic(RouterBench.Topic)!.Fanout.Count);
    }

    [Fact]
    public void DirectPeer_Misbehaving_IsHeardAndServedAllTheSame()
    {
        _bench.Router.Join(_bench.Now, RouterBench.Topic);
        PeerScore.Penalize(_direct.Stats, 1000);

        _bench.Receive(_direct, _bench.Signed(_bench.NewIdentity(), "x"));

        Assert.True(_bench.Router.ScoreOf(_direct) >= 0);
        Assert.Single(_bench.Delivered);
    }

    [Fact]
    public void DirectPeer_AmongAsManyAsAreAllowed_HasAPlace()
    {
        using var friend = PeerIdentity.Generate();
        using var bench = new RouterBench(new GossipOptions { DirectPeers = [friend.PeerId], Limits = new GossipLimits { MaxPeers = 2 } });
        bench.Connect();
        bench.Connect();

        Assert.Null(bench.Router.AddPeer(bench.Now, bench.NewIdentity().PeerId, GossipVersion.V12, isOutbound: false, address: null));
        Assert.NotNull(bench.Router.AddPeer(bench.Now, friend.PeerId, GossipVersion.V12, isOutbound: false, address: null));
    }

    [Fact]
    public void Counts_TellWhatBecameOfMessages()
    {
        GossipPeer[] mesh = _bench.JoinWithMesh(2);
        WireMessage message = _bench.Signed(_bench.NewIdentity(), "x");
        _bench.Receive(mesh[0], message);
        _bench.Receive(mesh[1], message);
        _bench.Validator = _ => GossipVerdict.Ignore;
        _bench.Receive(mesh[1], _bench.Signed(_bench.NewIdentity(), "y"));
        _bench.Validator = _ => GossipVerdict.Reject;
        _bench.Receive(mesh[1], _bench.Signed(_bench.NewIdentity(), "z"));
        _bench.Publish(_bench.Signed(_bench.Self, "own"));

        GossipCounts counts = _bench.Router.Counts;

        Assert.Equal((1, 1, 1, 1, 1), (counts.Delivered, counts.Duplicate, counts.Ignored, counts.Rejected, counts.Published));
    }
}
