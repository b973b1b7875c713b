using System.Net;
using CsCheck;
using Microsoft.Extensions.Time.Testing;
using Overlay.Transport.Connections;
using Overlay.Transport.Identity;
using Overlay.Transport.Resources;

namespace Overlay.Transport.Tests.Resources;

/// <summary>Limits by address: what the connections of a prefix may hold, and how many new ones may come a second.</summary>
public class PrefixTests
{
    [Theory]
    [InlineData("192.0.2.1", "192.0.2.1", 8)]
    [InlineData("192.0.2.1", "192.0.2.2", int.MaxValue)]
    [InlineData("2001:db8::1", "2001:db8:0:ff::1", 8)]
    [InlineData("2001:db8::1", "2001:db8:1::1", int.MaxValue)]
    [InlineData("127.0.0.1", "127.0.0.1", int.MaxValue)]
    [InlineData("::1", "::1", int.MaxValue)]
    public void Connection_DefaultRules_CountAddressesByTheirPrefix(string first, string second, int limit)
    {
        ResourceBudget budget = Budgets.Create(Budgets.Unlimited with { PrefixRules = new ResourceOptions().PrefixRules });
        for (int i = 0; i < 8; i++) budget.Connect(direction: i % 2 == 0 ? Direction.Inbound : Direction.Outbound, ip: first);

        if (limit == int.MaxValue)
        {
            budget.Connect(ip: second);
            return;
        }

        ResourceRefusal refusal = budget.RefuseConnection(ip: second);
        Assert.Equal((ResourceScopeKind.Prefix, ResourceKind.Connections, (double)limit), (refusal.Scope, refusal.Resource, refusal.Limit));
    }

    [Fact]
    public void Connection_ManySubnetsOfOneSite_AreLimitedTogether()
    {
        ResourceBudget budget = Budgets.Create(Budgets.Unlimited with { PrefixRules = PrefixRule.General });
        for (int i = 0; i < 64; i++) budget.Connect(direction: Direction.Outbound, ip: $"2001:db8:0:{i << 8:x}::1");

        ResourceRefusal refusal = budget.RefuseConnection(Direction.Outbound, "2001:db8:0:ff00::1");

        Assert.Contains("2001:db8::/48", refusal.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public void Connection_AddressMappedIntoIpv6_CountsAsIpv4()
    {
        ResourceBudget budget = Budgets.Create(Budgets.Unlimited with { PrefixRules = [new PrefixRule(IPNetwork.Parse("0.0.0.0/0"), 32) { Limits = new() { MaxConnectionCount = 1 } }] });
        budget.Connect(ip: "192.0.2.1");

        Assert.Equal(ResourceScopeKind.Prefix, budget.RefuseConnection(ip: "::ffff:192.0.2.1").Scope);
    }

    [Fact]
    public void Connection_LoopbackRulesLeftOut_IsLimitedLikeAnyAddress()
    {
        ResourceBudget budget = Budgets.Create(Budgets.Unlimited with { PrefixRules = PrefixRule.General });
        for (int i = 0; i < 8; i++) budget.Connect(ip: "127.0.0.1");

        Assert.Equal(ResourceScopeKind.Prefix, budget.RefuseConnection(ip: "127.0.0.1").Scope);
    }

    [Fact]
    public void Connection_MoreSpecificNetwork_ItsRuleAloneHolds()
    {
        PrefixRule[] rules =
        [
            new(IPNetwork.Parse("0.0.0.0/0"), 32) { Limits = new() { MaxConnectionCount = 1 } },
            new(IPNetwork.Parse("192.0.2.0/24"), 24) { Limits = new() { MaxConnectionCount = 3 } },
            new(IPNetwork.Parse("192.0.2.128/25"), 32) { Limits = new() { MaxConnectionCount = 0 } },
        ];
        ResourceBudget budget = Budgets.Create(Budgets.Unlimited with { PrefixRules = rules });

        for (int i = 0; i < 3; i++) budget.Connect(ip: "192.0.2.1");
        Assert.Equal(3, budget.RefuseConnection(ip: "192.0.2.2").Limit);
        Assert.Equal(0, budget.RefuseConnection(ip: "192.0.2.200").Limit);
        budget.Connect(ip: "198.51.100.1");
    }

    [Fact]
    public void Connection_Ended_ItsPrefixIsForgotten()
    {
        ResourceBudget budget = Budgets.Create(Budgets.Unlimited with { PrefixRules = PrefixRule.General });
        ConnectionScope[] scopes = [.. Enumerable.Range(1, 50).Select(i => budget.Connect(ip: $"192.0.2.{i}"))];
        Assert.Equal(50, budget.TakeSnapshot().PrefixCount);

        foreach (ConnectionScope scope in scopes) scope.Dispose();

        Assert.Equal(0, budget.TakeSnapshot().PrefixCount);
    }

    [Theory]
    [InlineData("192.0.2.1", "192.0.2.1", "192.0.2.2")]
    [InlineData("2001:db8::1", "2001:db8:0:ff::1", "2001:db8:0:100::1")]
    public void Streams_OfManyPeersBehindOneAddress_AreAsManyAsOnePeers(string first, string second, string elsewhere)
    {
        ResourceBudget budget = Budgets.Create(Budgets.Unlimited with { PrefixRules = PrefixRule.General });
        ConnectionScope one = budget.Connect(Budgets.NewPeer(), ip: first), another = budget.Connect(Budgets.NewPeer(), ip: second);
        for (int i = 0; i < 512; i++)
        {
            one.Accept("/chat");
            another.OpenStream("/chat");
        }

        Assert.False(another.TryAcceptStream(out _, out ResourceRefusal accepting));
        Assert.False(one.TryOpenStream("/chat", out _, out ResourceRefusal opening));

        Assert.All([accepting, opening], refusal => Assert.Equal((ResourceScopeKind.Prefix, ResourceKind.Streams, 1024d), (refusal.Scope, refusal.Resource, refusal.Limit)));
        Assert.Equal("Resources.PrefixRules, Limits.MaxStreamCount", opening.ToException(ConnectionStep.Stream, null).Limit);
        budget.Connect(Budgets.NewPeer(), ip: elsewhere).Accept("/chat");
    }

    [Fact]
    public void Memory_OfManyPeersOfOneSite_IsReservedInAllPrefixesOrInNone()
    {
        const int Size = 12 << 20;
        ResourceBudget budget = Budgets.Create(Budgets.Unlimited with { PrefixRules = PrefixRule.General });
        ConnectionScope[] scopes = [.. new[] { "::1", "::2", ":0:100::1", ":0:100::2", ":0:200::1", ":0:200::2", ":0:300::1" }.Select(ip => budget.Connect(Budgets.NewPeer(), ip: $"2001:db8{ip}"))];
        Assert.All(scopes[..6], scope => Assert.True(scope.TryReserve(Size)));

        // Three times a /56 has its 24 MiB, and the /48 of all its 72.
        Assert.All(scopes, scope => Assert.False(scope.TryReserve(1)));

        ResourceSnapshot snapshot = budget.TakeSnapshot();
        Assert.Equal(6L * Size, snapshot.Node.MemorySize);
        Assert.Equal([("2001:db8::/48", 6L * Size), ("2001:db8::/56", 2L * Size), ("2001:db8:0:100::/56", 2L * Size), ("2001:db8:0:200::/56", 2L * Size), ("2001:db8:0:300::/56", 0)],
            snapshot.Prefixes.Select(prefix => (prefix.Key, prefix.Value.MemorySize)));
        Assert.Equal(new RefusalCount(ResourceScopeKind.Prefix, ResourceKind.Memory, 7), Assert.Single(snapshot.Refusals));
        scopes[0].Dispose();
        Assert.True(scopes[6].TryReserve(Size));
    }

    [Fact]
    public void Window_ThatGrows_LeavesHalfOfAnAddressToWhatIsHeld()
    {
        const int Half = 12 << 20, Spare = 1 << 20;
        ResourceBudget budget = Budgets.Create(Budgets.Unlimited with { PrefixRules = PrefixRule.General });
        var greedy = new ConnectionMemory(64 << 20, budget.Connect(Budgets.NewPeer()));
        var neighbour = new ConnectionMemory(64 << 20, budget.Connect(Budgets.NewPeer()));

        Assert.False(greedy.TryPromise(Half + Spare));
        Assert.True(greedy.TryPromise(Half));
        Assert.False(neighbour.TryPromise(Spare));
        Assert.True(neighbour.TryHold(Half));
        Assert.False(neighbour.TryHold(Spare));

        // What was promised to the other is there when it comes.
        Assert.True(greedy.TryHold(Half));
        greedy.Withdraw(Half);
        greedy.LetGo(Half);
        Assert.True(neighbour.TryHold(Spare));
    }

    [Fact]
    public void Stream_OutlivesItsConnection_ItsPrefixIsForgottenWithIt()
    {
        ResourceBudget budget = Budgets.Create(Budgets.Unlimited with { PrefixRules = PrefixRule.General });
        ConnectionScope connection = budget.Connect(Budgets.NewPeer());
        StreamScope stream = connection.Accept("/chat");

        connection.Dispose();
        Assert.Equal(new ResourceUsage { InboundStreamCount = 1 }, Assert.Single(budget.TakeSnapshot().Prefixes).Value);
        stream.Dispose();

        Budgets.AssertEmpty(budget.TakeSnapshot());
    }

    [Fact]
    public void Inbound_FasterThanTheRate_IsRefusedUntilTimeHasPassed()
    {
        var time = new FakeTimeProvider();
        ResourceBudget budget = Budgets.Create(Budgets.Unlimited with { PrefixRules = [Rate(perSecond: 2, burst: 3)] }, time);
        for (int i = 0; i < 3; i++) budget.Connect().Dispose();

        ResourceRefusal refusal = budget.RefuseConnection();

        Assert.Equal((ResourceScopeKind.Prefix, ResourceKind.InboundRate), (refusal.Scope, refusal.Resource));
        budget.Connect(direction: Direction.Outbound).Dispose();
        budget.Connect(ip: "192.0.2.2").Dispose();
        time.Advance(TimeSpan.FromSeconds(0.5));
        budget.Connect().Dispose();
        budget.RefuseConnection();
        time.Advance(TimeSpan.FromHours(1));
        for (int i = 0; i < 3; i++) budget.Connect().Dispose();
        budget.RefuseConnection();
    }

    [Fact]
    public void Inbound_AnyTimes_NeverMoreThanBurstAndRateAllow() =>
        Gen.Select(Gen.Double[0.1, 50], Gen.Int[1, 20], Gen.Int[0, 2000].Array[1, 200]).Sample((rate, burst, waits) =>
        {
            var limiter = new InboundRate(new AddressPrefixes([Rate(rate, burst)]), 4);
            PrefixKey[] key = [new PrefixKey(0, 7)];
            TimeSpan now = TimeSpan.Zero;
            var taken = new List<TimeSpan>();
            foreach (int wait in waits)
            {
                now += TimeSpan.FromMilliseconds(wait);
                if (limiter.TryTake(key, now, out _)) taken.Add(now);
                else Assert.NotEmpty(taken);
            }

            // In any stretch of time at most burst and what the rate brings meanwhile; a tick of TimeSpan for each is rounding.
            for (int i = 0; i < taken.Count; i++)
                for (int j = i; j < taken.Count; j++)
                    Assert.True(j - i + 1 <= burst + ((taken[j] - taken[i]).TotalSeconds * rate) + 0.001);
        });

    [Fact]
    public void Inbound_OneOfTwoPrefixesIsEmpty_TakesNothingFromTheOther()
    {
        PrefixRule[] rules =
        [
            new(IPNetwork.Parse("::/0"), 56) { InboundPerSecond = 0.001, InboundBurst = 1 },
            new(IPNetwork.Parse("::/0"), 48) { InboundPerSecond = 0.001, InboundBurst = 2 },
        ];
        ResourceBudget budget = Budgets.Create(Budgets.Unlimited with { PrefixRules = rules });
        budget.Connect(ip: "2001:db8::1");

        for (int i = 0; i < 100; i++) budget.RefuseConnection(ip: "2001:db8::1");

        budget.Connect(ip: "2001:db8:0:100::1");
        Assert.Contains("/48", budget.RefuseConnection(ip: "2001:db8:0:200::1").ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public void Inbound_ManyPrefixes_TableStaysBoundedAndForgetsTheOldest()
    {
        ResourceBudget budget = Budgets.Create(Budgets.Unlimited with { PrefixRules = [Rate(perSecond: 0.001, burst: 1)], MaxTrackedPrefixCount = 100 });
        budget.Connect(ip: "203.0.113.1").Dispose();
        for (int i = 0; i < 1000; i++)
        {
            budget.Connect(ip: $"10.0.{i >> 8}.{i & 255}").Dispose();
            // Who is refused is remembered: a flood must not make itself forgotten.
            if (i % 50 == 0) budget.RefuseConnection(ip: "203.0.113.1");
        }

        Assert.Equal(100, budget.TakeSnapshot().TrackedPrefixCount);
        Assert.Equal(ResourceKind.InboundRate, budget.RefuseConnection(ip: "203.0.113.1").Resource);
        Assert.Equal(ResourceKind.InboundRate, budget.RefuseConnection(ip: "10.0.3.231").Resource);
        budget.Connect(ip: "10.0.0.0").Dispose();
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void Inbound_TinyTable_StillAnswers(int capacity)
    {
        ResourceBudget budget = Budgets.Create(Budgets.Unlimited with { PrefixRules = PrefixRule.General, MaxTrackedPrefixCount = capacity });

        for (int i = 0; i < 200; i++) budget.TryOpenConnection(Direction.Inbound, Budgets.Address($"2001:db8:{i % 7}::1"), out _, out _);

        Assert.Equal(capacity, budget.TakeSnapshot().TrackedPrefixCount);
    }

    [Fact]
    public void Rule_WrongValues_ThrowAtOnce()
    {
        IPNetwork network = IPNetwork.Parse("192.0.2.0/24");

        Assert.Throws<ArgumentOutOfRangeException>(() => new PrefixRule(network, 23));
        Assert.Throws<ArgumentOutOfRangeException>(() => new PrefixRule(network, 33));
        Assert.Throws<ArgumentNullException>(() => new PrefixRule(network, 32) { Limits = null! });
        Assert.Throws<ArgumentOutOfRangeException>(() => new PrefixRule(network, 32) { InboundPerSecond = 0 });
        Assert.Throws<ArgumentOutOfRangeException>(() => new PrefixRule(network, 32) { InboundPerSecond = double.NaN });
        Assert.Throws<ArgumentOutOfRangeException>(() => new PrefixRule(network, 32) { InboundBurst = 0 });
    }

    private static PrefixRule Rate(double perSecond, int burst) => new(IPNetwork.Parse("0.0.0.0/0"), 32) { InboundPerSecond = perSecond, InboundBurst = burst };
}
