using Overlay.Market;
using Overlay.Market.Demanding;
using Overlay.Market.Messages;
using Overlay.Market.Witnessing;
using Overlay.Sessions.Messages;
using Overlay.Tests.Market.Witnessing;
using Overlay.Transport.Identity;

namespace Overlay.Tests.Market;

public sealed class MarketBoardTests
{
    private static readonly Region s_germany = Region.Parse("DE");

    [Fact]
    public void Snapshot_CountsWhatIsValid_ByRegion()
    {
        var board = new MarketBoard(new MarketLimits());
        foreach (ulong price in new ulong[] { 100_000, 300_000, 200_000, long.MaxValue }) Assert.True(board.Add(Demands.Make(maxPrice: price), Demands.Now));
        board.Add(Demands.Make(region: "ZZ"), Demands.Now);
        foreach (ulong price in new ulong[] { 50_000, 70_000 }) board.Add(Demands.Offer(PeerIdentity.Generate(), price: price), Demands.Now);

        RegionFigures[] figures = [.. board.Snapshot(Demands.Now)];
        Assert.Equal(["DE", "ZZ"], figures.Select(region => region.Region.Code));
        Assert.Equal((4, ByteSize.FromGibibytes(4), 0.2m), (figures[0].DemandCount, figures[0].Wanted, figures[0].MedianMaxPricePerGiB));
        Assert.Equal((2, 0.05m, 0.05m), (figures[0].OfferCount, figures[0].MedianPricePerGiB, figures[0].LowestPricePerGiB));
        Assert.Equal((1, 0, null), (figures[1].DemandCount, figures[1].OfferCount, figures[1].MedianPricePerGiB));
        Assert.Equal((ulong)long.MaxValue, board.HighestAsked(s_germany, Demands.Now));
        Assert.Equal(50_000UL, board.MedianOffered(s_germany, default, Demands.Now));
        Assert.Empty(board.Snapshot(Demands.Now + TimeSpan.FromMinutes(11)));
        Assert.Null(board.HighestAsked(s_germany, Demands.Now + TimeSpan.FromMinutes(11)));
    }

    [Fact]
    public void Withdraw_AnOffer_CountsNoMoreUntilTheProviderMakesAnother()
    {
        var board = new MarketBoard(new MarketLimits());
        Offer offer = Demands.Offer(PeerIdentity.Generate());
        board.Withdraw(offer.Provider);
        board.Add(offer, Demands.Now);
        board.Withdraw(offer.Provider);
        Assert.Empty(board.Snapshot(Demands.Now));
        board.Add(offer, Demands.Now);
        Assert.Single(board.Snapshot(Demands.Now));
    }

    [Fact]
    public void Snapshot_WhatWitnessesSaw_IsTheMedianOfThoseWhoShowIt()
    {
        var board = new MarketBoard(new MarketLimits());
        foreach (uint rtt in new uint[] { 10, 90, 30 })
            board.Add(Demands.Offer(PeerIdentity.Generate()), Demands.Now, AttestedFigures.Of([Words.Make(10, rtt: rtt, down: rtt, up: 7)]));
        board.Add(Demands.Offer(PeerIdentity.Generate()), Demands.Now);
        RegionFigures figures = Assert.Single(board.Snapshot(Demands.Now));
        Assert.Equal((4, 3, 1.0), (figures.OfferCount, figures.AttestedCount, figures.MedianUptime));
        Assert.Equal((TimeSpan.FromMilliseconds(30), BitRate.FromMegabits(30), BitRate.FromMegabits(7)),
            (figures.MedianRoundTrip, figures.MedianRateDown, figures.MedianRateUp));
    }

    [Fact]
    public void Add_TheSameAgain_CountsOnce()
    {
        var board = new MarketBoard(new MarketLimits());
        Demand demand = Demands.Make();
        Assert.True(board.Add(demand, Demands.Now));
        Assert.False(board.Add(demand, Demands.Now));
        using var provider = PeerIdentity.Generate();
        board.Add(Demands.Offer(provider, price: 1), Demands.Now);
        board.Add(Demands.Offer(provider, price: 2), Demands.Now);
        RegionFigures figures = Assert.Single(board.Snapshot(Demands.Now));
        Assert.Equal((1, 1, 0.000002m), (figures.DemandCount, figures.OfferCount, figures.LowestPricePerGiB));
    }

    [Fact]
    public void Add_FromAConsumerWhoseClockIsAhead_IsForgottenInTime()
    {
        var board = new MarketBoard(new MarketLimits());
        board.Add(Demands.Make(ahead: TimeSpan.FromMinutes(65)), Demands.Now);
        Assert.Single(board.Snapshot(Demands.Now + TimeSpan.FromMinutes(9)));
        Assert.Empty(board.Snapshot(Demands.Now + TimeSpan.FromMinutes(10)));
    }

    [Fact]
    public void Add_SumsThatCannotBe_AreAsLargeAsCanBe()
    {
        var board = new MarketBoard(new MarketLimits());
        for (int i = 0; i < 3; i++) board.Add(Demands.Make(bytes: long.MaxValue), Demands.Now);
        Assert.Equal(ulong.MaxValue, Assert.Single(board.Snapshot(Demands.Now)).Wanted.Bytes);
    }

    [Fact]
    public void Add_MoreThanTheLimits_ForgetsTheOldest()
    {
        var board = new MarketBoard(new MarketLimits { MaxDemands = 16, MaxProviders = 16 });
        for (int i = 0; i < 50; i++)
        {
            board.Add(Demands.Make(), Demands.Now);
            board.Add(Demands.Offer(PeerIdentity.Generate()), Demands.Now);
        }

        RegionFigures figures = Assert.Single(board.Snapshot(Demands.Now));
        Assert.Equal((16, 16), (figures.DemandCount, figures.OfferCount));
    }
}
