using Overlay.Proofs;

namespace Overlay.Sharing.Limits;

/// <summary>What stands at one moment.</summary>
/// <param name="Condition">Whether service is given.</param>
/// <param name="Until">When that ends by itself; null where nobody knows.</param>
internal readonly record struct Standing(SharingCondition Condition, DateTimeOffset? Until)
{
    /// <summary>Whether anything is relayed.</summary>
    internal bool IsOpen => Condition is SharingCondition.Serving or SharingCondition.Yielding;

    /// <summary>Why nothing is, in words that are fit for a consumer; null while something is.</summary>
    internal string? Refusal => Condition switch
    {
        SharingCondition.Serving or SharingCondition.Yielding => null,
        SharingCondition.QuotaSpent => "The provider's quota is spent.",
        SharingCondition.Faulted => "The provider cannot share at this moment.",
        _ => "The provider's owner needs the line.",
    };
}

/// <summary>From limits, usage and the clock to what stands. No state of its own.</summary>
/// <param name="limits">What the owner wants.</param>
/// <param name="zone">The host's time zone.</param>
/// <param name="key">The node's key, by which it wakes.</param>
internal sealed class OwnerRules(OwnerLimits limits, TimeZoneInfo zone, PublicKey key)
{
    // A schedule comes round in a week.
    private const int MinutesAhead = 8 * 24 * 60;

    internal UsagePeriods Periods { get; } = new(zone, limits.ResetDay);

    internal OwnerLimits Limits => limits;

    /// <summary>Whether the quota that hibernation goes by is the month's.</summary>
    private bool IsMonthly => limits.MonthlyQuota is not null;

    /// <summary>Begins a new day or month, if one has begun.</summary>
    internal void Turn(UsageBook usage, DateTimeOffset now) => usage.Turn(Periods.DayOf(now), Periods.MonthOf(now));

    /// <summary>When the node wakes in the running period; null without hibernation.</summary>
    internal DateTimeOffset? WakeAt(UsageBook usage)
    {
        if (!limits.Hibernate || (limits.MonthlyQuota ?? limits.DailyQuota) is null) return null;
        DateOnly period = IsMonthly ? usage.Month : usage.Day;
        return HibernationRule.WakeAt(key, period, Periods.StartOf(period), End(period), usage.LastSpending);
    }

    /// <summary>How long the quota has lasted, if it is spent now: from waking on.</summary>
    internal TimeSpan SpendingUntil(UsageBook usage, DateTimeOffset now)
    {
        DateOnly period = IsMonthly ? usage.Month : usage.Day;
        TimeSpan spending = now - (WakeAt(usage) ?? Periods.StartOf(period));
        return spending > TimeSpan.Zero ? spending : TimeSpan.Zero;
    }

    /// <summary>Whether the quota that hibernation goes by is spent.</summary>
    internal bool IsHibernationQuotaSpent(UsageBook usage) => IsMonthly ? usage.IsMonthSpent : usage.IsDaySpent;

    /// <summary>Judges the moment. The first reason in this order counts: what the owner did, the hour, the quota, the host.</summary>
    internal Standing Judge(UsageBook usage, ILineSurroundings surroundings, double share, DateTimeOffset now)
    {
        if (limits.Paused) return new(SharingCondition.Paused, null);
        if (!IsInSchedule(now)) return new(SharingCondition.OutsideSchedule, null);
        if (usage.IsSpent) return new(SharingCondition.QuotaSpent, usage.IsMonthSpent ? End(usage.Month, isMonth: true) : End(usage.Day, isMonth: false));
        if (WakeAt(usage) is { } wake && now < wake) return new(SharingCondition.Asleep, wake);
        // Asked only where the answer matters.
        bool onBattery = limits.WhenOnBattery != OwnerRule.Serve && surroundings.IsOnBattery == true;
        bool metered = limits.WhenMetered != OwnerRule.Serve && surroundings.IsMetered == true;
        if (onBattery && limits.WhenOnBattery == OwnerRule.Pause) return new(SharingCondition.OnBattery, null);
        if (metered && limits.WhenMetered == OwnerRule.Pause) return new(SharingCondition.Metered, null);
        return new(share < 1 || onBattery || metered ? SharingCondition.Yielding : SharingCondition.Serving, null);
    }

    /// <summary>When the schedule opens next, to a minute; null where it does not within a week.</summary>
    internal DateTimeOffset? NextOpening(DateTimeOffset now)
    {
        // Minute by minute over the wall clock: whatever the clocks do in between is then right by itself.
        var minute = new DateTimeOffset(now.UtcTicks - now.UtcTicks % TimeSpan.TicksPerMinute, TimeSpan.Zero);
        for (int i = 0; i < MinutesAhead; i++)
        {
            minute = minute.AddMinutes(1);
            if (IsInSchedule(minute)) return minute;
        }

        return null;
    }

    internal bool IsInSchedule(DateTimeOffset now)
    {
        if (limits.Schedule.Count == 0) return true;
        DateTime local = TimeZoneInfo.ConvertTime(now, zone).DateTime;
        foreach (ScheduleWindow window in limits.Schedule)
            if (window.Holds(local)) return true;
        return false;
    }

    private DateTimeOffset End(DateOnly period) => End(period, IsMonthly);

    private DateTimeOffset End(DateOnly period, bool isMonth)
    {
        if (!isMonth) return Periods.StartOf(period.AddDays(1));
        // The reset day may have been moved within the month.
        var next = new DateOnly(period.Year, period.Month, limits.ResetDay);
        return Periods.StartOf(next > period ? next : next.AddMonths(1));
    }
}
