using System.Net;
using Overlay.Market.Witnessing;
using Overlay.Proofs.Claims;

namespace Overlay.Tests.Market.Witnessing;

public sealed class AttestedFiguresTests
{
    [Fact]
    public void Of_OneEpoch_TheMedianCounts()
    {
        AttestedFigures figures = AttestedFigures.Of([Words.Make(10, rtt: 10, down: 1000, up: 1), Words.Make(11, rtt: 20, down: 100, up: 50),
            Words.Make(12, rtt: 9000, down: 1, up: 60)])!;
        Assert.Equal((3, 1, 1.0, Words.Epoch), (figures.WitnessCount, figures.EpochCount, figures.Uptime, figures.NewestEpoch));
        Assert.Equal((TimeSpan.FromMilliseconds(20), BitRate.FromMegabits(100), BitRate.FromMegabits(50)),
            (figures.RoundTrip, figures.RateDown, figures.RateUp));
        Assert.Equal([IPAddress.Parse("198.51.100.0")], figures.ExitNetworks);
    }

    [Theory]
    [InlineData(3, 0, 1)]
    [InlineData(2, 1, 1)]
    [InlineData(1, 1, 0)]
    [InlineData(1, 2, 0)]
    [InlineData(0, 1, 0)]
    public void Of_WitnessesWhoDisagree_MostOfThemDecide(int reached, int missed, double uptime)
    {
        AttestedFigures figures = AttestedFigures.Of([.. Enumerable.Range(0, reached + missed)
            .Select(i => Words.Make(10 + i, reachable: i < reached, rtt: i < reached ? 20u : 0))])!;
        Assert.Equal(uptime, figures.Uptime);
        Assert.Equal(uptime == 1 ? TimeSpan.FromMilliseconds(20) : null, figures.RoundTrip);
    }

    [Theory]
    [InlineData("198.51.100.0/24", "198.51.100.0/24", "203.0.113.0/24", true)]
    [InlineData("198.51.100.0/24", "203.0.113.0/24", "192.0.2.0/24", false)]
    [InlineData("198.51.100.0/24", "203.0.113.0/24", null, false)]
    [InlineData("198.51.100.0/24", null, null, false)]
    [InlineData("", "", "", false)]
    public void Of_PrefixesThatDiffer_CountsThatOfMostAndNeverThatOfOne(string first, string? second, string? third, bool counts)
    {
        string[] prefixes = [.. new[] { first, second, third }.OfType<string>()];
        AttestedFigures figures = AttestedFigures.Of([.. prefixes.Select((prefix, i) => Words.Make(10 + i, prefix: prefix))])!;
        Assert.Equal(counts ? [IPAddress.Parse("198.51.100.0")] : [], figures.ExitNetworks);
    }

    [Fact]
    public void Of_EpochsThatAreLeftOut_CountAsDown()
    {
        Attestation[] shown = [Words.Make(10, Words.Epoch - 4), Words.Make(10, Words.Epoch - 2)];
        Assert.Equal(2.0 / 3, AttestedFigures.Of(shown)!.Uptime, 9);
        // The two that followed are over; the present one is not.
        Assert.Equal(2.0 / 4, AttestedFigures.Of(shown, Words.Epoch)!.Uptime, 9);
        Assert.Equal(3.0 / 5, AttestedFigures.Of([.. shown, Words.Make(10)], Words.Epoch)!.Uptime, 9);
    }

    [Fact]
    public void Of_Nothing_IsNothing() => Assert.Null(AttestedFigures.Of([], 1));

    [Fact]
    public void FiguresOf_MoreThanThreeOfAnEpochOrOutOfTime_DoNotCount()
    {
        Attestation[] shown =
        [
            .. Enumerable.Range(10, 9).Select(witness => Words.Make(witness)), Words.Make(30, Words.Epoch - 24), Words.Make(31, Words.Epoch + 1),
        ];
        AttestedFigures figures = AttestationAsking.FiguresOf(shown, Words.Epoch, 24)!;
        Assert.Equal((3, 1), (figures.WitnessCount, figures.EpochCount));
        Assert.Null(AttestationAsking.FiguresOf(shown[9..], Words.Epoch, 24));
    }
}
