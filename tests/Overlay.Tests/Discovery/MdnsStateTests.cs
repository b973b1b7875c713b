using System.Net;
using System.Text;
using Overlay.Discovery.Mdns;
using Overlay.Transport.Identity;

namespace Overlay.Tests.Discovery;

public sealed class MdnsStateTests
{
    private const string Name = "0123456789abcdef0123456789abcdef";

    private static readonly DnsName s_service = DnsName.Parse("_p2p._udp.local"), s_own = DnsName.Parse($"{Name}._p2p._udp.local"),
        s_other = DnsName.Parse("other._p2p._udp.local");
    private static readonly IPEndPoint s_neighbour = new(IPAddress.Parse("10.0.0.2"), 5353);
    private static readonly MdnsLink s_link = new(1, "eth0",
        [new LinkAddress(IPAddress.Parse("10.0.0.1"), 24), new LinkAddress(IPAddress.Parse("2a00:1::1"), 64)]);

    private readonly PeerId _self = Peers.New(), _peer = Peers.New();
    private readonly MdnsOptions _options;
    private readonly MdnsState _state;
    private DateTimeOffset _now = Peers.Start;

    public MdnsStateTests() : this(new MdnsOptions())
    {
    }

    private MdnsStateTests(MdnsOptions options)
    {
        _options = options;
        _state = new MdnsState(_self, Name, options, new Random(7));
        _state.SetAddresses([Peers.At("10.0.0.1").WithPeerId(_self), Peers.At("127.0.0.1").WithPeerId(_self), Peers.At("172.16.0.1").WithPeerId(_self)], _now);
        _state.SetLinks([s_link], _now);
    }

    private List<DnsMessage> Pass(TimeSpan time)
    {
        var sent = new List<DnsMessage>();
        DateTimeOffset end = _now + time;
        while (true)
        {
            _state.Advance(_now);
            foreach (MdnsSend send in _state.TakeSends())
            {
                Assert.True(DnsReader.TryRead(send.Packet, _options.Limits, out DnsMessage? message));
                sent.Add(message);
            }

            if (_now >= end) return sent;
            DateTimeOffset due = _state.Due;
            _now = due < end && due > _now ? due : end;
        }
    }

    private void Settle() => Pass(TimeSpan.FromSeconds(10));

    private void Receive(DnsMessage message, IPEndPoint? source = null) => _state.Receive(1, source ?? s_neighbour, DnsWriter.Write(message), _now);

    private static DnsMessage Query(DnsName? name = null, DnsType type = DnsType.Ptr, bool unicast = false, params DnsRecord[] known) =>
        new() { Questions = [new DnsQuestion(name ?? s_service, type, unicast)], Answers = known };

    private static DnsMessage Response(uint ttl, IEnumerable<string> texts, DnsName? instance = null, bool textInAnswers = false)
    {
        DnsRecord pointer = new(s_service, DnsType.Ptr, ttl, new DnsPointer(instance ?? s_other));
        DnsRecord[] records = [.. texts.Select(text => new DnsRecord(instance ?? s_other, DnsType.Txt, ttl, new DnsText([Encoding.UTF8.GetBytes(text)])))];
        return new DnsMessage { IsResponse = true, Answers = textInAnswers ? [pointer, .. records] : [pointer], Additionals = textInAnswers ? [] : records };
    }

    private string Told(string address) => $"dnsaddr={address}/p2p/{_peer}";

    [Fact]
    public void Advance_NewLink_IsAskedAtOnceAndThenEverMoreSeldom()
    {
        var times = new List<DateTimeOffset>();
        for (int i = 0; i < 2000; i++)
        {
            _state.Advance(_now);
            foreach (MdnsSend send in _state.TakeSends())
                if (DnsReader.TryRead(send.Packet, _options.Limits, out DnsMessage? sent) && !sent.IsResponse) times.Add(_now);
            _now += TimeSpan.FromMilliseconds(500);
        }

        Assert.InRange(times[0] - Peers.Start, TimeSpan.FromMilliseconds(20), TimeSpan.FromSeconds(1));
        double[] pauses = [.. times.Zip(times.Skip(1), (a, b) => (b - a).TotalSeconds)];
        Assert.Equal([1, 2, 4, 8, 16, 32, 64, 128, 256, 300], pauses[..10]);
    }

    [Fact]
    public void Advance_NewLink_IsToldTwiceWithAllThatIsThere()
    {
        DnsMessage[] told = [.. Pass(TimeSpan.FromSeconds(5)).Where(message => message.IsResponse)];

        Assert.Equal(2, told.Length);
        Assert.Equal(s_own, Assert.IsType<DnsPointer>(Assert.Single(told[0].Answers).Data).Target);
        DnsText text = Assert.IsType<DnsText>(told[0].Additionals.Single(record => record.Type == DnsType.Txt).Data);
        Assert.Equal([$"dnsaddr=/ip4/10.0.0.1/tcp/4001/p2p/{_self}"], text.Strings.Select(Encoding.UTF8.GetString));
        Assert.Equal(4001, Assert.IsType<DnsService>(told[0].Additionals.Single(record => record.Type == DnsType.Srv).Data).Port);
        Assert.Equal(IPAddress.Parse("10.0.0.1"), Assert.IsType<DnsAddress>(told[0].Additionals.Single(record => record.Type == DnsType.A).Data).Address);
    }

    [Fact]
    public void Advance_NoAddressOnTheLink_AsksAndSaysNothing()
    {
        _state.SetAddresses([Peers.At("127.0.0.1").WithPeerId(_self)], _now);
        Receive(Query());

        Assert.DoesNotContain(Pass(TimeSpan.FromMinutes(1)), message => message.IsResponse);
    }

    [Fact]
    public void Receive_Question_IsAnsweredAfterAMoment()
    {
        Settle();
        Receive(Query());
        Assert.Empty(Pass(TimeSpan.Zero));

        Assert.Single(Pass(TimeSpan.FromMilliseconds(120)), message => message.IsResponse);
    }

    [Fact]
    public void Receive_ManyQuestions_AreAnsweredOnceASecond()
    {
        Settle();
        int answers = 0;
        for (int i = 0; i < 100; i++)
        {
            Receive(Query());
            answers += Pass(TimeSpan.FromMilliseconds(50)).Count(message => message.IsResponse);
        }

        Assert.InRange(answers, 4, 6);
    }

    [Fact]
    public void Receive_QuestionThatKnowsTheAnswer_IsNotAnswered()
    {
        Settle();
        Receive(Query(known: new DnsRecord(s_service, DnsType.Ptr, 300, new DnsPointer(s_own))));
        Assert.DoesNotContain(Pass(TimeSpan.FromSeconds(2)), message => message.IsResponse);

        Receive(Query(known: new DnsRecord(s_service, DnsType.Ptr, 100, new DnsPointer(s_own))));
        Assert.Contains(Pass(TimeSpan.FromSeconds(2)), message => message.IsResponse);
    }

    [Theory]
    [InlineData("_services._dns-sd._udp.local", 12)]
    [InlineData("_P2P._UDP.local", 255)]
    [InlineData(Name + "._p2p._udp.local", 16)]
    [InlineData(Name + "._p2p._udp.local", 33)]
    [InlineData(Name + ".p2p.local", 1)]
    [InlineData(Name + ".p2p.local", 28)]
    public void Receive_QuestionOfServiceDiscovery_IsAnswered(string name, int type)
    {
        Settle();
        Receive(Query(DnsName.Parse(name), (DnsType)type));

        Assert.Contains(Pass(TimeSpan.FromSeconds(1)), message => message.IsResponse && message.Answers.Count > 0);
    }

    [Fact]
    public void Receive_QuestionForOthers_IsNotAnswered()
    {
        Settle();
        Receive(Query(DnsName.Parse("_ipp._tcp.local")));

        Assert.DoesNotContain(Pass(TimeSpan.FromSeconds(2)), message => message.IsResponse);
    }

    [Fact]
    public void Receive_FromAnotherPort_IsAnsweredAsPlainDns()
    {
        Settle();
        var asker = new IPEndPoint(IPAddress.Parse("10.0.0.9"), 40_000);
        Receive(Query() with { Id = 0x1234 }, asker);

        MdnsSend send = Assert.Single(_state.TakeSends());
        Assert.Equal(asker, send.To);
        Assert.True(DnsReader.TryRead(send.Packet, _options.Limits, out DnsMessage? answer));
        Assert.Equal(0x1234, answer.Id);
        Assert.Single(answer.Questions);
        Assert.All([.. answer.Answers, .. answer.Additionals], record => Assert.True(record.TtlSeconds <= 10 && !record.FlushesCache));
    }

    [Fact]
    public void Receive_ManyAskersForThemselves_AreAnsweredAtARate()
    {
        Settle();
        for (int i = 0; i < 100; i++) Receive(Query(), new IPEndPoint(IPAddress.Parse("10.0.0.9"), 40_000 + i));

        Assert.Equal(_options.UnicastAnswersPerSecond, _state.TakeSends().Count);
        Assert.True(_state.Refusals[MdnsRefusal.Rate] > 0);
    }

    [Fact]
    public void Receive_QuestionForAnAnswerToOne_GoesToThatOne()
    {
        Settle();
        Receive(Query(unicast: true));

        Assert.Equal(s_neighbour, Assert.Single(_state.TakeSends()).To);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Receive_Response_ThePeerIsKnown(bool textInAnswers)
    {
        Receive(Response(120, [Told("/ip4/10.0.0.2/tcp/4001"), Told("/ip4/192.168.7.7/tcp/4001")], textInAnswers: textInAnswers));

        MdnsPeer peer = Assert.Single(_state.Peers);
        Assert.Equal(_peer, peer.Peer);
        Assert.Equal([Peers.At("10.0.0.2"), Peers.At("192.168.7.7")], peer.Addresses);
    }

    [Theory]
    [InlineData("/ip4/127.0.0.1/tcp/4001")]
    [InlineData("/ip4/1.1.1.1/tcp/4001")]
    [InlineData("/ip4/169.254.169.254/tcp/80")]
    [InlineData("/dns4/example.org/tcp/4001")]
    [InlineData("/ip4/10.0.0.2/udp/4001/quic-v1")]
    [InlineData("/ip4/10.0.0.2/tcp/4001/ws")]
    [InlineData("/nonsense")]
    public void Receive_AddressNotToBeDialled_IsRefusedAndCounted(string address)
    {
        Receive(Response(120, [Told(address)]));

        Assert.Empty(_state.Peers);
        Assert.Equal(1, _state.Refusals[MdnsRefusal.Address]);
    }

    [Fact]
    public void Receive_PublicAddressOnTheLink_IsTaken()
    {
        Receive(Response(120, [Told("/ip6/2a00:1::2/tcp/4001"), Told("/ip6/2a00:2::2/tcp/4001")]));

        Assert.Equal([Peers.At("2a00:1::2")], Assert.Single(_state.Peers).Addresses);
    }

    [Fact]
    public void Receive_AddressOfASecondPeer_IsLeftOut()
    {
        Receive(Response(120, [Told("/ip4/10.0.0.2/tcp/1"), $"dnsaddr=/ip4/10.0.0.3/tcp/2/p2p/{Peers.New()}"]));

        Assert.Equal([Peers.At("10.0.0.2", 1)], Assert.Single(_state.Peers).Addresses);
    }

    [Fact]
    public void Receive_OwnWords_AreNobody()
    {
        Receive(Response(120, [$"dnsaddr=/ip4/10.0.0.1/tcp/4001/p2p/{_self}"]));
        Receive(Response(120, [Told("/ip4/10.0.0.2/tcp/4001")], s_own));

        Assert.Empty(_state.Peers);
    }

    [Theory]
    [InlineData("10.0.1.2", 5353)]
    [InlineData("8.8.8.8", 5353)]
    [InlineData("10.0.0.2", 40_000)]
    public void Receive_ResponseFromElsewhere_IsRefusedAndCounted(string ip, int port)
    {
        Receive(Response(120, [Told("/ip4/10.0.0.2/tcp/4001")]), new IPEndPoint(IPAddress.Parse(ip), port));

        Assert.Empty(_state.Peers);
        Assert.Equal(1, _state.Refusals[MdnsRefusal.Source]);
    }

    [Fact]
    public void Receive_NoMessage_IsRefusedAndCounted()
    {
        _state.Receive(1, s_neighbour, "hello, is anybody there?"u8, _now);

        Assert.Equal(1, _state.Refusals[MdnsRefusal.Malformed]);
    }

    [Fact]
    public void Receive_FloodOfPackets_IsReadAtARate()
    {
        for (int i = 0; i < 1000; i++) Receive(Query(DnsName.Parse("_ipp._tcp.local")));

        Assert.Equal(1000 - _options.PacketBurst, _state.Refusals[MdnsRefusal.Rate]);
    }

    [Fact]
    public void Receive_MorePeersThanAllowed_TheFirstStay()
    {
        var tests = new MdnsStateTests(new MdnsOptions { MaxPeerCount = 3, PacketBurst = 10_000 });
        for (int i = 0; i < 50; i++)
            tests.Receive(Response(120, [$"dnsaddr=/ip4/10.0.0.2/tcp/{i + 1}/p2p/{Peers.New()}"], DnsName.Parse($"peer{i}._p2p._udp.local")));

        Assert.Equal(3, tests._state.Peers.Count);
        Assert.Equal(47, tests._state.Refusals[MdnsRefusal.Capacity]);
    }

    [Fact]
    public void Receive_ManyAddresses_TakesNoMoreThanAllowed()
    {
        Receive(Response(120, Enumerable.Range(1, 60).Select(port => Told($"/ip4/10.0.0.2/tcp/{port}"))));

        Assert.Equal(_options.MaxAddressesPerPeer, Assert.Single(_state.Peers).Addresses.Count);
    }

    [Fact]
    public void Receive_PeerNamedWithoutItsAddresses_IsAskedFor()
    {
        Settle();
        Receive(Response(120, []));

        DnsMessage asked = Assert.Single(Pass(TimeSpan.FromSeconds(2)), message => !message.IsResponse && message.Questions.Count > 1);
        Assert.Contains(asked.Questions, question => question.Asks(s_other, DnsType.Txt));
    }

    [Fact]
    public void Advance_PeerFallsSilent_IsAskedForAndThenForgotten()
    {
        Settle();
        Pass(TimeSpan.FromMinutes(20));
        Receive(Response(120, [Told("/ip4/10.0.0.2/tcp/4001")]));

        int asked = Pass(TimeSpan.FromSeconds(119)).Count(message => !message.IsResponse);
        Assert.InRange(asked, 3, 5);
        Assert.Single(_state.Peers);
        Pass(TimeSpan.FromSeconds(2));
        Assert.Empty(_state.Peers);
    }

    [Fact]
    public void Receive_Goodbye_ThePeerIsGoneASecondLater()
    {
        Receive(Response(120, [Told("/ip4/10.0.0.2/tcp/4001")]));
        Receive(Response(0, []));
        Assert.Single(_state.Peers);

        Pass(TimeSpan.FromSeconds(1));
        Assert.Empty(_state.Peers);
    }

    [Fact]
    public void Advance_PeersAreKnown_TheQuestionSaysSo()
    {
        Pass(TimeSpan.FromMilliseconds(500));
        Receive(Response(120, [Told("/ip4/10.0.0.2/tcp/4001")]));

        DnsMessage asked = Pass(TimeSpan.FromSeconds(2)).First(message => !message.IsResponse);

        Assert.Equal(s_other, Assert.IsType<DnsPointer>(Assert.Single(asked.Answers).Data).Target);
    }

    [Fact]
    public void SetLinks_LinkGoes_ItsPeersGo()
    {
        Receive(Response(120, [Told("/ip4/10.0.0.2/tcp/4001")]));

        _state.SetLinks([], _now);

        Assert.Empty(_state.Peers);
    }

    [Fact]
    public void Stop_SaysGoodbye()
    {
        Settle();
        _state.Stop();

        MdnsSend send = Assert.Single(_state.TakeSends());
        Assert.True(DnsReader.TryRead(send.Packet, _options.Limits, out DnsMessage? goodbye));
        Assert.Equal(0u, Assert.Single(goodbye.Answers).TtlSeconds);
    }
}
