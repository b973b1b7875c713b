using System.Diagnostics;
using System.Text.Json;

namespace Overlay.Benchmarks.Processes;

/// <summary>What a process holds and has spent.</summary>
/// <param name="ResidentBytes">Physical memory.</param>
/// <param name="LiveBytes">Managed objects that are alive, right after a full collection.</param>
/// <param name="HandleCount">Open descriptors.</param>
/// <param name="ThreadCount">Threads of the operating system.</param>
/// <param name="CpuSeconds">User and system time since the process began.</param>
/// <param name="AllocatedBytes">Managed allocations since the process began.</param>
internal sealed record ProcessSample(long ResidentBytes, long LiveBytes, int HandleCount, int ThreadCount, double CpuSeconds, long AllocatedBytes)
{
    /// <summary>Of this process, now. Collects first: what is dead and not yet collected says nothing about growth.</summary>
    internal static ProcessSample Take()
    {
        GC.Collect();
        GC.WaitForPendingFinalizers();
        GC.Collect();
        using var process = Process.GetCurrentProcess();
        return new ProcessSample(
            Environment.WorkingSet, GC.GetTotalMemory(forceFullCollection: false), process.HandleCount, process.Threads.Count,
            Environment.CpuUsage.TotalTime.TotalSeconds, GC.GetTotalAllocatedBytes(precise: true));
    }

    internal string ToLine() => JsonSerializer.Serialize(this);

    internal static ProcessSample Parse(string line) => JsonSerializer.Deserialize<ProcessSample>(line) ?? throw new FormatException("No sample.");
}
