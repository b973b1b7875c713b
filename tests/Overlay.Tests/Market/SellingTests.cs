using CsCheck;
using Overlay.Market;
using Overlay.Market.Selling;

namespace Overlay.Tests.Market;

public sealed class SellingTests
{
    private static readonly SellingTerms s_terms = new(Region.Parse("DE"), 50_000, 100, new HashSet<int> { 80, 443 });

    [Fact]
    public void Fit_WhatIsAskedFor()
    {
        Assert.True(s_terms.Fit(Demands.Make(maxPrice: 50_000, minMbps: 100)));
        Assert.True(s_terms.Fit(Demands.Make(region: "ZZ", ports: [])));
        Assert.False(s_terms.Fit(Demands.Make(region: "FR")));
        Assert.False(s_terms.Fit(Demands.Make(maxPrice: 49_999)));
        Assert.False(s_terms.Fit(Demands.Make(minMbps: 101)));
        Assert.False(s_terms.Fit(Demands.Make(ports: [22, 80])));
        Assert.True((s_terms with { MaxMbps = 0 }).Fit(Demands.Make(minMbps: 101)));
    }

    [Fact]
    public void Rate_OfOneNetwork_LeavesRoomForOthers_AndOfAllIsLimited()
    {
        var rate = new AnswerRate(new MarketLimits { AnswerBurst = 6, AnswerBurstPerNetwork = 4 }, isIsolated: false);
        Assert.Equal(4, Enumerable.Range(0, 10).Count(_ => rate.TryTake(Demands.Make(network: 1), Demands.Now)));
        Assert.Equal(2, Enumerable.Range(2, 10).Count(network => rate.TryTake(Demands.Make(network: network), Demands.Now)));
        // 12 and 120 a minute after that.
        Assert.True(rate.TryTake(Demands.Make(network: 1), Demands.Now + TimeSpan.FromSeconds(5)));
        Assert.False(rate.TryTake(Demands.Make(network: 1), Demands.Now + TimeSpan.FromSeconds(5)));
    }

    [Fact]
    public void Rate_InAnIsolatedNetwork_IsThatOfAll()
    {
        var rate = new AnswerRate(new MarketLimits { AnswerBurst = 6 }, isIsolated: true);
        Assert.Equal(6, Enumerable.Range(0, 10).Count(_ => rate.TryTake(Demands.Make(), Demands.Now)));
    }

    [Fact]
    public void Price_WhateverTheMarketDoes_StaysBetweenFloorAndCeilingAndMovesByAStep() =>
        Gen.Select(Gen.ULong[0, 1_000_000], Gen.ULong[0, 1_000_000], Gen.Select(Gen.Int[0, 10], Gen.ULong.Nullable(), Gen.ULong.Nullable()).Array[0, 60]).Sample((floor, spread, looks) =>
        {
            var follower = new PriceFollower(floor, floor + spread);
            foreach ((int sessions, ulong? asked, ulong? offered) in looks)
            {
                ulong before = follower.Current;
                ulong after = follower.Look(sessions, 10, asked, offered);
                Assert.InRange(after, floor, floor + spread);
                Assert.True(Math.Max(after, before) - Math.Min(after, before) <= Math.Max(before / 16, 1));
                // Never above what somebody has just said to pay, when it rises.
                if (after > before) Assert.True(asked >= after && sessions > 5);
            }
        });

    [Fact]
    public void Price_BusyAndWanted_RisesToTheCeiling_IdleAndUnwanted_FallsToTheFloor()
    {
        var follower = new PriceFollower(50_000, 80_000);
        for (int i = 0; i < 20; i++) follower.Look(8, 10, ulong.MaxValue, null);
        Assert.Equal(80_000UL, follower.Current);
        Assert.Equal(80_000UL, follower.Look(5, 10, ulong.MaxValue, null));
        Assert.Equal(80_000UL, follower.Look(0, 10, 90_000, 80_000));
        Assert.Equal(75_000UL, follower.Look(0, 10, 90_000, 70_000));
        Assert.Equal(70_313UL, follower.Look(0, 10, 20_000, null));
        for (int i = 0; i < 20; i++) follower.Look(0, 10, null, null);
        Assert.Equal(50_000UL, follower.Current);
    }

    [Fact]
    public void Price_CeilingBelowFloor_IsRefused() => Assert.Throws<ArgumentOutOfRangeException>(() => new PriceFollower(2, 1));
}
