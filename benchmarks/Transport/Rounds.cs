namespace Overlay.Benchmarks.Transport;

/// <summary>Interleaved rounds: each runs every subject once, in an order that turns, so that a slow minute of the machine hits all alike.</summary>
/// <remarks>The first round warms up and is thrown away. Compare rows of one table, never of two.</remarks>
internal static class Rounds
{
    /// <summary>Measures every subject in every round; returns each subject's samples in the order of <paramref name="subjects"/>.</summary>
    internal static async Task<IReadOnlyList<IReadOnlyList<TSample>>> RunAsync<TSubject, TSample>(
        IReadOnlyList<TSubject> subjects, int rounds, Func<TSubject, Task<TSample>> measure)
    {
        List<TSample>[] samples = [.. subjects.Select(_ => new List<TSample>())];
        for (int round = 0; round <= rounds; round++)
        {
            for (int i = 0; i < subjects.Count; i++)
            {
                int index = (i + round) % subjects.Count;
                TSample sample = await measure(subjects[index]);
                if (round > 0) samples[index].Add(sample);
            }
        }

        return samples;
    }

    /// <summary>The median of one value of the samples.</summary>
    internal static double Median<TSample>(this IReadOnlyList<TSample> samples, Func<TSample, double> value) => Medians.Of(samples.Select(value));
}
