using Overlay.Node.Dashboard;
using Overlay.Proofs.Ledger;
using Overlay.Sharing;

namespace Overlay.Node.Tests.Dashboard;

public sealed class DashboardStateTests
{
    private static readonly DateTimeOffset s_start = new(2026, 3, 1, 12, 0, 0, TimeSpan.Zero);

    [Fact]
    public void Rates_FromOneLookToTheNext_AreThoseOfTheTimeBetween()
    {
        var state = new DashboardState();

        DashboardModel first = state.Update(Look(FakeDashboardNode.Session(1, 1_000_000, 0, 0)), At(10), isWhole: true);
        DashboardModel second = state.Update(Look(FakeDashboardNode.Session(1, 1_500_000, 250_000, 0), FakeDashboardNode.Session(2, 500_000, 0, 0)), At(11), isWhole: false);
        // One session has ended, the other has done nothing.
        DashboardModel third = state.Update(Look(FakeDashboardNode.Session(2, 500_000, 0, 0)), At(13), isWhole: true);

        // What was served before anybody looked: one rate over all that time.
        Assert.Equal([new RateModel(Ms(0), Ms(10), 800_000, 0)], first.Rates);
        Assert.Equal([first.Rates[0], new RateModel(Ms(10), Ms(11), 8_000_000, 2_000_000)], second.Rates);
        Assert.Equal([.. second.Rates, new RateModel(Ms(11), Ms(13), 0, 0)], third.Rates);
    }

    [Fact]
    public void Rates_AreRememberedForTenMinutes()
    {
        var state = new DashboardState();
        DashboardModel last = state.Update(Look(), At(1), isWhole: true);
        for (int second = 2; second <= 999; second++) last = state.Update(Look(), At(second), isWhole: false);
        Assert.Equal([.. Enumerable.Range(995, 5).Select(Ms)], last.Rates.Select(rate => rate.To));

        last = state.Update(Look(), At(1000), isWhole: true);

        Assert.Equal(600, last.Rates.Count);
        Assert.Equal(Ms(1000), last.Rates[^1].To);
    }

    [Fact]
    public void Rates_WhenTheClockGoesBack_AreNotMadeUp()
    {
        var state = new DashboardState();
        state.Update(Look(), At(10), isWhole: true);

        DashboardModel back = state.Update(Look(FakeDashboardNode.Session(1, 1_000, 0, 0)), At(5), isWhole: true);

        Assert.Equal([new RateModel(Ms(0), Ms(10), 0, 0)], back.Rates);
    }

    [Fact]
    public void AtRisk_IsTheSumOfWhatIsUnpaidAtEachPrice()
    {
        DashboardModel model = new DashboardState().Update(
            Look(FakeDashboardNode.Session(1, 0, 0, 1UL << 20, 1m), FakeDashboardNode.Session(2, 0, 0, 2UL << 20, 0.5m)), At(1), isWhole: true);

        Assert.Equal(new LossModel(3UL << 20, 0.001954m), model.AtRisk);
        // Whoever owes most stands first.
        Assert.Equal([2UL << 20, 1UL << 20], model.Sessions.Select(session => session.Unpaid));
    }

    [Fact]
    public void Sessions_Many_AreCountedAllAndShownFifty()
    {
        DashboardModel model = new DashboardState().Update(
            Look([.. Enumerable.Range(0, 200).Select(i => FakeDashboardNode.Session(i, 0, 0, 0))]), At(1), isWhole: true);

        Assert.Equal(200, model.SessionCount);
        Assert.Equal(DashboardState.MaxRows, model.Sessions.Count);
    }

    [Theory]
    [InlineData(0, 0, "Every byte has its receipt.")]
    [InlineData(500, 0, "In use now")]
    [InlineData(0, 700, "ended without a last receipt")]
    [InlineData(500, 700, "500 B are in use now; 700 B are of sessions that ended")]
    public void Steps_EveryDifference_IsSaidInAWord(ulong live, ulong lost, string why)
    {
        DashboardLook look = Look(FakeDashboardNode.Session(1, 0, 0, live)) with { Totals = Totals(10_000, 6_000, lost), Claimed = 2_500 };

        IReadOnlyList<StepModel> steps = new DashboardState().Update(look, At(1), isWhole: true).Bytes;

        Assert.Equal([("Counted", 10_000 + live + lost), ("Co-signed", 10_000UL), ("Sealed", 6_000UL), ("Claimed", 2_500UL)], steps.Select(step => (step.Name, step.Value)));
        Assert.Equal([0UL, live + lost, 4_000UL, 3_500UL], steps.Select(step => step.Missing));
        Assert.Contains(why, steps[1].Why, StringComparison.Ordinal);
        Assert.All(steps, step => Assert.NotEmpty(step.Why));
    }

    [Fact]
    public void Earnings_WithTwoPaces_AreARangeWithItsBasis()
    {
        DashboardLook look = Look() with
        {
            Totals = Totals(1, 0, 0) with { Provided = Totals(1, 0, 0).Provided with { MicroCredits = 1_500_000 } },
            Paces = [new("the last 1.5 hours", TimeSpan.FromHours(1.5), 0.003m), new("the last 24 hours", TimeSpan.FromHours(24), 0.024m)],
        };

        EarningsModel earnings = new DashboardState().Update(look, At(1), isWhole: true).Earnings;

        Assert.Equal((1.5m, 0.72m, 1.44m), (earnings.SoFar, earnings.Low!.Value, earnings.High!.Value));
        Assert.Contains("the last 24 hours: 0.024", earnings.Basis, StringComparison.Ordinal);
    }

    [Fact]
    public void Earnings_TooEarly_AreNotGuessed()
    {
        DashboardLook look = Look() with { Paces = [new("the last 1.5 hours", TimeSpan.FromHours(1.5), 0.003m)] };

        EarningsModel earnings = new DashboardState().Update(look, At(1), isWhole: true).Earnings;

        Assert.Null(earnings.Low);
        Assert.NotEmpty(earnings.Basis);
    }

    [Fact]
    public void Paces_ReachNoFurtherBackThanEarningsDo()
    {
        static ulong EarnedSince(ulong epoch) => epoch switch { 99 => 1_000_000, 90 => 4_000_000, _ => 9_000_000 };
        DateTimeOffset now = DateTimeOffset.FromUnixTimeSeconds(100 * 3600 + 1800);

        Assert.Empty(EarningPaces.Of(null, now, EarnedSince));
        // In the very hour: too early.
        Assert.Empty(EarningPaces.Of(100, now, EarnedSince));
        Assert.Equal([new EarningPace("the last 1.5 hours", TimeSpan.FromHours(1.5), 1m)], EarningPaces.Of(99, now, EarnedSince));
        Assert.Equal(
            [new EarningPace("the last 1.5 hours", TimeSpan.FromHours(1.5), 1m), new EarningPace("the last 10.5 hours", TimeSpan.FromHours(10.5), 4m)],
            EarningPaces.Of(90, now, EarnedSince));
        Assert.Equal(["the last 1.5 hours", "the last 24 hours", "the last 7 days"], EarningPaces.Of(0, DateTimeOffset.FromUnixTimeSeconds(1000 * 3600 + 1800), EarnedSince).Select(pace => pace.Name));
    }

    [Fact]
    public void Caps_ThereAndBack_AreTheSame()
    {
        var caps = new OwnerCaps(BitRate.FromMegabits(20), new BitRate(1_500_000), ByteSize.FromGibibytes(5), null);

        Assert.Equal(caps, DashboardState.Read(DashboardState.Model(caps)));
        Assert.Null(DashboardState.Read(new CapsModel(double.NaN, null, null, null)));
    }

    private static DateTimeOffset At(int seconds) => s_start + TimeSpan.FromSeconds(seconds);

    private static long Ms(int seconds) => At(seconds).ToUnixTimeMilliseconds();

    private static DashboardLook Look(params ServedSession[] sessions) =>
        new() { PeerId = "peer", Addresses = [], StartedAt = s_start, Sessions = sessions };

    private static LedgerTotals Totals(ulong signed, ulong @sealed, ulong unpaid) => new()
    {
        IsComplete = true,
        Provided = new LedgerSideTotals { Receipts = 1, Up = 0, Down = signed, Sealed = @sealed, MicroCredits = 0 },
        Consumed = new LedgerSideTotals { Receipts = 0, Up = 0, Down = 0, Sealed = 0, MicroCredits = 0 },
        Unpaid = unpaid,
    };
}
