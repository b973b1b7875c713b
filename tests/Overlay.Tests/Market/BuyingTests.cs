using Overlay.Market;
using Overlay.Market.Buying;
using Overlay.Market.Choosing;
using Overlay.Market.Witnessing;
using Overlay.Tests.Market.Witnessing;
using Overlay.Transport.Identity;
using Overlay.Using;

namespace Overlay.Tests.Market;

public sealed class BuyingTests
{
    private static readonly HashSet<PeerId> s_nobody = [];

    private readonly ProviderBook _book = new(new MarketOptions());
    private readonly DateTimeOffset _now = Demands.Now;

    [Fact]
    public void Rank_CheaperNearerFasterTrustedLessUsed_ComesFirst()
    {
        ExitCandidate usual = Candidate(0.05m);
        foreach (ExitCandidate better in new[]
                 {
                     Candidate(0.04m), Candidate(0.05m) with { Latency = TimeSpan.FromMilliseconds(20) }, Candidate(0.05m) with { MeasuredRate = BitRate.FromMegabits(200) },
                     Candidate(0.05m) with { Standing = 0.9 }, Candidate(0.05m) with { UsedBy = 0 }, Candidate(0m),
                 })
            Assert.Same(better, ExitRanking.Default.Rank(new ExitWish(), [usual, better, Candidate(0.05m)])[0]);
    }

    [Fact]
    public void Rank_PricesOfAllSizes_NeverOverflow()
    {
        ExitCandidate[] candidates = [Candidate(0.000001m), Candidate(1_000_000m), Candidate(0m) with { Latency = TimeSpan.MaxValue, MeasuredRate = new BitRate(0) }];
        Assert.Equal(3, ExitRanking.Default.Rank(new ExitWish(), candidates).Count);
        Assert.Empty(ExitRanking.Default.Rank(new ExitWish(), []));
    }

    [Fact]
    public void Rank_WhatWitnessesSaw_HelpsALittleAndNeverHarms()
    {
        AttestedFigures poor = AttestedFigures.Of([Words.Make(10, reachable: false, rtt: 0, down: 0)])!,
            good = AttestedFigures.Of([Words.Make(10, rtt: 20, down: 500)])!, slow = AttestedFigures.Of([Words.Make(10, rtt: 3000, down: 1)])!;
        ExitCandidate bare = Candidate(0.05m) with { Latency = null, OfferedRate = null };
        foreach (ExitCandidate plain in new[] { bare, bare with { OfferedRate = BitRate.FromMegabits(20) }, bare with { OfferedRate = BitRate.FromMegabits(1000) },
            bare with { Latency = TimeSpan.FromMilliseconds(5), MeasuredRate = BitRate.FromMegabits(90) } })
        {
            Assert.NotNull(ExitRanking.Default.Rank(new ExitWish(), [plain, plain with { Attested = good }])[0].Attested);
            // Showing what is bad costs no more than showing nothing: the two stay in the order of their keys, which is one.
            foreach (AttestedFigures bad in new[] { poor, slow with { Uptime = 0 } })
                Assert.NotNull(ExitRanking.Default.Rank(new ExitWish(), [plain with { Attested = bad }, plain])[0].Attested);
        }

        // Own measures count before others' word, which is worth less than a usual price.
        ExitCandidate measured = Candidate(0.05m) with { Latency = TimeSpan.FromMilliseconds(5), MeasuredRate = BitRate.FromMegabits(90) };
        Assert.Null(ExitRanking.Default.Rank(new ExitWish(), [measured with { PricePerGiB = 0.09m, Attested = good }, measured])[0].Attested);
    }

    [Fact]
    public void Book_WhatWitnessesSaw_StaysWhenAnOfferComesWithout()
    {
        using PeerIdentity provider = PeerIdentity.Generate();
        AttestedFigures good = AttestedFigures.Of([Words.Make(10)])!;
        _book.Put(provider.PeerId, [], Demands.Offer(provider), null, _now, good);
        _book.Put(provider.PeerId, [], Demands.Offer(provider), null, _now);
        Assert.Same(good, Assert.Single(_book.Find(new ExitWish(), s_nobody, _now)).Attested);
    }

    [Fact]
    public void Book_FindsOnlyWhatFitsTheWish()
    {
        PeerId german = Put("DE", 50_000), french = Put("FR", 40_000);
        Assert.Equal([french, german], Found(new ExitWish()));
        Assert.Equal([german], Found(new ExitWish { Region = "DE" }));
        Assert.Equal([french], Found(new ExitWish { MaxPricePerGiB = 0.04m }));
        Assert.Equal([german], Found(new ExitWish { Provider = german }));
        Assert.Empty(Found(new ExitWish { Region = "DE", MaxPricePerGiB = 0.04m }));
        Assert.Equal([german], _book.Find(new ExitWish(), new HashSet<PeerId> { french }, _now).Select(candidate => candidate.Provider));
    }

    [Fact]
    public void Book_AnOfferThatIsOld_CountsNoMore()
    {
        Put("DE", 1);
        Assert.Empty(_book.Find(new ExitWish(), s_nobody, _now + TimeSpan.FromSeconds(90)));
    }

    [Fact]
    public void Book_AnOfferThatIsWithdrawn_IsNotUsedAndTheNextOneIs()
    {
        using PeerIdentity provider = PeerIdentity.Generate();
        _book.Withdraw(provider.PeerId);
        Assert.Equal(0, _book.Count);
        _book.Put(provider.PeerId, [], Demands.Offer(provider), null, _now);
        _book.Withdraw(provider.PeerId);
        Assert.Empty(Found(new ExitWish()));
        Assert.False(_book.IsGood(provider.PeerId, new ExitWish(), _now));
        _book.Put(provider.PeerId, [], Demands.Offer(provider), null, _now);
        Assert.Equal([provider.PeerId], Found(new ExitWish()));
    }

    [Fact]
    public void Book_AFailure_RestsTwiceAsLongEachTimeAndASuccessForgivesIt()
    {
        PeerId provider = Put("DE", 1);
        _book.Failed(provider, false, _now);
        Assert.False(_book.IsGood(provider, new ExitWish(), _now + TimeSpan.FromSeconds(9)));
        Assert.False(_book.ShouldAsk(provider, _now + TimeSpan.FromSeconds(9)));
        Assert.True(_book.IsGood(provider, new ExitWish(), _now + TimeSpan.FromSeconds(10)));
        _book.Failed(provider, false, _now);
        Assert.False(_book.IsGood(provider, new ExitWish(), _now + TimeSpan.FromSeconds(19)));
        for (int i = 0; i < 30; i++) _book.Failed(provider, false, _now);
        Assert.False(_book.IsGood(provider, new ExitWish(), _now + TimeSpan.FromMinutes(59)));
        Assert.True(_book.IsGood(provider, new ExitWish(), _now + TimeSpan.FromMinutes(60)));
        _book.Served(provider, 1, new BitRate(8), _now);
        _book.Failed(provider, false, _now);
        Assert.True(_book.IsGood(provider, new ExitWish(), _now + TimeSpan.FromSeconds(10)));
    }

    [Fact]
    public void Book_WhoBreaksItsWord_IsLeftAloneForADayAndTrustedNoMore()
    {
        PeerId provider = Put("DE", 1);
        _book.Served(provider, 1UL << 40, BitRate.FromMegabits(100), _now);
        _book.Failed(provider, true, _now);
        DateTimeOffset later = _now + TimeSpan.FromHours(24);
        Assert.False(_book.IsGood(provider, new ExitWish(), later - TimeSpan.FromSeconds(1)));
        _book.Put(provider, [], Demands.Offer(PeerIdentity.Generate()), null, later);
        Assert.Equal(0, Assert.Single(_book.Find(new ExitWish(), s_nobody, later)).Standing);
    }

    [Fact]
    public void Book_OthersWord_MovesANewcomerAndGivesWayToExperience()
    {
        var words = new Dictionary<PeerId, double?>();
        var book = new ProviderBook(new MarketOptions(), peer => words.GetValueOrDefault(peer));
        using PeerIdentity praised = PeerIdentity.Generate(), unknown = PeerIdentity.Generate(), forked = PeerIdentity.Generate();
        foreach (PeerIdentity provider in new[] { forked, unknown, praised }) book.Put(provider.PeerId, [], Demands.Offer(provider), null, _now);
        words[praised.PeerId] = 1;
        words[forked.PeerId] = -1;
        Assert.Equal([(praised.PeerId, 0.7), (unknown.PeerId, 0.5), (forked.PeerId, 0.3)], Standings());
        // Its own experience says otherwise, and weighs more.
        book.Served(unknown.PeerId, 1UL << 30, BitRate.FromMegabits(1), _now);
        Assert.Equal([(unknown.PeerId, 0.9), (praised.PeerId, 0.7), (forked.PeerId, 0.3)], Standings());

        (PeerId, double)[] Standings() =>
            [.. book.Find(new ExitWish(), s_nobody, _now).OrderByDescending(candidate => candidate.Standing).Select(candidate => (candidate.Provider, Math.Round(candidate.Standing, 9)))];
    }

    [Fact]
    public void Book_FarBelowTheRateWishedFor_IsGoodNoMoreForThatWish()
    {
        PeerId provider = Put("DE", 1);
        var wish = new ExitWish { MinRate = BitRate.FromMegabits(20) };
        _book.Served(provider, 100_000, BitRate.FromMegabits(1), _now);
        Assert.True(_book.IsGood(provider, wish, _now));
        _book.Served(provider, 200_000, BitRate.FromMegabits(2), _now);
        Assert.False(_book.IsGood(provider, wish, _now));
        Assert.True(_book.IsGood(provider, new ExitWish(), _now));
        // What was carried while little was asked for says nothing, and what was slow may be so no more.
        Assert.True(_book.IsGood(provider, wish, _now + TimeSpan.FromMinutes(11)));
        _book.Served(provider, 200_000, BitRate.FromMegabits(10), _now);
        Assert.True(_book.IsGood(provider, wish, _now));
    }

    [Fact]
    public void Book_MoreProvidersThanItHolds_ForgetsThoseUsedLongestAgoAndNotTheLiars()
    {
        var book = new ProviderBook(new MarketOptions { Limits = new MarketLimits { MaxProviders = 16 } });
        using var liar = PeerIdentity.Generate();
        book.Put(liar.PeerId, [], Demands.Offer(liar), null, _now);
        book.Failed(liar.PeerId, true, _now);
        for (int i = 1; i < 100; i++)
        {
            using var provider = PeerIdentity.Generate();
            book.Put(provider.PeerId, [], Demands.Offer(provider), null, _now + TimeSpan.FromSeconds(i));
        }

        Assert.Equal(16, book.Count);
        Assert.False(book.IsGood(liar.PeerId, new ExitWish(), _now + TimeSpan.FromMinutes(5)));
        Assert.False(book.ShouldAsk(liar.PeerId, _now + TimeSpan.FromMinutes(5)));
    }

    [Fact]
    public async Task Choices_OneName_KeepsToOneExitUntilItIsLeft()
    {
        var exits = new Exits(_book, _now);
        var choices = new ExitChoices(exits);
        PeerId cheap = Put("DE", 1), dear = Put("DE", 100_000);
        Assert.Equal(cheap, await Next(choices, new ExitWish()));
        // A better one that comes later changes nothing for those that are on their way.
        PeerId gift = Put("DE", 0);
        Assert.Equal(cheap, await Next(choices, new ExitWish()));
        choices.Leave(cheap);
        Assert.Equal(gift, await Next(choices, new ExitWish()));
        Assert.Equal(cheap, await Next(choices, new ExitWish(), gift));
        // Who was tried for one target is not left for it.
        Assert.Equal(gift, await Next(choices, new ExitWish()));
        _book.Failed(gift, false, _now);
        Assert.Equal(cheap, await Next(choices, new ExitWish()));
        Assert.Null(await Next(choices, new ExitWish(), cheap, dear));
    }

    [Fact]
    public async Task Choices_DifferentNames_SpreadOverExitsOfLikePrice()
    {
        var choices = new ExitChoices(new Exits(_book, _now));
        for (int i = 0; i < 3; i++) Put("DE", 50_000);
        var used = new HashSet<PeerId>();
        for (int i = 0; i < 3; i++) used.Add((await Next(choices, new ExitWish { Session = $"s{i}" }))!);
        Assert.Equal(3, used.Count);
    }

    [Fact]
    public async Task Choices_ANewExitEachTime_TakesAllInTurn()
    {
        var choices = new ExitChoices(new Exits(_book, _now));
        for (int i = 0; i < 3; i++) Put("DE", 50_000 + (ulong)i);
        var wish = new ExitWish { ExitPerConnection = true };
        PeerId?[] used = [await Next(choices, wish), await Next(choices, wish), await Next(choices, wish), await Next(choices, wish)];
        Assert.Equal(3, used.Take(3).Distinct().Count());
        Assert.Equal(used[0], used[3]);
    }

    [Fact]
    public async Task Choices_NamesWithoutEnd_AreForgotten()
    {
        var choices = new ExitChoices(new Exits(_book, _now));
        Put("DE", 1);
        for (int i = 0; i < 2000; i++) await Next(choices, new ExitWish { Session = $"s{i}" });
        Assert.Equal(1024, choices.Count);
        Assert.Equal(1024, _book.Find(new ExitWish(), s_nobody, _now)[0].UsedBy);
    }

    private static async Task<PeerId?> Next(ExitChoices choices, ExitWish wish, params PeerId[] tried) =>
        (await choices.NextAsync(wish, tried.ToHashSet(), true, TestContext.Current.CancellationToken))?.Peer;

    private static ExitCandidate Candidate(decimal price) => new()
    {
        Provider = PeerIdentity.Generate().PeerId,
        Region = "DE",
        PricePerGiB = price,
        Latency = TimeSpan.FromMilliseconds(50),
        MeasuredRate = BitRate.FromMegabits(20),
        Standing = 0.5,
        UsedBy = 1,
    };

    private IEnumerable<PeerId> Found(ExitWish wish) => _book.Find(wish, s_nobody, _now).Select(candidate => candidate.Provider);

    private PeerId Put(string region, ulong price)
    {
        using var provider = PeerIdentity.Generate();
        _book.Put(provider.PeerId, [], Demands.Offer(provider, region, price), TimeSpan.FromMilliseconds(50), _now);
        return provider.PeerId;
    }

    private sealed class Exits(ProviderBook book, DateTimeOffset now) : IExitDirectory
    {
        public Exit? FindKnown(ExitWish wish, IReadOnlySet<PeerId> tried) => book.Find(wish, tried, now) is [var best, ..] ? book.ExitOf(best.Provider) : null;

        public ValueTask<Exit?> FindAsync(ExitWish wish, IReadOnlySet<PeerId> tried, CancellationToken cancellationToken) => ValueTask.FromResult(FindKnown(wish, tried));

        public bool IsGood(PeerId provider, ExitWish wish) => book.IsGood(provider, wish, now);

        public void Use(PeerId provider, int change) => book.Use(provider, change);

        public void Opened(PeerId provider, ulong pricePerGiB) => book.Opened(provider, pricePerGiB, now);

        public void Served(PeerId provider, ulong bytes, BitRate rate) => book.Served(provider, bytes, rate, now);

        public void Failed(PeerId provider, string reason, bool brokeItsWord) => book.Failed(provider, brokeItsWord, now);
    }
}
