using CsCheck;
using Overlay.Market;
using Overlay.Node.Commands;

namespace Overlay.Node.Tests;

public sealed class EarningsEstimateTests
{
    private static readonly TimeSpan s_minute = TimeSpan.FromMinutes(1);

    [Fact]
    public void Estimate_MuchDemand_IsAShareOfTheLineAtThesePrices()
    {
        // 500 Mbit/s for 30 days are 150,874 GiB.
        HeardMarket heard = HeardMarket.Of(s_minute, [Figures("DE", demands: 4, wantedGiB: 1_000_000, paid: 0.10m, offers: 3, lowest: 0.04m)], Region.Parse("DE"));

        EarningsEstimate estimate = EarningsEstimate.Of(500, 1, heard);

        Assert.Equal((1508.74m, 30174.85m), (Math.Round(estimate.GiB.Low, 2), Math.Round(estimate.GiB.High, 2)));
        Assert.Equal((60.35m, 3017.49m), estimate.Credits);
        Assert.False(estimate.IsBoundByDemand);
    }

    [Fact]
    public void Estimate_LittleDemand_IsThisLinesPartOfIt()
    {
        // 1 GiB a minute are 43,200 in 30 days; three offer, and this would be the fourth.
        HeardMarket heard = HeardMarket.Of(s_minute, [Figures("DE", demands: 1, wantedGiB: 1, paid: 0.10m, offers: 3, lowest: 0.10m)], null);

        EarningsEstimate estimate = EarningsEstimate.Of(10_000, 0.5m, heard);

        Assert.Equal(5400m, Math.Round(estimate.GiB.High, 6));
        Assert.Equal(540m, estimate.Credits.High);
        Assert.True(estimate.IsBoundByDemand);
    }

    [Fact]
    public void Estimate_ForAnyMarket_IsARangeThatGrowsWithTheLine() =>
        Gen.Select(Gen.Int[1, 50], Gen.Long[0, 1L << 40], Gen.Int[0, 50], Gen.Decimal[0, 10], Gen.Decimal[0, 10], Gen.Int[1, 10_000]).Sample(
            (demands, wanted, offers, paid, lowest, megabits) =>
            {
                RegionFigures figures = Figures("DE", demands, 0, paid, offers, offers == 0 ? null : lowest) with { Wanted = new ByteSize((ulong)wanted) };
                HeardMarket heard = HeardMarket.Of(s_minute, [figures], null);
                EarningsEstimate small = EarningsEstimate.Of(megabits, 0.98m, heard), large = EarningsEstimate.Of(2 * megabits, 0.98m, heard);
                return small.Credits.Low >= 0 && small.Credits.Low <= small.Credits.High && small.Credits.High <= large.Credits.High
                    && large.GiB.High <= 2 * megabits * 301.75m * EarningsEstimate.HighShare;
            });

    [Fact]
    public void Heard_OfOneRegion_LeavesOthersOut()
    {
        RegionFigures[] regions =
        [
            Figures("DE", demands: 1, wantedGiB: 1, paid: 0.10m, offers: 1, lowest: 0.05m), Figures("FR", demands: 8, wantedGiB: 9, paid: 0.01m, offers: 7, lowest: 0.01m),
            Figures("ZZ", demands: 2, wantedGiB: 3, paid: 0.20m, offers: 0, lowest: null),
        ];

        HeardMarket heard = HeardMarket.Of(s_minute, regions, Region.Parse("DE"));

        // Who asks for no region takes this one too.
        Assert.Equal(new HeardMarket(s_minute, 3, ByteSize.FromGibibytes(4), 1, (0.05m, 0.10m)), heard);
        Assert.Equal(8, HeardMarket.Of(s_minute, regions, null).Offers);
    }

    [Fact]
    public void Heard_AskersWhoPayLessThanAnybodyOffers_BoundThePriceFromAbove()
    {
        HeardMarket heard = HeardMarket.Of(s_minute, [Figures("DE", demands: 1, wantedGiB: 1, paid: 0.02m, offers: 1, lowest: 0.05m)], null);

        Assert.Equal((0.02m, 0.02m), heard.Price);
    }

    [Theory]
    [InlineData(0, 0, false, "neither demand nor offers")]
    [InlineData(0, 5, true, "5 offers but no demand")]
    [InlineData(2, 0, false, "nobody named a price")]
    public void Estimate_OfTooLittle_IsRefusedAndNotInvented(int demands, int offers, bool priced, string reason)
    {
        RegionFigures figures = Figures("DE", demands, 1, null, offers, priced ? 0.05m : null);

        RefusalException refusal = Assert.Throws<RefusalException>(() => EarningsEstimate.Of(500, 1, HeardMarket.Of(s_minute, [figures], null)));

        Assert.Contains("no estimate can be made", refusal.Message, StringComparison.Ordinal);
        Assert.Contains(reason, refusal.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Command_WhereNobodyIs_SaysSoAndEndsWithOne()
    {
        CliRun run = await CliRun.OfAsync("estimate", "--mbps", "500", "--seconds", "1", "--no-mdns", "--listen", "/ip4/127.0.0.1/tcp/0");

        Assert.Equal(ExitCode.Refused, run.ExitCode);
        Assert.Empty(run.OutputLines);
        Assert.Contains("no estimate can be made", Assert.Single(run.ErrorLines), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("--mbps", "0")]
    [InlineData("--mbps", "-1")]
    [InlineData("--uptime", "1.01")]
    [InlineData("--seconds", "1e3")]
    public async Task Command_NumbersThatAreNone_AreWrongUsage(string option, string value)
    {
        CliRun run = await CliRun.OfAsync("estimate", option, value);

        Assert.Equal(ExitCode.WrongUsage, run.ExitCode);
        Assert.Contains(option, Assert.Single(run.ErrorLines), StringComparison.Ordinal);
    }

    private static RegionFigures Figures(string region, int demands, ulong wantedGiB, decimal? paid, int offers, decimal? lowest) => new()
    {
        Region = Region.Parse(region),
        DemandCount = demands,
        Wanted = ByteSize.FromGibibytes(wantedGiB),
        MedianMaxPricePerGiB = paid,
        OfferCount = offers,
        MedianPricePerGiB = lowest,
        LowestPricePerGiB = lowest,
    };
}
