using System.Diagnostics;

namespace Overlay.Benchmarks.Soak;

/// <summary>Holds this process to a share of a core and to a rate of bytes: whoever begins work waits here while there is no credit.</summary>
/// <remarks>Two buckets that fill with time, one of CPU seconds and one of bytes; neither holds more than half a second's worth. Safe on several threads.</remarks>
/// <param name="cpuShare">CPU seconds per second.</param>
/// <param name="bytesPerSecond">Bytes per second.</param>
internal sealed class Pace(double cpuShare, double bytesPerSecond)
{
    private const double BurstSeconds = 0.5;
    private static readonly TimeSpan s_longest = TimeSpan.FromSeconds(1);

    private readonly Lock _lock = new();
    private long _lastTime = Stopwatch.GetTimestamp();
    private TimeSpan _lastCpu = Environment.CpuUsage.TotalTime;
    private double _cpuCredit;
    private double _byteCredit;

    /// <summary>Waits until <paramref name="bytes"/> more may be sent.</summary>
    internal async ValueTask WaitAsync(int bytes, CancellationToken cancellationToken)
    {
        // A writer that never waits would starve the others of their turns, so a large debt is paid by all alike, a second at a time.
        TimeSpan delay = Take(bytes);
        while (delay > TimeSpan.Zero)
        {
            await Task.Delay(delay < s_longest ? delay : s_longest, cancellationToken);
            delay = Take(0);
        }
    }

    private TimeSpan Take(int bytes)
    {
        lock (_lock)
        {
            long now = Stopwatch.GetTimestamp();
            TimeSpan cpu = Environment.CpuUsage.TotalTime;
            double elapsed = Stopwatch.GetElapsedTime(_lastTime, now).TotalSeconds;
            _cpuCredit = Math.Min(_cpuCredit + (elapsed * cpuShare), BurstSeconds * cpuShare) - (cpu - _lastCpu).TotalSeconds;
            _byteCredit = Math.Min(_byteCredit + (elapsed * bytesPerSecond), BurstSeconds * bytesPerSecond) - bytes;
            (_lastTime, _lastCpu) = (now, cpu);
            double wait = Math.Max(-_cpuCredit / cpuShare, -_byteCredit / bytesPerSecond);
            return wait > 0.001 ? TimeSpan.FromSeconds(wait) : TimeSpan.Zero;
        }
    }
}
