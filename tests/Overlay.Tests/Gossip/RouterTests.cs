using Overlay.Gossip;
using Overlay.Gossip.Messages;
using Overlay.Gossip.Routing;
using Overlay.Gossip.Scoring;
using Overlay.Gossip.Wire;

namespace Overlay.Tests.Gossip;

/// <summary>The router with well-behaved peers: meshes, fan-out, gossip.</summary>
public sealed class RouterTests
{
    [Fact]
    public void Peer_Connects_IsToldOfEverySubscriptionAndOfLaterOnes()
    {
        using var bench = new RouterBench();
        bench.Join("a");

        GossipPeer peer = bench.Connect();
        bench.Join("b");
        bench.Router.Leave(bench.Now, "a");

        Assert.Equal(
            [new("a", true), new("b", true), new("a", false)],
            bench.SentTo(peer).SelectMany(rpc => rpc.Subscriptions));
    }

    // A peer says what it subscribes to once, when its stream opens, and not again when this node's stream to it is a new one.
    [Fact]
    public void Subscriptions_WhileAStreamOfThePeerIsOpen_OutliveTheWayToIt()
    {
        using var bench = new RouterBench();
        Transport.Identity.PeerIdentity identity = bench.NewIdentity();
        Assert.True(bench.Router.OpenInbound(identity.PeerId));
        bench.Router.ReceiveSubscriptions(identity.PeerId, [new("early", true), new("left", true), new("left", false)]);

        GossipPeer first = bench.Connect(identity: identity);
        Assert.Equal([first], bench.Router.FindTopic("early")!.Peers);
        bench.Receive(first, rpc => rpc.Subscriptions.Add(new SubscriptionChange(RouterBench.Topic, true)));
        bench.Router.RemovePeer(bench.Now, first);
        Assert.Empty(bench.Router.FindTopic(RouterBench.Topic)!.Peers);

        GossipPeer second = bench.Connect(identity: identity);
        Assert.Equal(["early", RouterBench.Topic], second.Topics.Order(StringComparer.Ordinal));
        bench.Publish(bench.Signed(bench.Self, "hello"));
        Assert.Equal(1, bench.MessagesTo(second));

        // Two streams, of which one is left; then none, but a way to it; then nothing at all.
        bench.Router.OpenInbound(identity.PeerId);
        bench.Router.CloseInbound(identity.PeerId);
        bench.Router.CloseInbound(identity.PeerId);
        Assert.Equal([second], bench.Router.FindTopic(RouterBench.Topic)!.Peers);
        bench.Router.RemovePeer(bench.Now, second);
        Assert.Equal(0, bench.Router.TopicCount);
    }

    [Fact]
    public void Counts_TellWhatBecameOfMessages()
    {
        using var bench = new RouterBench();
        GossipPeer[] peers = bench.JoinWithMesh(3);
        Transport.Identity.PeerIdentity author = bench.NewIdentity();
        bench.Receive(peers[0], bench.Signed(author, "good"));
        bench.Receive(peers[1], bench.Signed(author, "good"));
        bench.Receive(peers[0], bench.Forged(bench.Signed(author, "bad", 2)));
        bench.Receive(peers[0], bench.Signed(author, "of another topic", 3, "elsewhere"));
        bench.Validator = _ => GossipVerdict.Reject;
        bench.Receive(peers[0], bench.Signed(author, "unwanted", 4));

        Assert.Equal([("received", 4), ("duplicate", 1), ("rejected", 2), ("accepted", 1), ("sent", 2)], bench.Router.Counts.All);
        Assert.Equal((1, 3), bench.Router.JoinedCounts);
    }

    [Fact]
    public void Join_MorePeersThanD_GraftsD()
    {
        using var bench = new RouterBench();
        for (int i = 0; i < 30; i++) bench.ConnectSubscriber();

        bench.Join();

        Assert.Equal(bench.Options.Degree, bench.Mesh.Count);
        Assert.All(bench.Mesh, peer => Assert.Contains(bench.SentTo(peer), rpc => rpc.Graft.Contains(RouterBench.Topic)));
    }

    [Fact]
    public void Leave_PrunesTheMeshWithTheShortBackoff()
    {
        using var bench = new RouterBench();
        GossipPeer[] peers = bench.JoinWithMesh(3);

        bench.Router.Leave(bench.Now, RouterBench.Topic);

        Assert.All(peers, peer => Assert.Equal(10UL, Assert.Single(Assert.Single(bench.SentTo(peer)).Prune).BackoffSeconds));
    }

    [Fact]
    public void Heartbeat_MeshBelowDLow_GraftsUpToD()
    {
        using var bench = new RouterBench();
        bench.JoinWithMesh(3);
        for (int i = 0; i < 20; i++) bench.ConnectSubscriber();

        bench.Beat();

        Assert.Equal(bench.Options.Degree, bench.Mesh.Count);
    }

    [Fact]
    public void Heartbeat_MeshAboveDHigh_PrunesToDAndKeepsDialledOnesAndTheBest()
    {
        using var bench = new RouterBench(new GossipOptions { FloodPublish = false });
        GossipPeer[] inbound = bench.JoinWithMesh(12);
        GossipPeer[] dialled = [.. Enumerable.Range(0, 4).Select(_ => bench.ConnectSubscriber(isOutbound: true))];
        foreach (GossipPeer peer in dialled) bench.Receive(peer, rpc => rpc.Graft.Add(RouterBench.Topic));
        for (int i = 0; i < 4; i++) bench.Receive(inbound[i], bench.Signed(bench.NewIdentity(), "news"));
        Assert.Equal(16, bench.Mesh.Count);
        bench.Clear();

        bench.Beat();

        Assert.Equal(bench.Options.Degree, bench.Mesh.Count);
        Assert.True(bench.Mesh.Count(peer => peer.IsOutbound) >= bench.Options.DegreeOut);
        Assert.Superset(inbound[..4].ToHashSet(), bench.Mesh.ToHashSet());
        Assert.Equal(8, inbound.Concat(dialled).Count(peer => bench.SentTo(peer).Any(rpc => rpc.Prune.Count > 0)));
    }

    [Fact]
    public void Heartbeat_PeerWithNegativeScoreInTheMesh_IsPrunedWithoutPeers()
    {
        using var bench = new RouterBench(new GossipOptions { PeerExchange = true });
        GossipPeer[] peers = bench.JoinWithMesh(3);
        PeerScore.Penalize(peers[0].Stats, 10);

        bench.Beat();

        Assert.DoesNotContain(peers[0], bench.Mesh);
        Assert.Empty(Assert.Single(Assert.Single(bench.SentTo(peers[0]), rpc => rpc.Prune.Count > 0).Prune).Peers);
    }

    [Fact]
    public void Prune_WithPeerExchange_NamesOthersOfTheTopic()
    {
        using var bench = new RouterBench(new GossipOptions { PeerExchange = true });
        bench.JoinWithMesh(12);
        GossipPeer late = bench.ConnectSubscriber();

        bench.Receive(late, rpc => rpc.Graft.Add(RouterBench.Topic));

        Prune prune = Assert.Single(Assert.Single(bench.SentTo(late), rpc => rpc.Prune.Count > 0).Prune);
        Assert.Equal(12, prune.Peers.Count);
        Assert.DoesNotContain(prune.Peers, peer => peer.PeerId.Span.SequenceEqual(late.Id.Bytes));
    }

    [Fact]
    public void Backoff_AfterAPrune_KeepsThisNodeFromGraftingToo()
    {
        using var bench = new RouterBench();
        GossipPeer peer = bench.JoinWithMesh(1)[0];
        bench.Receive(peer, rpc => rpc.Prune.Add(new Prune(RouterBench.Topic, 30, [])));

        bench.Beat(29);
        Assert.Empty(bench.Mesh);
        bench.Beat(20);
        Assert.Contains(peer, bench.Mesh);
    }

    // The other side's back-off began when the PRUNE left it or came to it, which may be later than here.
    [Fact]
    public void Backoff_JustOver_IsWaitedWithForAHeartbeatMore()
    {
        using var bench = new RouterBench();
        GossipPeer peer = bench.JoinWithMesh(1)[0];
        bench.Receive(peer, rpc => rpc.Prune.Add(new Prune(RouterBench.Topic, 5, [])));

        bench.Beat(5);
        Assert.Empty(bench.Mesh);
        bench.Beat();
        Assert.Contains(peer, bench.Mesh);
    }

    [Fact]
    public void Message_FromAMeshPeer_IsDeliveredAndGoesToTheOthersButNotBackNorToItsAuthor()
    {
        using var bench = new RouterBench();
        GossipPeer[] peers = bench.JoinWithMesh(4);
        using var author = Transport.Identity.PeerIdentity.Generate();
        GossipPeer authorPeer = bench.Connect(identity: author);
        bench.Receive(authorPeer, rpc => rpc.Graft.Add(RouterBench.Topic));
        bench.Clear();

        bench.Receive(peers[0], bench.Signed(author, "hello", 42));

        GossipMessage message = Assert.Single(bench.Delivered);
        Assert.Equal(("hello", author.PeerId, 42UL), (System.Text.Encoding.UTF8.GetString(message.Data.Span), message.Author, message.Sequence));
        Assert.Equal(peers[0].Id, message.ReceivedFrom);
        Assert.Equal([0, 1, 1, 1, 0], peers.Append(authorPeer).Select(bench.MessagesTo));
    }

    [Fact]
    public void Message_PassedOn_IsTheSameBytes()
    {
        using var bench = new RouterBench();
        GossipPeer[] peers = bench.JoinWithMesh(2);
        WireMessage message = bench.Signed(bench.NewIdentity(), "hello");

        bench.Receive(peers[0], message);

        Assert.Equal(message.Encoded.ToArray(), Assert.Single(Assert.Single(bench.SentTo(peers[1])).Messages).Encoded.ToArray());
    }

    [Theory]
    [InlineData(1, false)]
    [InlineData(100, true)]
    public void Message_OutOfAnRpc_KeepsItInMemoryOnlyWhereThatIsLittleMoreThanTheMessage(int count, bool isCopied)
    {
        using var bench = new RouterBench { HoldsChecks = true };
        GossipPeer peer = bench.JoinWithMesh(1)[0];
        Rpc rpc = Rpc.Of(bench.Signed(bench.NewIdentity(), "hello"));
        for (int i = 1; i < count; i++) rpc.Messages.Add(bench.Signed(bench.Self, "x", (ulong)i));
        byte[] bytes = new RpcEncoder().Encode(rpc).ToArray();
        Assert.Equal(RpcFault.None, RpcDecoder.TryDecode(bytes, bench.Options, out Rpc decoded));

        bench.Router.Receive(bench.Now, peer, decoded);
        bench.Act();

        PendingMessage pending = Assert.Single(bench.Held);
        Assert.Equal(isCopied, !bytes.AsSpan().Overlaps(pending.Message.Encoded.Span));
        bench.Finish(pending);
        Assert.Equal(isCopied, !bytes.AsSpan().Overlaps(Assert.Single(bench.Delivered).Data.Span));
    }

    [Fact]
    public void Message_Long_IsAnnouncedByIDontWantToPeersOf12AtOnce()
    {
        using var bench = new RouterBench();
        GossipPeer[] peers = bench.JoinWithMesh(2);
        GossipPeer old = bench.ConnectSubscriber(GossipVersion.V11);
        bench.Receive(old, rpc => rpc.Graft.Add(RouterBench.Topic));
        bench.Clear();
        WireMessage message = bench.Signed(bench.NewIdentity(), new string('x', 600));

        bench.Receive(peers[0], message);

        Assert.Equal(bench.IdOf(message), Assert.Single(bench.SentTo(peers[1]).SelectMany(rpc => rpc.IDontWant)));
        Assert.Empty(bench.SentTo(old).SelectMany(rpc => rpc.IDontWant));
        Assert.Empty(bench.SentTo(peers[0]));
    }

    [Fact]
    public void Message_UnwantedByAPeer_IsNotSentToIt()
    {
        using var bench = new RouterBench();
        GossipPeer[] peers = bench.JoinWithMesh(3);
        WireMessage message = bench.Signed(bench.NewIdentity(), "x");
        bench.Receive(peers[1], rpc =>
        {
            rpc.IDontWantCount = 1;
            rpc.IDontWant.Add(bench.IdOf(message));
        });

        bench.Receive(peers[0], message);

        Assert.Equal([0, 0, 1], peers.Select(bench.MessagesTo));
    }

    [Fact]
    public void Publish_NotSubscribed_GoesToAFanoutThatIsKeptForAMinute()
    {
        using var bench = new RouterBench(new GossipOptions { FloodPublish = false });
        GossipPeer[] peers = [.. Enumerable.Range(0, 20).Select(_ => bench.ConnectSubscriber())];

        bench.Publish(bench.Signed(bench.Self, "one", 1));
        GossipPeer[] first = [.. peers.Where(peer => bench.MessagesTo(peer) == 1)];
        bench.Publish(bench.Signed(bench.Self, "two", 2));

        Assert.Equal(bench.Options.Degree, first.Length);
        Assert.All(first, peer => Assert.Equal(2, bench.MessagesTo(peer)));
        bench.Beat(61);
        Assert.Empty(bench.Router.FindTopic(RouterBench.Topic)!.Fanout);
    }

    [Fact]
    public void Publish_Flooding_GoesToEverySubscriberThatScoresWellEnough()
    {
        using var bench = new RouterBench();
        GossipPeer[] peers = [.. Enumerable.Range(0, 20).Select(_ => bench.ConnectSubscriber())];
        PeerScore.Penalize(peers[0].Stats, 17);

        bench.Publish(bench.Signed(bench.Self, "one"));

        Assert.Equal([0, .. Enumerable.Repeat(1, 19)], peers.Select(bench.MessagesTo));
    }

    [Fact]
    public void Heartbeat_RecentMessages_AreToldToPeersOutsideTheMesh()
    {
        using var bench = new RouterBench(new GossipOptions { FloodPublish = false });
        GossipPeer[] mesh = bench.JoinWithMesh(6);
        GossipPeer[] others = [.. Enumerable.Range(0, 40).Select(_ => bench.ConnectSubscriber())];
        WireMessage message = bench.Signed(bench.Self, "news");
        bench.Publish(message);
        bench.Clear();

        bench.Beat();

        GossipPeer[] told = [.. others.Where(peer => bench.SentTo(peer).Any(rpc => rpc.IHave.Any(have => have.Ids.Contains(bench.IdOf(message)))))];
        Assert.Equal(10, told.Length);
        Assert.All(mesh, peer => Assert.Empty(bench.SentTo(peer)));
        bench.Receive(told[0], rpc => rpc.IWant.Add(bench.IdOf(message)));
        Assert.Equal(1, bench.MessagesTo(told[0]));

        bench.Beat(3);
        bench.Clear();
        bench.Beat();
        Assert.All(others, peer => Assert.Empty(bench.SentTo(peer)));
    }

    [Fact]
    public void Heartbeat_NothingToSay_SendsNothing()
    {
        using var bench = new RouterBench();
        GossipPeer[] mesh = bench.JoinWithMesh(8);

        bench.Beat(200);

        Assert.All(mesh, peer => Assert.Empty(bench.SentTo(peer)));
    }

    [Fact]
    public void Heartbeat_PoorMesh_GraftsBetterPeersAtTheOpportunity()
    {
        using var bench = new RouterBench();
        bench.JoinWithMesh(8);
        GossipPeer[] others = [.. Enumerable.Range(0, 4).Select(_ => bench.ConnectSubscriber())];
        for (int i = 0; i < 40; i++) bench.Receive(others[i % 4], bench.Signed(bench.NewIdentity(), "x", (ulong)i));

        bench.Beat(10);

        Assert.Equal(2, others.Count(bench.Mesh.Contains));
    }

    [Fact]
    public void Options_ThatContradictEachOther_AreRefusedTogether()
    {
        Assert.Throws<ArgumentException>(() => new GossipOptions { DegreeLow = 9 }.CheckTogether());
        Assert.Throws<ArgumentException>(() => new GossipOptions { DegreeOut = 5 }.CheckTogether());
        Assert.Throws<ArgumentException>(() => new GossipOptions { HistoryGossip = 6 }.CheckTogether());
        Assert.Throws<ArgumentException>(() => new GossipOptions { Signing = GossipSigning.StrictNoSign }.CheckTogether());
        Assert.Throws<ArgumentException>(() => new GossipOptions { Score = new PeerScoreOptions { GossipThreshold = -5000 } }.CheckTogether());
        Assert.Throws<ArgumentException>(() => new GossipOptions { Limits = new GossipLimits { MaxMessagesPerRpc = 4999 } }.CheckTogether());
        Assert.Throws<ArgumentException>(() =>
            new GossipOptions { Limits = new GossipLimits { MaxRpcSize = 4096, MaxMessageSize = 1024, MaxTopicSize = 2049 } }.CheckTogether());
        Assert.Throws<ArgumentException>(() => new GossipOptions { Limits = new GossipLimits { MaxRpcSize = 4096, MaxMessageSize = 4095 } }.CheckTogether());
        Assert.Throws<ArgumentOutOfRangeException>(() => new GossipOptions { Degree = 65 });
        Assert.Throws<ArgumentOutOfRangeException>(() => new PeerScoreOptions { BehaviourPenaltyDecay = 1 });
        Assert.Throws<ArgumentOutOfRangeException>(() => new TopicScoreOptions { InvalidMessageDeliveriesWeight = double.NaN });
    }
}
