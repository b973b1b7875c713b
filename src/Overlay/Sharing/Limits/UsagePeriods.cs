namespace Overlay.Sharing.Limits;

/// <summary>Days and months as an owner counts them: by the wall clock of the host's time zone.</summary>
/// <param name="zone">The time zone.</param>
/// <param name="resetDay">The day on which a month begins, 1 to 28.</param>
internal sealed class UsagePeriods(TimeZoneInfo zone, int resetDay)
{
    /// <summary>The day of a moment.</summary>
    internal DateOnly DayOf(DateTimeOffset now) => DateOnly.FromDateTime(TimeZoneInfo.ConvertTime(now, zone).DateTime);

    /// <summary>The first day of its month.</summary>
    internal DateOnly MonthOf(DateTimeOffset now)
    {
        DateOnly day = DayOf(now);
        var reset = new DateOnly(day.Year, day.Month, resetDay);
        return day >= reset ? reset : reset.AddMonths(-1);
    }

    /// <summary>The moment at which a day begins. Where clocks jump over midnight: that of the jump; where midnight comes twice: the first.</summary>
    internal DateTimeOffset StartOf(DateOnly day)
    {
        var midnight = day.ToDateTime(TimeOnly.MinValue);
        TimeSpan offset = zone.IsAmbiguousTime(midnight) ? zone.GetAmbiguousTimeOffsets(midnight).Max() : zone.GetUtcOffset(midnight);
        return new DateTimeOffset(midnight, offset);
    }
}
