using System.Globalization;
using Overlay.Node.Output;

namespace Overlay.Node.Dashboard;

/// <summary>How fast a node has earned: in the hour that runs and the one before, in a day, in a week, as far as it has earned for so long.</summary>
internal static class EarningPaces
{
    private static readonly (string Name, ulong Hours)[] s_windows = [("", 1), ("the last 24 hours", 24), ("the last 7 days", 168)];

    /// <param name="first">The first hour in which anything was earned; null when nothing was.</param>
    /// <param name="now">The time.</param>
    /// <param name="earnedSince">Micro-credits of the hour given and all later ones.</param>
    internal static IReadOnlyList<EarningPace> Of(ulong? first, DateTimeOffset now, Func<ulong, ulong> earnedSince)
    {
        const ulong SecondsPerHour = 3600;
        if (first is not { } began) return [];
        ulong seconds = (ulong)Math.Max(0, now.ToUnixTimeSeconds()), current = seconds / SecondsPerHour;
        var paces = new List<EarningPace>();
        ulong? before = null;
        foreach ((string name, ulong hours) in s_windows)
        {
            ulong from = Math.Max(began, current - Math.Min(current, hours));
            // What no longer reaches further back says nothing new; an hour that has only just begun says nothing yet.
            if (from == before || from >= current) continue;
            before = from;
            TimeSpan length = TimeSpan.FromSeconds(seconds - from * SecondsPerHour);
            bool isCut = current - from < hours || hours == 1;
            string said = isCut ? string.Create(CultureInfo.InvariantCulture, $"the last {length.TotalHours:0.0} hours") : name;
            paces.Add(new EarningPace(said, length, Units.FromMicroCredits(earnedSince(from))));
        }

        return paces;
    }
}
