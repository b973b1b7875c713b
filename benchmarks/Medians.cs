namespace Overlay.Benchmarks;

/// <summary>The middle of measured values: one slow round of a shared machine does not move it.</summary>
internal static class Medians
{
    /// <summary>The median; the mean of the two in the middle where their number is even.</summary>
    internal static double Of(IEnumerable<double> values)
    {
        double[] sorted = [.. values.Order()];
        if (sorted.Length == 0) return double.NaN;
        return sorted.Length % 2 == 1 ? sorted[sorted.Length / 2] : (sorted[(sorted.Length / 2) - 1] + sorted[sorted.Length / 2]) / 2;
    }
}
