using System.Diagnostics;
using System.Globalization;

namespace Overlay.Benchmarks.Transport;

/// <summary>Moves the same number of bytes through every subject, round after round, and prints medians.</summary>
/// <remarks>
/// Each round runs every subject once, in an order that turns with the rounds, so that a slow minute of the machine hits all alike; the first round
/// warms up and is thrown away. Both ends are in this process: CPU and allocations are those of sender and receiver together. Compare rows of one table,
/// not of two.
/// </remarks>
internal static class ThroughputTable
{
    private const int BlockSize = 64 * 1024;
    private const double GiB = 1L << 30;

    internal static async Task<int> RunAsync(IReadOnlyList<ThroughputSubject> subjects, string[] args)
    {
        if (!TryReadOptions(args, out int mebibytes, out int rounds))
        {
            await Console.Error.WriteLineAsync("usage: throughput [--mib N] [--rounds N]");
            return 2;
        }

        long size = (long)mebibytes << 20;
        var samples = subjects.ToDictionary(subject => subject, _ => new List<Sample>());
        for (int round = 0; round <= rounds; round++)
        {
            for (int i = 0; i < subjects.Count; i++)
            {
                ThroughputSubject subject = subjects[(i + round) % subjects.Count];
                Sample sample = await MeasureAsync(subject, size);
                if (round > 0) samples[subject].Add(sample);
            }
        }

        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{mebibytes} MiB one way in {BlockSize / 1024} KiB writes, median of {rounds} interleaved rounds"));
        Console.WriteLine();
        Console.WriteLine("| subject | MB/s | CPU s/GiB | allocated bytes/byte |");
        Console.WriteLine("| --- | ---: | ---: | ---: |");
        foreach (ThroughputSubject subject in subjects)
        {
            List<Sample> own = samples[subject];
            Console.WriteLine(string.Create(
                CultureInfo.InvariantCulture,
                $"| {subject.Name} | {Median(own, s => size / 1e6 / s.Seconds):F0} | {Median(own, s => s.CpuSeconds * GiB / size):F2} | {Median(own, s => (double)s.Allocated / size):F5} |"));
        }

        return 0;
    }

    private static async Task<Sample> MeasureAsync(ThroughputSubject subject, long size)
    {
        await using ConnectedEnds ends = await subject.ConnectAsync();
        byte[] outgoing = new byte[BlockSize], incoming = new byte[BlockSize];
        Random.Shared.NextBytes(outgoing);
        GC.Collect();
        using var process = Process.GetCurrentProcess();

        long allocatedBefore = GC.GetTotalAllocatedBytes(precise: true);
        TimeSpan cpuBefore = process.TotalProcessorTime;
        long started = Stopwatch.GetTimestamp();
        await Task.WhenAll(Task.Run(() => SendAsync(ends.Sender, outgoing, size)), Task.Run(() => ReceiveAsync(ends.Receiver, incoming, size)));
        double seconds = Stopwatch.GetElapsedTime(started).TotalSeconds;
        process.Refresh();
        return new Sample(seconds, (process.TotalProcessorTime - cpuBefore).TotalSeconds, GC.GetTotalAllocatedBytes(precise: true) - allocatedBefore);
    }

    private static async Task SendAsync(Stream stream, byte[] block, long size)
    {
        for (long left = size; left > 0; left -= block.Length)
            await stream.WriteAsync(block.AsMemory(0, (int)Math.Min(left, block.Length)));
        await stream.FlushAsync();
    }

    private static async Task ReceiveAsync(Stream stream, byte[] block, long size)
    {
        for (long left = size; left > 0;)
        {
            int count = await stream.ReadAsync(block);
            if (count == 0) throw new EndOfStreamException($"{left} bytes are missing.");
            left -= count;
        }
    }

    private static double Median(List<Sample> samples, Func<Sample, double> value)
    {
        double[] sorted = [.. samples.Select(value).Order()];
        return sorted.Length % 2 == 1 ? sorted[sorted.Length / 2] : (sorted[(sorted.Length / 2) - 1] + sorted[sorted.Length / 2]) / 2;
    }

    private static bool TryReadOptions(string[] args, out int mebibytes, out int rounds)
    {
        (mebibytes, rounds) = (1024, 5);
        if (args.Length % 2 != 0) return false;
        for (int i = 0; i < args.Length; i += 2)
        {
            if (!int.TryParse(args[i + 1], NumberStyles.None, CultureInfo.InvariantCulture, out int value) || value == 0) return false;
            if (args[i] == "--mib") mebibytes = value;
            else if (args[i] == "--rounds") rounds = value;
            else return false;
        }

        return true;
    }

    private readonly record struct Sample(double Seconds, double CpuSeconds, long Allocated);
}
