using Overlay.Discovery.Kademlia;
using Overlay.Discovery.Kademlia.Lookups;
using Overlay.Discovery.Kademlia.Records;
using Overlay.Discovery.Kademlia.Tables;
using Overlay.Transport.Identity;

namespace Overlay.Tests.Discovery.Kademlia;

/// <summary>The state machine alone: what goes in, what comes out, on a clock that is a number.</summary>
public sealed class KademliaNodeTests
{
    private static readonly byte[] s_key = [0x12, 0x20, .. new byte[32]];

    private readonly KademliaNode _node = new(KademliaCodecTests.Peer(-1, "/ip4/20.0.0.1/tcp/1"), new KademliaOptions(), new Random(1), new DateTimeOffset(2026, 1, 1, 0, 0, 0, TimeSpan.Zero));

    private TimeSpan _now;

    [Fact]
    public void Asker_WithoutAddressThatCanBeDialled_IsNeitherDialledNorKnown()
    {
        Contact[] peers = [Peer(1), KademliaCodecTests.Peer(2), KademliaCodecTests.Peer(3, "/ip4/192.168.1.1/tcp/1"), KademliaCodecTests.Peer(4, "/ip4/20.1.1.1/tcp/1/p2p-circuit")];

        Assert.True(Serve(new RequestOrigin(peers[0], IsServer: false, null), new KademliaMessage(KademliaMessageType.FindNode, s_key)));
        foreach (Contact peer in peers[1..]) Assert.True(Serve(new RequestOrigin(peer, IsServer: true, Multiaddr.Parse("/ip4/20.9.9.9/tcp/50000")), new KademliaMessage(KademliaMessageType.FindNode, s_key)));

        Assert.Empty(Sent());
        Assert.Equal(0, _node.Table.Count);
    }

    [Fact]
    public void Asker_WhoServes_IsDialledWhereItSaysAndEntersOnlyWhenItAnswers()
    {
        Serve(new RequestOrigin(Peer(1), IsServer: true, Multiaddr.Parse("/ip4/20.9.9.9/tcp/50000")), new KademliaMessage(KademliaMessageType.FindNode, s_key));

        SendRequest check = Assert.Single(Sent());
        Assert.True(check.IsFreshDial);
        Assert.Equal(Peer(1).Addresses, check.Peer.Addresses);
        Assert.Equal(0, _node.Table.Count);

        _node.Answered(check.Id, new KademliaMessage(KademliaMessageType.FindNode, check.Message.Key), Reached(check.Peer), _now);
        Assert.Equal(Peer(1).Addresses, Assert.Single(_node.Table.Contacts).Addresses);
    }

    [Fact]
    public void Answer_OverAConnectionThatThePeerMade_EntersNothingUntilDialled()
    {
        _node.Start([Peer(1)], _now);
        SendRequest asked = Assert.Single(Sent());

        _node.Answered(asked.Id, new KademliaMessage(KademliaMessageType.FindNode, asked.Message.Key), new PeerReach(null, null), _now);

        Assert.Equal(0, _node.Table.Count);
        SendRequest check = Assert.Single(Sent());
        Assert.True(check.IsFreshDial);

        // It is not where others say: it may be asked over its own connection again and again, and nobody is dialled for it meanwhile.
        _node.Failed(check.Id, RequestFailure.Peer, _now);
        _node.FindClosest(s_key, _now);
        SendRequest again = Assert.Single(Sent());
        Assert.False(again.IsFreshDial);
        _node.Answered(again.Id, new KademliaMessage(KademliaMessageType.FindNode, again.Message.Key), new PeerReach(null, null), _now);
        Assert.Empty(Sent());
    }

    [Fact]
    public void AddProvider_ForSomebodyElse_IsRefused()
    {
        var message = new KademliaMessage(KademliaMessageType.AddProvider, s_key) { ProviderPeers = [Peer(2)] };

        Assert.False(Serve(Origin(1), message));
        Assert.True(Serve(Origin(2), message));
        Assert.Equal(1, _node.Providers.Count);
        Assert.Equal(1, _node.RefusedRequests);
    }

    [Fact]
    public void PutValue_InvalidOrOlder_IsRefusedAndTheBetterStays()
    {
        using var author = PeerIdentity.Generate();
        byte[] key = SignedValue.KeyOf(author.PeerId, "x"), older = SignedValue.Seal(author, key, 1, "a"u8), newer = SignedValue.Seal(author, key, 2, "b"u8);

        Assert.True(Serve(Origin(1), Put(key, newer)));
        Assert.False(Serve(Origin(1), Put(key, older)));
        Assert.False(Serve(Origin(1), Put(key, "rubbish"u8.ToArray())));
        Assert.False(Serve(Origin(1), Put("/nobody/x"u8.ToArray(), newer)));

        Assert.Equal(newer, _node.Values.Find(Key.Of(key), _now)!.Value.ToArray());
    }

    [Fact]
    public void GetValue_UnaskedKeysAndInvalidValues_AreRefusedAndTheirSenderNoLongerAsked()
    {
        using var author = PeerIdentity.Generate();
        byte[] key = SignedValue.KeyOf(author.PeerId, "x");
        Join(1, 2);
        GetValueOperation? reading = null;

        for (int i = 0; i < 3; i++)
        {
            reading = _node.GetValue(key, 4, _now);
            Run(request => request.Message.Type == KademliaMessageType.GetValue && request.Peer.Id == Peer(1).Id
                ? new KademliaMessage(request.Message.Type, request.Message.Key) { Record = new KademliaRecord("/overlay/other"u8.ToArray(), new byte[] { 1 }) }
                : Empty(request));
        }

        Assert.True(reading!.HasEnded);
        Assert.Null(reading.Best);
        Assert.Equal(3, _node.Standings.CountOf(Misdeed.UnaskedKey));
        Assert.True(_node.Standings.IsShunned(Peer(1).Key, _now));
        Assert.Null(_node.Table.Find(Peer(1).Key));
        Assert.NotNull(_node.Table.Find(Peer(2).Key));
    }

    [Fact]
    public void GetValue_SomeHaveAnOlderOrNone_GivesTheBestAndCorrectsThem()
    {
        using var author = PeerIdentity.Generate();
        byte[] key = SignedValue.KeyOf(author.PeerId, "x"), older = SignedValue.Seal(author, key, 1, "a"u8), newer = SignedValue.Seal(author, key, 2, "b"u8);
        Join(1, 2, 3);

        GetValueOperation reading = _node.GetValue(key, 4, _now);
        var corrected = new List<PeerId>();
        Run(request =>
        {
            if (request.Message.Type == KademliaMessageType.PutValue)
            {
                Assert.Equal(newer, request.Message.Record!.Value.ToArray());
                corrected.Add(request.Peer.Id);
                return request.Message;
            }

            byte[]? held = request.Peer.Id == Peer(1).Id ? older : request.Peer.Id == Peer(2).Id ? newer : null;
            return Empty(request) with { Record = held is null || request.Message.Type != KademliaMessageType.GetValue ? null : new KademliaRecord(key, held) };
        });

        Assert.Equal(newer, reading.Best!.Value.ToArray());
        Assert.Equal(new[] { Peer(1).Id, Peer(3).Id }.Order(), corrected.Order());
    }

    [Fact]
    public void Lookup_NobodyAnswers_EndsWithinItsDeadline()
    {
        Join([.. Enumerable.Range(1, 30)]);

        ClosestOperation looking = _node.FindClosest(s_key, _now);
        Run(_ => null, until: () => looking.HasEnded);

        Assert.Empty(looking.Closest);
        Assert.True(_now <= looking.Deadline);
    }

    [Fact]
    public void Lookup_PeersNameThousandsOfOthers_EndsWithinItsDeadline()
    {
        Join(1, 2, 3);
        int next = 1000;

        ClosestOperation looking = _node.FindClosest(s_key, _now);
        Run(request => Empty(request) with { CloserPeers = [.. Enumerable.Range(0, 256).Select(_ => Peer(next++))] }, until: () => looking.HasEnded);

        Assert.Equal(20, looking.Closest.Count);
        Assert.True(_now <= looking.Deadline);
    }

    [Fact]
    public void Lookup_ManyPeersOfOneNetwork_CountsThreeOfThem()
    {
        Join(1);
        Contact[] sameNetwork = [.. Enumerable.Range(100, 20).Select(i => KademliaCodecTests.Peer(i, $"/ip4/30.1.1.{i}/tcp/1"))];

        ClosestOperation looking = _node.FindClosest(s_key, _now);
        Run(request => Empty(request) with { CloserPeers = sameNetwork }, until: () => looking.HasEnded);

        Assert.Equal(4, looking.Closest.Count);
        Assert.True(_node.Table.Count <= 4);
    }

    [Fact]
    public void Provide_AfterTheInterval_IsDoneAnew()
    {
        Join([.. Enumerable.Range(1, 25)]);
        _node.Provide(s_key, _now);
        int sent = 0;
        Run(Count);
        int first = sent;

        Run(Count, until: () => _now > TimeSpan.FromHours(22.5));

        Assert.Equal(20, first);
        Assert.Equal(40, sent);

        KademliaMessage? Count(SendRequest request)
        {
            if (request.Message.Type == KademliaMessageType.AddProvider) sent++;
            return Empty(request);
        }
    }

    [Fact]
    public void Lookup_BeforeTheFirstPeerIsKnown_WaitsForIt()
    {
        _node.Start([], _now, expectsPeers: true);

        ClosestOperation looking = _node.FindClosest(s_key, _now);
        Assert.Empty(Sent());
        Assert.False(looking.HasEnded);

        _node.Meet(Peer(1), _now);
        Run(Empty, until: () => looking.HasEnded);

        Assert.Equal(Peer(1).Id, Assert.Single(looking.Closest).Contact.Id);
        Assert.True(_now < looking.Deadline);
    }

    [Fact]
    public void Lookup_NobodyEverComes_EndsAtItsDeadline()
    {
        _node.Start([], _now, expectsPeers: true);

        ClosestOperation looking = _node.FindClosest(s_key, _now);
        Run(Empty, until: () => looking.HasEnded);

        Assert.Empty(looking.Closest);
        Assert.Equal(looking.Deadline, _now);
    }

    [Fact]
    public void Lookup_NobodyIsToCome_EndsAtOnce()
    {
        _node.Start([], _now);

        Assert.True(_node.FindClosest(s_key, _now).HasEnded);
    }

    [Fact]
    public void Asker_WhoIsNotWhereItSays_IsNotDialledAgainForAWhile()
    {
        RequestOrigin liar = new(Peer(1), IsServer: true, null);
        var request = new KademliaMessage(KademliaMessageType.FindNode, s_key);
        Serve(liar, request);
        _node.Failed(Assert.Single(Sent()).Id, RequestFailure.Peer, _now);

        for (int i = 0; i < 10; i++) Serve(liar, request);
        _node.Meet(liar.Peer, _now);
        Assert.Empty(Sent());

        _now += TimeSpan.FromMinutes(1);
        Serve(liar, request);
        Assert.Single(Sent());
    }

    [Fact]
    public void Asker_WhomThisNodeHadNoRoomToDial_IsDialledAtItsNextRequest()
    {
        RequestOrigin asker = new(Peer(1), IsServer: true, null);
        var request = new KademliaMessage(KademliaMessageType.FindNode, s_key);
        Serve(asker, request);
        _node.Failed(Assert.Single(Sent()).Id, RequestFailure.Local, _now);

        Serve(asker, request);

        Assert.Single(Sent());
    }

    [Fact]
    public void Asker_WhoAnswersButFindsNoRoom_IsNotDialledAgainForAWhile()
    {
        Join(1);
        Contact[] sameNetwork = [.. Enumerable.Range(100, 20).Select(i => KademliaCodecTests.Peer(i, $"/ip4/30.1.1.{i}/tcp/1"))];
        var request = new KademliaMessage(KademliaMessageType.FindNode, s_key);
        int checks = 0;

        for (int i = 0; i < 3; i++)
            foreach (Contact peer in sameNetwork)
            {
                Serve(new RequestOrigin(peer, IsServer: true, null), request);
                Run(Count);
            }

        Assert.Equal(sameNetwork.Length, checks);

        KademliaMessage? Count(SendRequest asked)
        {
            if (asked.IsFreshDial) checks++;
            return Empty(asked);
        }
    }

    [Fact]
    public void Askers_ManyAtOnce_LeaveRoomForOtherChecks()
    {
        var request = new KademliaMessage(KademliaMessageType.FindNode, s_key);
        foreach (int i in Enumerable.Range(1, 100)) Serve(new RequestOrigin(Peer(i), IsServer: true, null), request);
        Assert.Equal(8, Sent().Count);

        foreach (int i in Enumerable.Range(200, 100)) _node.Meet(Peer(i), _now);
        Assert.Equal(8, Sent().Count);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Provide_ThenMove_IsAnnouncedAtTheNewAddress(bool whileStoring)
    {
        Join([.. Enumerable.Range(1, 25)]);
        Multiaddr[] moved = [Multiaddr.Parse("/ip4/20.0.0.2/tcp/1")];
        int told = 0;
        _node.Provide(s_key, _now);
        Run(request =>
        {
            if (whileStoring && request.Message.Type == KademliaMessageType.AddProvider) _node.MoveTo(moved);
            return Empty(request);
        });
        _node.MoveTo(moved);

        TimeSpan soon = _now + TimeSpan.FromMinutes(1);
        Run(
            request =>
            {
                if (request.Message.Type == KademliaMessageType.AddProvider && request.Message.ProviderPeers[0].Addresses.SequenceEqual(moved)) told++;
                return Empty(request);
            },
            until: () => _now > soon);

        Assert.Equal(20, told);
    }

    [Fact]
    public void Meet_SamePeerAgainAndAgain_LeavesRoomForOthers()
    {
        for (int i = 0; i < 50; i++) _node.Meet(Peer(1), _now);
        _node.Meet(Peer(2), _now);
        Sent();

        _node.FindClosest(s_key, _now);

        Assert.Equal(new[] { Peer(1).Id, Peer(2).Id }.Order(), Sent().Select(request => request.Peer.Id).Order());
    }

    [Fact]
    public void Serve_AsClient_RefusesEverything()
    {
        var client = new KademliaNode(KademliaCodecTests.Peer(-1), new KademliaOptions { Mode = KademliaMode.Client }, new Random(1), default);

        Assert.False(client.TryServe(Origin(1), new KademliaMessage(KademliaMessageType.FindNode, s_key), _now, out _));
    }

    private static Contact Peer(int number) => KademliaCodecTests.Peer(number, $"/ip4/20.{number >> 8}.{number & 255}.1/tcp/1");

    private static RequestOrigin Origin(int number) => new(Peer(number), IsServer: false, Peer(number).Addresses[0]);

    private static KademliaMessage Put(byte[] key, byte[] value) => new(KademliaMessageType.PutValue, key) { Record = new KademliaRecord(key, value) };

    private static KademliaMessage Empty(SendRequest request) => new(request.Message.Type, request.Message.Key);

    private static PeerReach Reached(Contact peer) => new(peer.Addresses[0], peer.Addresses);

    private bool Serve(RequestOrigin origin, KademliaMessage request) => _node.TryServe(origin, request, _now, out _);

    /// <summary>Lets peers be known and the node come to rest.</summary>
    private void Join(params int[] peers)
    {
        _node.Start([.. peers.Select(Peer)], _now);
        foreach (int peer in peers) _node.Meet(Peer(peer), _now);
        foreach (int[] some in peers.Chunk(10))
        {
            foreach (int peer in some) _node.Meet(Peer(peer), _now);
            Run(Empty, until: () => _now > TimeSpan.FromSeconds(1));
        }

        Assert.Equal(peers.Length, _node.Table.Count);
    }

    private List<SendRequest> Sent()
    {
        var sent = new List<SendRequest>();
        while (_node.TryTakeAction(out KademliaAction? action))
            if (action is SendRequest send) sent.Add(send);
        return sent;
    }

    /// <summary>Answers what is asked, at once, and moves time on whenever nothing is, until it is so; without a condition until nothing is asked.</summary>
    private void Run(Func<SendRequest, KademliaMessage?> answer, Func<bool>? until = null)
    {
        while (true)
        {
            List<SendRequest> sent = Sent();
            foreach (SendRequest request in sent)
                if (answer(request) is { } given) _node.Answered(request.Id, request.ExpectsAnswer ? given : null, Reached(request.Peer), _now);
            if (sent.Count != 0) continue;
            if (until is null || until()) return;
            _now = _node.NextTick > _now ? _node.NextTick : _now;
            _node.Tick(_now);
        }
    }
}
