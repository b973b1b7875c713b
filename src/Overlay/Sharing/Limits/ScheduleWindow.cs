using System.Globalization;

namespace Overlay.Sharing.Limits;

/// <summary>Hours of some days of the week, in the host's time zone. One whose end is not behind its beginning goes on into the next day.</summary>
/// <param name="Days">The days on which it begins; at least one.</param>
/// <param name="From">When it begins, to a minute.</param>
/// <param name="To">When it ends, to a minute. The same as <paramref name="From"/>: a whole day later.</param>
public sealed record ScheduleWindow(DaysOfWeek Days, TimeOnly From, TimeOnly To)
{
    private static readonly (string Name, DaysOfWeek Day)[] s_days =
    [
        ("mon", DaysOfWeek.Monday), ("tue", DaysOfWeek.Tuesday), ("wed", DaysOfWeek.Wednesday), ("thu", DaysOfWeek.Thursday), ("fri", DaysOfWeek.Friday),
        ("sat", DaysOfWeek.Saturday), ("sun", DaysOfWeek.Sunday),
    ];

    /// <summary>The days on which it begins; at least one.</summary>
    public DaysOfWeek Days { get; init => field = Check(value, nameof(Days)); } = Check(Days, nameof(Days));

    /// <summary>Reads a window such as <c>mon-fri 22:00-07:00</c>, <c>sat,sun 00:00-00:00</c> or <c>sun</c> (all day).</summary>
    /// <exception cref="FormatException">The text is no window.</exception>
    public static ScheduleWindow Parse(string text) => TryParse(text, out ScheduleWindow? window)
        ? window : throw new FormatException($"'{text}' is not a window; write days and hours such as 'mon-fri 22:00-07:00', 'sat,sun 00:00-00:00' or 'sun'.");

    /// <summary>Reads a window; false when the text is none.</summary>
    public static bool TryParse(string? text, [System.Diagnostics.CodeAnalysis.NotNullWhen(true)] out ScheduleWindow? window)
    {
        window = null;
        string[] parts = (text ?? "").Split(' ', StringSplitOptions.RemoveEmptyEntries);
        if (parts.Length is not (1 or 2) || !TryParseDays(parts[0], out DaysOfWeek days)) return false;
        TimeOnly from = default, to = default;
        if (parts.Length == 2)
        {
            string[] hours = parts[1].Split('-');
            if (hours.Length != 2 || !TryParseTime(hours[0], out from) || !TryParseTime(hours[1], out to)) return false;
        }

        window = new ScheduleWindow(days, from, to);
        return true;
    }

    /// <summary>Whether a local time lies within it.</summary>
    internal bool Holds(DateTime local)
    {
        var time = TimeOnly.FromDateTime(local);
        if (From < To) return Has(local.DayOfWeek) && time >= From && time < To;
        return (Has(local.DayOfWeek) && time >= From) || (Has(local.AddDays(-1).DayOfWeek) && time < To);
    }

    /// <summary>The window as <see cref="Parse"/> reads it.</summary>
    public override string ToString() =>
        $"{string.Join(',', s_days.Where(day => Days.HasFlag(day.Day)).Select(day => day.Name))} "
        + string.Create(CultureInfo.InvariantCulture, $"{From:HH:mm}-{To:HH:mm}");

    private static DaysOfWeek Check(DaysOfWeek days, string name) => days is > DaysOfWeek.None and <= DaysOfWeek.All
        ? days : throw new ArgumentOutOfRangeException(name, days, $"{name} is at least one of the seven days.");

    private bool Has(DayOfWeek day) => Days.HasFlag(s_days[((int)day + 6) % 7].Day);

    private static bool TryParseTime(string text, out TimeOnly time) =>
        TimeOnly.TryParseExact(text == "24:00" ? "00:00" : text, "HH:mm", CultureInfo.InvariantCulture, DateTimeStyles.None, out time);

    private static bool TryParseDays(string text, out DaysOfWeek days)
    {
        days = DaysOfWeek.None;
        foreach (string part in text.Split(','))
        {
            int[] ends = [.. part.Split('-').Select(name => Array.FindIndex(s_days, day => day.Name.Equals(name, StringComparison.OrdinalIgnoreCase)))];
            if (ends.Length > 2 || ends.Contains(-1)) return false;
            // fri-mon goes round the end of the week.
            for (int day = ends[0]; ; day = (day + 1) % 7)
            {
                days |= s_days[day].Day;
                if (day == ends[^1]) break;
            }
        }

        return true;
    }
}

/// <summary>Days of the week, several at once.</summary>
[Flags]
public enum DaysOfWeek
{
    /// <summary>No day.</summary>
    None = 0,

    /// <summary>Monday.</summary>
    Monday = 1,

    /// <summary>Tuesday.</summary>
    Tuesday = 2,

    /// <summary>Wednesday.</summary>
    Wednesday = 4,

    /// <summary>Thursday.</summary>
    Thursday = 8,

    /// <summary>Friday.</summary>
    Friday = 16,

    /// <summary>Saturday.</summary>
    Saturday = 32,

    /// <summary>Sunday.</summary>
    Sunday = 64,

    /// <summary>All seven.</summary>
    All = 127,
}
