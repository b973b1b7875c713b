// Long because every way of spamming is a test of its own, and all of them share one router and its clock.
using Overlay.Gossip;
using Overlay.Gossip.Messages;
using Overlay.Gossip.Routing;
using Overlay.Gossip.Scoring;
using Overlay.Gossip.Wire;
using Overlay.Transport.Identity;

namespace Overlay.Tests.Gossip;

/// <summary>Peers that flood, lie or break rules: each case that go-libp2p-pubsub tests, and some more.</summary>
public sealed class SpamTests
{
    [Fact]
    public void IWant_SameMessageAgainAndAgain_IsGivenThreeTimes()
    {
        using var bench = new RouterBench();
        GossipPeer attacker = bench.JoinWithMesh(1)[0];
        WireMessage message = bench.Signed(bench.Self, "hello");
        bench.Publish(message);

        for (int i = 0; i < 50; i++) bench.Receive(attacker, rpc => rpc.IWant.Add(bench.IdOf(message)));

        Assert.Equal(1 + bench.Options.GossipRetransmission, bench.MessagesTo(attacker));
    }

    [Fact]
    public void IWant_MoreBytesThanAHeartbeatAllows_AreNotGiven()
    {
        using var bench = new RouterBench(new GossipOptions { Limits = new GossipLimits { MaxIWantBytesPerHeartbeat = 65536 } });
        GossipPeer attacker = bench.JoinWithMesh(1)[0];
        WireMessage[] messages = [.. Enumerable.Range(0, 200).Select(i => bench.Signed(bench.Self, new string('x', 1000), (ulong)i))];
        foreach (WireMessage message in messages) bench.Publish(message);
        bench.Clear();

        bench.Receive(attacker, rpc => rpc.IWant.AddRange(messages.Select(bench.IdOf)));

        Assert.InRange(bench.SentTo(attacker).Sum(rpc => rpc.Messages.Sum(m => m.Encoded.Length)), 1, 65536);
    }

    [Fact]
    public void IWant_UnknownIds_AreNotAnswered()
    {
        using var bench = new RouterBench();
        GossipPeer attacker = bench.JoinWithMesh(1)[0];

        bench.Receive(attacker, rpc => rpc.IWant.AddRange(Enumerable.Range(0, 5000).Select(RouterBench.SomeId)));

        Assert.Empty(bench.SentTo(attacker));
    }

    [Fact]
    public void IHave_ManyInOneHeartbeat_OnlyTheFirstTenAreAnswered()
    {
        using var bench = new RouterBench();
        GossipPeer attacker = bench.JoinWithMesh(1)[0];

        for (int i = 0; i < 100; i++) bench.Receive(attacker, rpc => rpc.IHave.Add(new IHave(RouterBench.Topic, [RouterBench.SomeId(i)])));

        Assert.Equal(bench.Options.Limits.MaxIHavePerHeartbeat, bench.SentTo(attacker).Sum(rpc => rpc.IWant.Count));
    }

    [Fact]
    public void IHave_ManyIdsInOneHeartbeat_AskForAtMostTheLimitAndAgainAfterTheHeartbeat()
    {
        using var bench = new RouterBench(new GossipOptions { Limits = new GossipLimits { MaxIHaveIds = 100 } });
        GossipPeer attacker = bench.JoinWithMesh(1)[0];

        for (int i = 0; i < 5; i++)
            bench.Receive(attacker, rpc => rpc.IHave.Add(new IHave(RouterBench.Topic, [.. Enumerable.Range(i * 80, 80).Select(RouterBench.SomeId)])));
        Assert.Equal(100, bench.SentTo(attacker).Sum(rpc => rpc.IWant.Count));

        bench.Beat();
        bench.Clear();
        bench.Receive(attacker, rpc => rpc.IHave.Add(new IHave(RouterBench.Topic, [RouterBench.SomeId(9999)])));
        Assert.Equal(1, bench.SentTo(attacker).Sum(rpc => rpc.IWant.Count));
    }

    [Fact]
    public void IHave_TopicNotJoinedOrMessageKnown_IsNotAskedFor()
    {
        using var bench = new RouterBench();
        GossipPeer peer = bench.JoinWithMesh(1)[0];
        WireMessage message = bench.Signed(bench.Self, "mine");
        bench.Publish(message);
        bench.Clear();

        bench.Receive(peer, rpc => rpc.IHave.Add(new IHave("elsewhere", [RouterBench.SomeId(1)])));
        bench.Receive(peer, rpc => rpc.IHave.Add(new IHave(RouterBench.Topic, [bench.IdOf(message)])));

        Assert.Empty(bench.SentTo(peer));
    }

    [Fact]
    public void Promises_Broken_CostScoreAndGraylistInTheEnd()
    {
        using var bench = new RouterBench();
        GossipPeer attacker = bench.JoinWithMesh(1)[0];

        for (int beat = 0; beat < 10; beat++)
        {
            for (int i = 0; i < 10; i++)
                bench.Receive(attacker, rpc => rpc.IHave.Add(new IHave(RouterBench.Topic, [RouterBench.SomeId((beat * 100) + i)])));
            bench.Beat();
        }

        Assert.True(bench.Router.ScoreOf(attacker) < bench.Options.Score.GraylistThreshold, $"{bench.Router.ScoreOf(attacker)}");
        Assert.DoesNotContain(attacker, bench.Mesh);
    }

    [Fact]
    public void Promises_KeptBySomebodyElse_CostNothing()
    {
        using var bench = new RouterBench();
        GossipPeer[] peers = bench.JoinWithMesh(2);
        for (int i = 0; i < 10; i++)
        {
            WireMessage message = bench.Signed(bench.Self, "x", (ulong)i);
            message = bench.Signed(bench.NewIdentity(), "x", (ulong)i);
            bench.Receive(peers[0], rpc => rpc.IHave.Add(new IHave(RouterBench.Topic, [bench.IdOf(message)])));
            bench.Receive(peers[1], message);
        }

        bench.Beat(10);

        Assert.Equal(0, peers[0].Stats.BehaviourPenalty);
    }

    [Fact]
    public void Promises_AnsweredByAForgery_AreBroken()
    {
        using var bench = new RouterBench();
        GossipPeer attacker = bench.JoinWithMesh(1)[0];
        WireMessage message = bench.Signed(bench.NewIdentity(), "x");

        bench.Receive(attacker, rpc => rpc.IHave.Add(new IHave(RouterBench.Topic, [bench.IdOf(message)])));
        bench.Receive(attacker, bench.Forged(message));
        bench.Beat(4);

        Assert.True(attacker.Stats.BehaviourPenalty > 0.9);
    }

    // What this node makes of a message is not its sender's fault.
    [Theory]
    [InlineData("topic left")]
    [InlineData("encoding that some read differently")]
    [InlineData("own message")]
    [InlineData("no room")]
    [InlineData("still waits for its check")]
    [InlineData("check failed")]
    [InlineData("published here, too")]
    public void Promises_OfMessagesThatThisNodePassesOver_AreKept(string why)
    {
        GossipOptions options = why == "published here, too"
            ? new GossipOptions { MessageIds = GossipMessageIds.Content }
            : new GossipOptions { Limits = new GossipLimits { MaxPendingChecksPerPeer = 1 } };
        using var bench = new RouterBench(options) { HoldsChecks = true };
        GossipPeer peer = bench.JoinWithMesh(1)[0];
        WireMessage message = bench.Signed(why == "own message" ? bench.Self : bench.NewIdentity(), "x");
        bench.Receive(peer, rpc => rpc.IHave.Add(new IHave(RouterBench.Topic, [bench.IdOf(message)])));
        Assert.Single(bench.SentTo(peer).SelectMany(rpc => rpc.IWant));

        switch (why)
        {
            case "topic left":
                bench.Router.Leave(bench.Now, RouterBench.Topic);
                break;
            case "encoding that some read differently":
                message = bench.Parse([.. message.Encoded.Span, 0x3A, 0]);
                break;
            case "no room":
                bench.Receive(peer, bench.Signed(bench.NewIdentity(), "another"));
                break;
            case "published here, too":
                bench.Publish(bench.Signed(bench.Self, "x"));
                break;
        }

        if (why != "published here, too") bench.Receive(peer, message);
        if (why == "check failed") bench.Router.Judge(bench.Now, bench.Held[0], GossipVerdict.Ignore);
        bench.Beat(10);

        Assert.Equal(0, peer.Stats.BehaviourPenalty);
    }

    [Fact]
    public void Graft_TopicNotJoined_IsNotAnsweredAndTakesNoMemory()
    {
        using var bench = new RouterBench();
        GossipPeer attacker = bench.JoinWithMesh(1)[0];
        int topics = bench.Router.TopicCount;

        bench.Receive(attacker, rpc => rpc.Graft.AddRange(Enumerable.Range(0, 1000).Select(i => $"unknown-{i}")));

        Assert.Empty(bench.SentTo(attacker));
        Assert.Equal(topics, bench.Router.TopicCount);
    }

    [Fact]
    public void Graft_DuringBackoff_IsRefusedAndPenalizedTwiceWhenItIsAFlood()
    {
        using var bench = new RouterBench();
        GossipPeer attacker = bench.JoinWithMesh(1)[0];
        bench.Receive(attacker, rpc => rpc.Prune.Add(new Prune(RouterBench.Topic, 0, [])));
        Assert.Empty(bench.Mesh);

        bench.Now += TimeSpan.FromSeconds(1);
        bench.Receive(attacker, rpc => rpc.Graft.Add(RouterBench.Topic));

        Assert.Empty(bench.Mesh);
        Assert.Equal(2, attacker.Stats.BehaviourPenalty);
        Prune refusal = Assert.Single(Assert.Single(bench.SentTo(attacker)).Prune);
        Assert.Equal(60UL, refusal.BackoffSeconds);
        Assert.Empty(refusal.Peers);

        bench.Now += TimeSpan.FromSeconds(30);
        bench.Receive(attacker, rpc => rpc.Graft.Add(RouterBench.Topic));
        Assert.Equal(3, attacker.Stats.BehaviourPenalty);
    }

    [Fact]
    public void Graft_AgainAndAgainDuringBackoff_EndsOnTheGraylist()
    {
        using var bench = new RouterBench();
        GossipPeer attacker = bench.JoinWithMesh(1)[0];
        bench.Receive(attacker, rpc => rpc.Prune.Add(new Prune(RouterBench.Topic, 0, [])));

        for (int i = 0; i < 20; i++) bench.Receive(attacker, rpc => rpc.Graft.Add(RouterBench.Topic));
        bench.Clear();
        bench.Receive(attacker, rpc => rpc.Graft.Add(RouterBench.Topic));

        Assert.True(bench.Router.ScoreOf(attacker) < bench.Options.Score.GraylistThreshold);
        Assert.Empty(bench.SentTo(attacker));
    }

    [Fact]
    public void Graft_AfterTheBackoff_IsTaken()
    {
        using var bench = new RouterBench();
        GossipPeer peer = bench.JoinWithMesh(1)[0];
        bench.Receive(peer, rpc => rpc.Prune.Add(new Prune(RouterBench.Topic, 5, [])));

        bench.Now += TimeSpan.FromSeconds(6);
        bench.Receive(peer, rpc => rpc.Graft.Add(RouterBench.Topic));

        Assert.Contains(peer, bench.Mesh);
    }

    [Fact]
    public void Graft_IntoAFullMesh_IsTakenOnlyFromPeersThatThisNodeDialled()
    {
        using var bench = new RouterBench();
        bench.JoinWithMesh(bench.Options.DegreeHigh);
        GossipPeer inbound = bench.ConnectSubscriber(), outbound = bench.ConnectSubscriber(isOutbound: true);

        bench.Receive(inbound, rpc => rpc.Graft.Add(RouterBench.Topic));
        bench.Receive(outbound, rpc => rpc.Graft.Add(RouterBench.Topic));

        Assert.DoesNotContain(inbound, bench.Mesh);
        Assert.Contains(outbound, bench.Mesh);
        Assert.Single(Assert.Single(bench.SentTo(inbound), rpc => rpc.Prune.Count > 0).Prune);
    }

    [Fact]
    public void Prune_BackoffOfEndlessTime_CountsAsTheLongestAllowed()
    {
        using var bench = new RouterBench();
        GossipPeer peer = bench.JoinWithMesh(1)[0];

        bench.Receive(peer, rpc => rpc.Prune.Add(new Prune(RouterBench.Topic, ulong.MaxValue, [])));

        Assert.Equal(bench.Now + bench.Options.Limits.MaxBackoff, bench.Router.FindTopic(RouterBench.Topic)!.Backoffs[peer.Id]);

        // Sums of times that follow later hold as well.
        bench.Beat(2);
        Assert.DoesNotContain(peer, bench.Mesh);
    }

    [Fact]
    public void Prune_MoreBackoffsThanAreRemembered_ReplaceThoseThatEndSoonest()
    {
        using var bench = new RouterBench(new GossipOptions { Limits = new GossipLimits { MaxBackoffs = 64 } });
        GossipPeer[] peers = bench.JoinWithMesh(12);
        GossipPeer[] others = [.. Enumerable.Range(0, 53).Select(_ => bench.ConnectSubscriber())];
        for (int i = 0; i < peers.Length; i++) bench.Receive(peers[i], rpc => rpc.Prune.Add(new Prune(RouterBench.Topic, (ulong)(100 + i), [])));

        foreach (GossipPeer peer in others) bench.Receive(peer, rpc => rpc.Prune.Add(new Prune(RouterBench.Topic, 1000, [])));

        IReadOnlyDictionary<PeerId, TimeSpan> backoffs = bench.Router.FindTopic(RouterBench.Topic)!.Backoffs;
        Assert.Equal(peers[1..].Concat(others).Select(peer => peer.Id).ToHashSet(), backoffs.Keys.ToHashSet());
    }

    [Fact]
    public void Prune_PeersFromOneWithoutHighScore_AreNotDialled()
    {
        using var bench = new RouterBench();
        GossipPeer peer = bench.JoinWithMesh(1)[0];
        byte[] stranger = bench.NewIdentity().PeerId.Bytes.ToArray();

        bench.Receive(peer, rpc => rpc.Prune.Add(new Prune(RouterBench.Topic, 60, [new ExchangedPeer(stranger, new byte[] { 1 })])));

        Assert.Empty(bench.Dials);
    }

    [Fact]
    public void Prune_PeersFromOneThatTheHostTrusts_AreDialledWhenTheyHaveARecord()
    {
        using var bench = new RouterBench(new GossipOptions { Score = new PeerScoreOptions { AppSpecificScore = _ => 1000 } });
        GossipPeer peer = bench.JoinWithMesh(1)[0];
        byte[] stranger = bench.NewIdentity().PeerId.Bytes.ToArray(), other = bench.NewIdentity().PeerId.Bytes.ToArray();

        bench.Receive(peer, rpc => rpc.Prune.Add(new Prune(RouterBench.Topic, 60, [new(stranger, new byte[] { 1 }), new(other, default), new(new byte[] { 9 }, new byte[] { 1 })])));

        Assert.Equal(stranger, Assert.Single(bench.Dials).Peer.Bytes.ToArray());
    }

    [Fact]
    public void Message_Forged_IsNeitherDeliveredNorPassedOnAndItsSenderIsGraylistedSoon()
    {
        using var bench = new RouterBench();
        GossipPeer[] peers = bench.JoinWithMesh(3);
        PeerIdentity author = bench.NewIdentity();

        for (int i = 0; i < 100; i++) bench.Receive(peers[0], bench.Forged(bench.Signed(author, "lie", (ulong)i)));

        Assert.Empty(bench.Delivered);
        Assert.Equal(0, bench.MessagesTo(peers[1]) + bench.MessagesTo(peers[2]));
        Assert.True(bench.Router.ScoreOf(peers[0]) < bench.Options.Score.GraylistThreshold);
        // Five cost −2,500, which is not yet below the threshold; the sixth is the last that is looked at.
        Assert.Equal(6, bench.SignatureChecks);
    }

    [Fact]
    public void Message_ForgedTwinFirst_DoesNotHideTheRealOne()
    {
        using var bench = new RouterBench { HoldsChecks = true };
        GossipPeer[] peers = bench.JoinWithMesh(2);
        WireMessage real = bench.Signed(bench.NewIdentity(), "truth");

        bench.Receive(peers[0], bench.Forged(real));
        bench.Receive(peers[1], real);
        foreach (PendingMessage pending in bench.Held.ToArray()) bench.Finish(pending);

        Assert.Single(bench.Delivered);
        Assert.True(bench.Router.ScoreOf(peers[0]) < 0);
        Assert.True(bench.Router.ScoreOf(peers[1]) > 0);
    }

    [Fact]
    public void Message_ManyTwinsOfOneId_AreNotAllKept()
    {
        using var bench = new RouterBench { HoldsChecks = true };
        GossipPeer peer = bench.JoinWithMesh(1)[0];
        PeerIdentity author = bench.NewIdentity();

        for (int i = 0; i < 50; i++) bench.Receive(peer, bench.Signed(author, $"version {i}"));

        Assert.Equal(bench.Options.Limits.MaxTwins, bench.Held.Count);
    }

    [Fact]
    public void Message_RejectedByTheValidator_CostsEveryoneWhoSendsIt()
    {
        using var bench = new RouterBench { Validator = _ => GossipVerdict.Reject };
        GossipPeer[] peers = bench.JoinWithMesh(3);
        WireMessage message = bench.Signed(bench.NewIdentity(), "spam");

        bench.Receive(peers[0], message);
        bench.Receive(peers[1], message);

        Assert.Empty(bench.Delivered);
        Assert.Equal(0, bench.MessagesTo(peers[2]));
        Assert.Equal(-100, bench.Router.ScoreOf(peers[0]));
        Assert.Equal(-100, bench.Router.ScoreOf(peers[1]));
        Assert.Equal(1, bench.SignatureChecks);
    }

    [Fact]
    public void Message_IgnoredByTheValidator_CostsNobodyAndGoesNowhere()
    {
        using var bench = new RouterBench { Validator = _ => GossipVerdict.Ignore };
        GossipPeer[] peers = bench.JoinWithMesh(2);

        bench.Receive(peers[0], bench.Signed(bench.NewIdentity(), "late"));

        Assert.Empty(bench.Delivered);
        Assert.Equal(0, bench.MessagesTo(peers[1]));
        Assert.Equal(0, bench.Router.ScoreOf(peers[0]));
    }

    [Fact]
    public void Message_SentAgain_IsCheckedAndPassedOnOnce()
    {
        using var bench = new RouterBench();
        GossipPeer[] peers = bench.JoinWithMesh(2);
        WireMessage message = bench.Signed(bench.NewIdentity(), "once");

        for (int i = 0; i < 100; i++) bench.Receive(peers[0], message);

        Assert.Equal(1, bench.SignatureChecks);
        Assert.Single(bench.Delivered);
        Assert.Equal(1, bench.MessagesTo(peers[1]));
        Assert.Equal(0, bench.MessagesTo(peers[0]));
    }

    [Fact]
    public void Message_OwnComesBack_IsPassedOver()
    {
        using var bench = new RouterBench();
        GossipPeer peer = bench.JoinWithMesh(1)[0];

        bench.Receive(peer, bench.Signed(bench.Self, "mine", sequence: 77));

        Assert.Equal(0, bench.SignatureChecks);
        Assert.Empty(bench.Delivered);
    }

    [Fact]
    public void Message_TopicNotJoined_IsNotEvenChecked()
    {
        using var bench = new RouterBench();
        GossipPeer peer = bench.JoinWithMesh(1)[0];

        bench.Receive(peer, bench.Signed(bench.NewIdentity(), "x", topic: "elsewhere"));

        Assert.Equal(0, bench.SignatureChecks);
    }

    [Fact]
    public void Message_MoreThanMayWaitForTheirCheck_AreDroppedAtNobodysCost()
    {
        using var bench = new RouterBench(new GossipOptions { Limits = new GossipLimits { MaxPendingChecksPerPeer = 10, MaxPendingChecks = 15 } }) { HoldsChecks = true };
        GossipPeer[] peers = bench.JoinWithMesh(2);
        PeerIdentity author = bench.NewIdentity();

        for (int i = 0; i < 100; i++)
        {
            bench.Receive(peers[0], bench.Signed(author, "x", (ulong)(2 * i)));
            if (i >= 50) bench.Receive(peers[1], bench.Signed(author, "x", (ulong)((2 * i) + 1)));
        }

        Assert.Equal(15, bench.Held.Count);
        Assert.Equal(10, bench.Held.Count(pending => pending.From == peers[0]));
        Assert.Equal(0, bench.Router.ScoreOf(peers[0]));
        foreach (PendingMessage pending in bench.Held.ToArray()) bench.Finish(pending);
        Assert.Equal(0, bench.Router.PendingCount);
    }

    [Fact]
    public void IDontWant_MoreThanAHeartbeatAllows_AreNotHeardUntilTheNext()
    {
        using var bench = new RouterBench(new GossipOptions { Limits = new GossipLimits { MaxIDontWantPerHeartbeat = 10 } });
        GossipPeer attacker = bench.JoinWithMesh(1)[0];
        WireMessage first = bench.Signed(bench.Self, "first", 1), second = bench.Signed(bench.Self, "second", 2);

        for (int i = 0; i < 10; i++) SendIDontWant(bench, attacker, RouterBench.SomeId(i));
        SendIDontWant(bench, attacker, bench.IdOf(first));
        bench.Publish(first);
        Assert.Equal(1, bench.MessagesTo(attacker));

        bench.Beat();
        bench.Clear();
        SendIDontWant(bench, attacker, bench.IdOf(second));
        bench.Publish(second);
        Assert.Equal(0, bench.MessagesTo(attacker));
    }

    [Fact]
    public void IDontWant_MoreIdsThanAreRemembered_TakeNoMoreMemoryAndAreForgottenAfterThreeHeartbeats()
    {
        using var bench = new RouterBench(new GossipOptions { Limits = new GossipLimits { MaxUnwantedIds = 100 } });
        GossipPeer attacker = bench.JoinWithMesh(1)[0];

        SendIDontWant(bench, attacker, [.. Enumerable.Range(0, 1000).Select(RouterBench.SomeId)]);
        Assert.Equal(100, attacker.Unwanted.Count);
        Assert.True(attacker.Unwanted.ContainsKey(RouterBench.SomeId(99)));

        bench.Beat(bench.Options.IDontWantTicks);
        Assert.Empty(attacker.Unwanted);
    }

    [Fact]
    public void IDontWant_WithoutIds_TakesNoMemory()
    {
        using var bench = new RouterBench();
        GossipPeer peer = bench.JoinWithMesh(1)[0];

        SendIDontWant(bench, peer);

        Assert.Empty(peer.Unwanted);
    }

    [Fact]
    public void Subscriptions_MoreThanAPeerMayHave_ArePassedOver()
    {
        using var bench = new RouterBench(new GossipOptions { Limits = new GossipLimits { MaxTopicsPerPeer = 20 } });
        GossipPeer attacker = bench.Connect();

        for (int i = 0; i < 500; i++) bench.Receive(attacker, rpc => rpc.Subscriptions.Add(new SubscriptionChange($"topic-{i}", true)));

        Assert.Equal(20, attacker.Topics.Count);
        Assert.Equal(20, bench.Router.TopicCount);
        bench.Router.RemovePeer(bench.Now, attacker);
        Assert.Equal(0, bench.Router.TopicCount);
    }

    [Fact]
    public void Subscriptions_OfPeersThatCannotBeSentAnything_TakeBoundedMemoryAndGoWithTheirStreams()
    {
        using var bench = new RouterBench(new GossipOptions { Limits = new GossipLimits { MaxPeers = 2, MaxTopicsPerPeer = 20, MaxTopics = 50 } });
        PeerId[] attackers = [.. Enumerable.Range(0, 10).Select(_ => bench.NewIdentity().PeerId)];

        PeerId[] kept = [.. attackers.Where(bench.Router.OpenInbound)];
        for (int i = 0; i < attackers.Length; i++)
            bench.Router.ReceiveSubscriptions(attackers[i], [.. Enumerable.Range(0, 100).Select(topic => new SubscriptionChange($"{i}-{topic}", true))]);

        Assert.Equal(4, kept.Length);
        Assert.Equal(50, bench.Router.TopicCount);
        foreach (PeerId attacker in kept) bench.Router.CloseInbound(attacker);
        Assert.Equal(0, bench.Router.TopicCount);
    }

    [Fact]
    public void Subscriptions_ToTopicsNotAllowed_TakeNoMemory()
    {
        using var bench = new RouterBench(new GossipOptions { AllowedTopics = ["/overlay/demand/1/*", "news"] });
        GossipPeer peer = bench.Connect();

        bench.Receive(peer, rpc =>
        {
            rpc.Subscriptions.Add(new SubscriptionChange("/overlay/demand/1/DE", true));
            rpc.Subscriptions.Add(new SubscriptionChange("news", true));
            rpc.Subscriptions.Add(new SubscriptionChange("newspaper", true));
            rpc.Subscriptions.Add(new SubscriptionChange("/overlay/heads/1", true));
        });

        Assert.Equal(["/overlay/demand/1/DE", "news"], peer.Topics.Order(StringComparer.Ordinal));
    }

    [Fact]
    public void Graylisted_WhateverItSendsButSubscriptions_IsPassedOver()
    {
        using var bench = new RouterBench();
        GossipPeer[] peers = bench.JoinWithMesh(2);
        PeerScore.Penalize(peers[0].Stats, 1000);

        bench.Receive(peers[0], bench.Signed(bench.NewIdentity(), "x"));
        bench.Receive(peers[0], rpc =>
        {
            rpc.Subscriptions.Add(new SubscriptionChange("other", true));
            rpc.IHave.Add(new IHave(RouterBench.Topic, [RouterBench.SomeId(1)]));
        });

        Assert.Equal(0, bench.SignatureChecks);
        Assert.Empty(bench.SentTo(peers[0]));
        // It does not say this again when its score is better.
        Assert.Contains("other", peers[0].Topics);
    }

    [Fact]
    public void Score_BadWhenItLeft_IsStillBadWhenItComesBack()
    {
        using var bench = new RouterBench();
        PeerIdentity identity = bench.NewIdentity();
        GossipPeer attacker = bench.Connect(identity: identity);
        PeerScore.Penalize(attacker.Stats, 1000);
        double before = bench.Router.ScoreOf(attacker);

        bench.Router.RemovePeer(bench.Now, attacker);
        bench.Beat(100);
        GossipPeer again = bench.Connect(identity: identity);

        Assert.Equal(before, bench.Router.ScoreOf(again));
    }

    [Fact]
    public void Addresses_ManyPeersAtOne_LoseScoreTogether()
    {
        using var bench = new RouterBench();
        GossipPeer[] sybils = [.. Enumerable.Range(0, 13).Select(_ => bench.ConnectSubscriber(address: "203.0.113.7"))];
        GossipPeer other = bench.ConnectSubscriber(address: "203.0.113.8");
        bench.Beat();

        Assert.All(sybils, sybil => Assert.Equal(-900, bench.Router.ScoreOf(sybil)));
        Assert.Equal(0, bench.Router.ScoreOf(other));
    }

    private static void SendIDontWant(RouterBench bench, GossipPeer from, params MessageId[] ids) => bench.Receive(from, rpc =>
    {
        rpc.IDontWantCount = 1;
        rpc.IDontWant.AddRange(ids);
    });
}
