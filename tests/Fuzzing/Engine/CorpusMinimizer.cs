namespace Overlay.Fuzzing.Engine;

/// <summary>Chooses few and small inputs that together reach what all of them reach, as <c>afl-cmin</c> does.</summary>
internal static class CorpusMinimizer
{
    /// <summary>The inputs to keep, the smallest first, at most <paramref name="maxCount"/>. All that are accepted or refused alike count as one where nothing is instrumented.</summary>
    internal static List<byte[]> Minimize(FuzzTarget target, IEnumerable<byte[]> inputs, int maxCount)
    {
        byte[] known = CoverageMap.NewKnown();
        var meter = new AllocationMeter();
        List<byte[]> kept = [];
        byte[][] bySize = [.. inputs.OrderBy(input => input.Length).ThenBy(Convert.ToHexString, StringComparer.Ordinal)];
        // Once for what only a first run reaches.
        foreach (byte[] seed in target.Seeds) target.Run(seed, meter);
        foreach (byte[] input in bySize)
        {
            if (kept.Count == maxCount) break;
            CoverageMap.Clear();
            target.Run(input, meter);
            if (CoverageMap.MergeInto(known)) kept.Add(input);
        }

        return kept;
    }
}
