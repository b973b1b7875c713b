using System.Globalization;
using Overlay.Benchmarks.Processes;

namespace Overlay.Benchmarks.Soak;

/// <summary>Whether a process's memory stayed level: the median of the run's last quarter against that of its second.</summary>
/// <remarks>The first quarter is left out: code is compiled, pools and windows fill. The third would show only what the fourth shows better.</remarks>
internal static class Flatness
{
    // What the quarters of a level run differ by: pooled buffers and what is on the way between two streams when the sample is taken. A leak shows when
    // it is larger than that in half the run, so the longer the run, the smaller the leak that it finds.
    private const double AllowedShare = 0.10;
    // The thread pool adds threads while others keep the machine busy; a thread for each connection would be hundreds.
    private const double AllowedResidentBytes = 16 << 20, AllowedLiveBytes = 8 << 20, AllowedHandles = 16, AllowedThreads = 32;

    /// <summary>Prints a line for each measure of each process, and says whether all are level.</summary>
    internal static bool Judge(IReadOnlyList<IReadOnlyList<ProcessSample>> processes)
    {
        bool isFlat = true;
        for (int i = 0; i < processes.Count; i++)
        {
            isFlat &= Compare(i, "resident MiB", processes[i], s => s.ResidentBytes / 1048576.0, AllowedResidentBytes / 1048576);
            isFlat &= Compare(i, "managed, live MiB", processes[i], s => s.LiveBytes / 1048576.0, AllowedLiveBytes / 1048576);
            isFlat &= Compare(i, "descriptors", processes[i], s => s.HandleCount, AllowedHandles);
            isFlat &= Compare(i, "threads", processes[i], s => s.ThreadCount, AllowedThreads);
        }

        return isFlat;
    }

    private static bool Compare(int process, string measure, IReadOnlyList<ProcessSample> samples, Func<ProcessSample, double> value, double allowed)
    {
        int quarter = samples.Count / 4;
        if (quarter == 0)
        {
            Console.WriteLine($"process {process}: {samples.Count} samples are too few to tell whether it stayed level");
            return false;
        }

        double second = Medians.Of(samples.Skip(quarter).Take(quarter).Select(value)), last = Medians.Of(samples.TakeLast(quarter).Select(value));
        bool isFlat = last <= (second * (1 + AllowedShare)) + allowed;
        Console.WriteLine(string.Create(
            CultureInfo.InvariantCulture, $"process {process}: {measure}: {second:F2} in the second quarter, {last:F2} in the last: {(isFlat ? "level" : "GROWS")}"));
        return isFlat;
    }
}
