namespace Overlay.Benchmarks.Transport;

/// <summary>What a piece of work took.</summary>
/// <param name="Seconds">Of the clock.</param>
/// <param name="NearCpuSeconds">User and system time of this process.</param>
/// <param name="FarCpuSeconds">The same of the other.</param>
/// <param name="NearAllocated">Managed bytes allocated by this process.</param>
/// <param name="FarAllocated">The same of the other.</param>
internal readonly record struct Spending(double Seconds, double NearCpuSeconds, double FarCpuSeconds, long NearAllocated, long FarAllocated)
{
    internal double CpuSeconds => NearCpuSeconds + FarCpuSeconds;

    internal long Allocated => NearAllocated + FarAllocated;
}
