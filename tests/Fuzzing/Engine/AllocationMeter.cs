namespace Overlay.Fuzzing.Engine;

/// <summary>Adds up what the code under test allocates on its thread, apart from what the checks around it do.</summary>
internal sealed class AllocationMeter
{
    private long _startedAt;

    /// <summary>Bytes allocated between each <see cref="Start"/> and <see cref="Stop"/> so far.</summary>
    internal long Allocated { get; private set; }

    internal void Reset() => Allocated = 0;

    internal void Start() => _startedAt = GC.GetAllocatedBytesForCurrentThread();

    internal void Stop() => Allocated += GC.GetAllocatedBytesForCurrentThread() - _startedAt;

    /// <summary>Adds what was measured by other means, where several threads work.</summary>
    internal void Add(long bytes) => Allocated += bytes;
}
