using System.Globalization;

namespace Overlay.Benchmarks.Goals;

/// <summary>One line of the table: what is to be reached, what was measured, and what the same run gave for the baseline.</summary>
/// <param name="What">The question.</param>
/// <param name="Wish">The goal in words.</param>
/// <param name="Measured">The figure in words.</param>
/// <param name="Baseline">What it is held against, measured in the same run.</param>
/// <param name="Verdict">Whether it is met, and by how much not.</param>
internal sealed record Goal(string What, string Wish, string Measured, string Baseline, string Verdict)
{
    /// <summary>A figure that has to be at least <paramref name="limit"/>.</summary>
    internal static Goal AtLeast(string what, double limit, double value, string unit, string format, string baseline) =>
        new(what, $"≥ {Text(limit, format)} {unit}".TrimEnd(), $"{Text(value, format)} {unit}".TrimEnd(), baseline, value >= limit ? "met" : $"{Percent(1 - (value / limit))} short");

    /// <summary>A figure that may be at most <paramref name="limit"/>.</summary>
    internal static Goal AtMost(string what, double limit, double value, string unit, string format, string baseline) =>
        new(what, $"≤ {Text(limit, format)} {unit}".TrimEnd(), $"{Text(value, format)} {unit}".TrimEnd(), baseline, value <= limit ? "met" : $"{Percent((value / limit) - 1)} over");

    /// <summary>Something that may not be there at all.</summary>
    internal static Goal None(string what, double value, double tolerance, string unit, string format, string baseline) =>
        new(what, $"no {unit}", $"{Text(value, format)} {unit}", baseline, value <= tolerance ? "met" : "not met");

    /// <summary>A figure that nothing is asked of, for comparison.</summary>
    internal static Goal Shown(string what, string measured, string baseline) => new(what, "", measured, baseline, "");

    internal string ToMarkdown() => $"| {What} | {Wish} | {Measured} | {Baseline} | {Verdict} |";

    private static string Text(double value, string format) => value.ToString(format, CultureInfo.InvariantCulture);

    private static string Percent(double share) => double.IsFinite(share) ? Text(share * 100, "0") + " %" : "out of reach";
}
