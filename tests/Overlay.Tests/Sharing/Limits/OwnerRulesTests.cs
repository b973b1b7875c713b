using CsCheck;
using Overlay.Proofs;
using Overlay.Sharing.Limits;

namespace Overlay.Tests.Sharing.Limits;

public class OwnerRulesTests
{
    private const ulong MiB = 1 << 20;

    // Clocks go from 02:00 to 03:00 on the last Sunday of March, and from 03:00 back to 02:00 on that of October; made here, for a machine may know no time
    // zones.
    private static readonly TimeZoneInfo s_berlin = TimeZoneInfo.CreateCustomTimeZone(
        "Test/Berlin", TimeSpan.FromHours(1), "Berlin", "CET", "CEST",
        [
            TimeZoneInfo.AdjustmentRule.CreateAdjustmentRule(
                DateTime.MinValue.Date, DateTime.MaxValue.Date, TimeSpan.FromHours(1),
                TimeZoneInfo.TransitionTime.CreateFloatingDateRule(new DateTime(1, 1, 1, 2, 0, 0), 3, 5, DayOfWeek.Sunday),
                TimeZoneInfo.TransitionTime.CreateFloatingDateRule(new DateTime(1, 1, 1, 3, 0, 0), 10, 5, DayOfWeek.Sunday)),
        ]);

    private static readonly PublicKey s_key = LimitsFakes.Key();

    [Theory]
    // Sunday 29 March 2026: the hour from 02:00 to 03:00 is not there.
    [InlineData("sun 01:30-03:30", "2026-03-29T00:29:00Z", "2026-03-29T00:30:00Z", 60)]
    [InlineData("sun 02:30-04:00", "2026-03-29T00:59:00Z", "2026-03-29T01:00:00Z", 60)]
    // Sunday 25 October 2026: it is there twice.
    [InlineData("sun 01:30-03:30", "2026-10-24T23:29:00Z", "2026-10-24T23:30:00Z", 180)]
    [InlineData("sat 22:00-07:00", "2026-10-24T19:59:00Z", "2026-10-24T20:00:00Z", 600)]
    [InlineData("mon-fri 22:00-07:00", "2026-11-27T20:59:00Z", "2026-11-27T21:00:00Z", 540)]
    [InlineData("sat", "2026-11-27T22:59:00Z", "2026-11-27T23:00:00Z", 1440)]
    public void Schedule_AcrossClockChanges_FollowsTheWallClock(string window, string closed, string opens, int minutes)
    {
        OwnerRules rules = Rules(new OwnerLimits { Schedule = [ScheduleWindow.Parse(window)] });
        var before = DateTimeOffset.Parse(closed, System.Globalization.CultureInfo.InvariantCulture);
        var opening = DateTimeOffset.Parse(opens, System.Globalization.CultureInfo.InvariantCulture);

        Assert.False(rules.IsInSchedule(before));
        Assert.Equal(opening, rules.NextOpening(before));
        int open = 0;
        while (rules.IsInSchedule(opening.AddMinutes(open))) open++;
        Assert.Equal(minutes, open);
    }

    [Fact]
    public void Schedule_AnyWindow_IsReadAsItIsWritten() =>
        Gen.Select(Gen.Int[1, 127], Gen.Int[0, 1439], Gen.Int[0, 1439]).Sample((days, from, to) =>
        {
            var window = new ScheduleWindow((DaysOfWeek)days, new TimeOnly(from / 60, from % 60), new TimeOnly(to / 60, to % 60));
            Assert.Equal(window, ScheduleWindow.Parse(window.ToString()));
        });

    [Theory]
    [InlineData("")]
    [InlineData("mond 22:00-07:00")]
    [InlineData("mon 22:00")]
    [InlineData("mon 25:00-07:00")]
    [InlineData("mon-tue-wed")]
    [InlineData("mon 22:00-07:00 tue")]
    [InlineData(null)]
    public void Schedule_NoWindow_IsRefused(string? text) => Assert.False(ScheduleWindow.TryParse(text, out _));

    [Fact]
    public void Schedule_FridayToMonday_GoesRoundTheWeeksEnd() =>
        Assert.Equal(DaysOfWeek.Friday | DaysOfWeek.Saturday | DaysOfWeek.Sunday | DaysOfWeek.Monday, ScheduleWindow.Parse("fri-mon").Days);

    [Theory]
    [InlineData(1, "2026-03-01T12:00:00Z", "2026-03-01")]
    [InlineData(28, "2026-03-01T12:00:00Z", "2026-02-28")]
    [InlineData(15, "2026-01-03T12:00:00Z", "2025-12-15")]
    // Already the next day in Berlin.
    [InlineData(15, "2026-03-14T23:30:00Z", "2026-03-15")]
    public void Month_AnyResetDay_BeginsThere(int resetDay, string now, string expected)
    {
        var periods = new UsagePeriods(s_berlin, resetDay);
        Assert.Equal(DateOnly.Parse(expected, System.Globalization.CultureInfo.InvariantCulture), periods.MonthOf(DateTimeOffset.Parse(now,
            System.Globalization.CultureInfo.InvariantCulture)));
    }

    [Fact]
    public void Judge_QuotaOfTheMonthSpent_SaysUntilWhen()
    {
        OwnerRules rules = Rules(new OwnerLimits { MonthlyQuota = new(10 * MiB), ResetDay = 15 });
        var now = new DateTimeOffset(2026, 3, 20, 12, 0, 0, TimeSpan.Zero);
        UsageBook usage = Book(10 * MiB, rules, now);

        Standing standing = rules.Judge(usage, new FakeSurroundings(), 1, now);

        Assert.Equal(SharingCondition.QuotaSpent, standing.Condition);
        Assert.Equal(new DateTimeOffset(2026, 4, 15, 0, 0, 0, TimeSpan.FromHours(2)), standing.Until);
        DateTimeOffset next = standing.Until!.Value;
        rules.Turn(usage, next);
        Assert.Equal(SharingCondition.Serving, rules.Judge(usage, new FakeSurroundings(), 1, next).Condition);
    }

    [Fact]
    public void Hibernation_FirstPeriod_IsAwakeAtOnce()
    {
        OwnerRules rules = Rules(new OwnerLimits { MonthlyQuota = new(10 * MiB), Hibernate = true });
        DateTimeOffset now = new(2026, 3, 20, 12, 0, 0, TimeSpan.Zero);
        Assert.Equal(SharingCondition.Serving, rules.Judge(Book(0, rules, now), new FakeSurroundings(), 1, now).Condition);
    }

    [Fact]
    public void Hibernation_QuotaLastedThreeDays_SleepsUntilAMomentThatLeavesThree()
    {
        OwnerRules rules = Rules(new OwnerLimits { MonthlyQuota = new(10 * MiB), Hibernate = true });
        DateTimeOffset spent = rules.Periods.StartOf(new DateOnly(2026, 3, 1)) + TimeSpan.FromDays(3), next = rules.Periods.StartOf(new DateOnly(2026, 4, 1));
        UsageBook usage = Book(0, rules, spent - TimeSpan.FromDays(3));
        usage.Add((long)(5 * MiB));
        Assert.True(rules.IsHibernationQuotaSpent(usage));
        Assert.True(usage.Spent(rules.SpendingUntil(usage, spent)));
        Assert.False(usage.Spent(TimeSpan.FromDays(9)));

        rules.Turn(usage, next);

        DateTimeOffset wake = rules.WakeAt(usage)!.Value;
        Assert.InRange(wake, next, next + TimeSpan.FromDays(27));
        Assert.Equal(new Standing(SharingCondition.Asleep, wake), rules.Judge(usage, new FakeSurroundings(), 1, wake - TimeSpan.FromSeconds(1)));
        Assert.Equal(SharingCondition.Serving, rules.Judge(usage, new FakeSurroundings(), 1, wake).Condition);
    }

    [Fact]
    public void Hibernation_ManyNodes_DoNotWakeTogether()
    {
        DateTimeOffset start = new(2026, 4, 1, 0, 0, 0, TimeSpan.Zero), end = start.AddDays(30);
        double[] wakes = [.. Enumerable.Range(0, 200)
            .Select(_ => HibernationRule.WakeAt(LimitsFakes.Key(), new DateOnly(2026, 4, 1), start, end, TimeSpan.FromDays(6))).Select(wake =>
                (wake - start).TotalDays).Order()];

        Assert.InRange(wakes[0], 0, 3);
        Assert.InRange(wakes[100], 8, 16);
        Assert.InRange(wakes[^1], 21, 24);
        Assert.True(wakes.Distinct().Count() == wakes.Length);
        PublicKey key = LimitsFakes.Key();
        Assert.NotEqual(
            HibernationRule.WakeAt(key, new DateOnly(2026, 4, 1), start, end, TimeSpan.FromDays(6)), HibernationRule.WakeAt(key, new DateOnly(2026, 5,
                1), start, end, TimeSpan.FromDays(6)));
    }

    [Fact]
    public void Hibernation_QuotaWasNotSpent_WakesAtOnce()
    {
        DateTimeOffset start = new(2026, 4, 1, 0, 0, 0, TimeSpan.Zero);
        Assert.Equal(start, HibernationRule.WakeAt(s_key, new DateOnly(2026, 4, 1), start, start.AddDays(30), null));
        Assert.Equal(start, HibernationRule.WakeAt(s_key, new DateOnly(2026, 4, 1), start, start.AddDays(30), TimeSpan.FromDays(40)));
    }

    [Theory]
    [InlineData(OwnerRule.Serve, SharingCondition.Serving)]
    [InlineData(OwnerRule.Yield, SharingCondition.Yielding)]
    [InlineData(OwnerRule.Pause, SharingCondition.OnBattery)]
    public void Judge_OnBattery_DoesWhatTheOwnerSays(OwnerRule rule, SharingCondition expected)
    {
        OwnerRules rules = Rules(new OwnerLimits { WhenOnBattery = rule, WhenMetered = OwnerRule.Serve });
        DateTimeOffset now = new(2026, 3, 20, 12, 0, 0, TimeSpan.Zero);
        var surroundings = new FakeSurroundings { IsOnBattery = true, IsMetered = true };
        Assert.Equal(expected, rules.Judge(Book(0, rules, now), surroundings, 1, now).Condition);
        Assert.Equal(SharingCondition.Serving, rules.Judge(Book(0, rules, now), new FakeSurroundings(), 1, now).Condition);
    }

    private static OwnerRules Rules(OwnerLimits limits) => new(limits, s_berlin, s_key);

    private static UsageBook Book(ulong used, OwnerRules rules, DateTimeOffset now)
    {
        var usage = new UsageBook(new UsageRecord { Day = rules.Periods.DayOf(now), Month = rules.Periods.MonthOf(now), DayBytes = used, MonthBytes = used });
        usage.SetQuotas(rules.Limits.DailyQuota?.Bytes, rules.Limits.MonthlyQuota?.Bytes);
        rules.Turn(usage, now);
        return usage;
    }
}
