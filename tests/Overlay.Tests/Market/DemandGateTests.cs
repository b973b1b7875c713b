using Overlay.Gossip;
using Overlay.Market;
using Overlay.Market.Demanding;
using Overlay.Market.Messages;
using Overlay.Transport.Identity;

namespace Overlay.Tests.Market;

public sealed class DemandGateTests
{
    private static readonly Region s_germany = Region.Parse("DE");

    private readonly DemandGate _gate = new(new MarketLimits());

    [Fact]
    public void Judge_Sound_IsAccepted()
    {
        Demand demand = Demands.Make();
        Assert.Equal(GossipVerdict.Accept, _gate.Judge(s_germany, Demands.Message(demand), Demands.Now, out Demand? read));
        Assert.Equal(demand.Id, read!.Id);
    }

    [Fact]
    public void Judge_Forged_CostsItsForwarder()
    {
        Demand demand = Demands.Make();
        byte[] forged = demand.Envelope.Encode();
        forged[^1] ^= 1;
        Assert.Equal(GossipVerdict.Reject, Judge(Demands.Message(demand, data: forged)));
        Assert.Equal(GossipVerdict.Reject, Judge(Demands.Message(demand, data: new byte[Demand.MaxEnvelopeSize + 1])));
    }

    [Fact]
    public void Judge_OfAnotherTopicOrAuthor_CostsItsForwarder()
    {
        using var other = PeerIdentity.Generate();
        Assert.Equal(GossipVerdict.Reject, Judge(Demands.Message(Demands.Make(region: "FR"))));
        Assert.Equal(GossipVerdict.Reject, Judge(Demands.Message(Demands.Make(), author: other)));
    }

    [Theory]
    [InlineData(-61, GossipVerdict.Reject)]
    [InlineData(-59, GossipVerdict.Ignore)]
    [InlineData(-1, GossipVerdict.Ignore)]
    [InlineData(0, GossipVerdict.Accept)]
    [InlineData(10, GossipVerdict.Accept)]
    [InlineData(69, GossipVerdict.Accept)]
    [InlineData(71, GossipVerdict.Ignore)]
    [InlineData(129, GossipVerdict.Ignore)]
    [InlineData(131, GossipVerdict.Reject)]
    public void Judge_ClocksAnHourApart_HarmOnlyWhatIsExpired(int minutesAhead, GossipVerdict verdict) =>
        Assert.Equal(verdict, Judge(Demands.Message(Demands.Make(ahead: TimeSpan.FromMinutes(minutesAhead)))));

    [Fact]
    public void Judge_ManyOfOneKey_AreNotPassedOnAndCostNobody()
    {
        using var consumer = PeerIdentity.Generate();
        GossipVerdict[] verdicts = [.. Enumerable.Range(0, 10).Select(_ => Judge(Demands.Message(Demands.Make(consumer), from: PeerIdentity.Generate())))];
        Assert.Equal(4, verdicts.Count(verdict => verdict == GossipVerdict.Accept));
        Assert.Equal(6, verdicts.Count(verdict => verdict == GossipVerdict.Ignore));
    }

    [Fact]
    public void Judge_ManyFromOneNeighbour_ArePassedOverAndCostNobody()
    {
        using var neighbour = PeerIdentity.Generate();
        var gate = new DemandGate(new MarketLimits { DemandBurstPerConnection = 3 });
        GossipVerdict[] verdicts = [.. Enumerable.Range(0, 8).Select(_ => gate.Judge(s_germany, Demands.Message(Demands.Make(), from: neighbour), Demands.Now, out Demand? _))];
        Assert.Equal(
            [.. Enumerable.Repeat(GossipVerdict.Accept, 3), .. Enumerable.Repeat(GossipVerdict.Ignore, 5)], verdicts);
    }

    [Fact]
    public void Judge_WhatOneNodeAccepts_NoOtherWithinAnHourRejects()
    {
        for (int minutes = 0; minutes <= 70; minutes += 5)
        {
            Demand demand = Demands.Make(ahead: TimeSpan.FromMinutes(minutes));
            Assert.Equal(GossipVerdict.Accept, new DemandGate(new MarketLimits()).Judge(s_germany, Demands.Message(demand), Demands.Now, out _));
            foreach (int apart in new[] { -60, -1, 1, 60 })
                Assert.NotEqual(GossipVerdict.Reject, new DemandGate(new MarketLimits()).Judge(s_germany, Demands.Message(demand), Demands.Now + TimeSpan.FromMinutes(apart), out _));
        }
    }

    [Fact]
    public void RateTable_MoreKeysThanItHolds_ForgetsTheOneHeardOfLongestAgo()
    {
        var table = new RateTable<int>(capacity: 2, burst: 1, perSecond: 0.001);
        Assert.True(table.TryTake(1, Demands.Now));
        Assert.True(table.TryTake(2, Demands.Now));
        Assert.False(table.TryTake(1, Demands.Now));
        Assert.True(table.TryTake(3, Demands.Now));
        Assert.Equal(2, table.Count);
        // 2 was forgotten, 1 was not.
        Assert.False(table.TryTake(1, Demands.Now));
        Assert.True(table.TryTake(2, Demands.Now));
    }

    private GossipVerdict Judge(GossipMessage message) => _gate.Judge(s_germany, message, Demands.Now, out _);
}
