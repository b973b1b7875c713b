using System.Diagnostics;
using System.Reflection;

namespace Overlay.Fuzzing.Engine;

/// <summary>What an input cost.</summary>
/// <param name="Accepted">Whether the target took it.</param>
/// <param name="Allocated">Bytes that the code under test allocated.</param>
/// <param name="AllocationLimit">Bytes that it may allocate for an input of this size.</param>
/// <param name="Elapsed">Time it took.</param>
internal readonly record struct ExecutionCost(bool Accepted, long Allocated, long AllocationLimit, TimeSpan Elapsed);

/// <summary>Runs a target on one input and holds it to the limits that stand for every target.</summary>
internal sealed class Execution(FuzzTarget target, TimeProvider time)
{
    /// <summary>Longest time for one input.</summary>
    internal static readonly TimeSpan TimeLimit = TimeSpan.FromSeconds(1);

    // A machine may pause at any time, a first use allocates what later ones find, and other threads allocate too where a target has any: only what
    // an input costs every time is its own.
    private const int Repetitions = 5;

    // Compiled for debugging, an asynchronous method allocates its state with each call, whether it waits or not: the limits are those of what ships.
    private static readonly int s_allocationFactor =
        typeof(Transport.Identity.PeerId).Assembly.GetCustomAttribute<DebuggableAttribute>() is { IsJITOptimizerDisabled: true } ? 8 : 1;

    private readonly AllocationMeter _meter = new();

    /// <summary>Runs once; over a limit, again, until it stays below or has shown that it never does.</summary>
    /// <exception cref="InvariantException">The target's invariant did not hold, or the input costs more than allowed.</exception>
    internal ExecutionCost Run(ReadOnlySpan<byte> input)
    {
        ExecutionCost cost = RunOnce(input);
        for (int i = 1; i < Repetitions && IsOver(cost); i++)
        {
            ExecutionCost again = RunOnce(input);
            cost = again with
            {
                Allocated = Math.Min(cost.Allocated, again.Allocated),
                Elapsed = cost.Elapsed < again.Elapsed ? cost.Elapsed : again.Elapsed,
            };
        }

        if (cost.Allocated > cost.AllocationLimit)
            throw new InvariantException($"{cost.Allocated} bytes were allocated for an input of {input.Length}, {cost.AllocationLimit} are allowed.");
        if (cost.Elapsed > TimeLimit) throw new InvariantException($"An input of {input.Length} bytes takes {cost.Elapsed.TotalSeconds:0.##} s.");
        return cost;
    }

    private static bool IsOver(in ExecutionCost cost) => cost.Allocated > cost.AllocationLimit || cost.Elapsed > TimeLimit;

    private ExecutionCost RunOnce(ReadOnlySpan<byte> input)
    {
        _meter.Reset();
        long startedAt = time.GetTimestamp();
        bool accepted = target.Run(input, _meter);
        TimeSpan elapsed = time.GetElapsedTime(startedAt);
        long limit = s_allocationFactor * (((long)target.AllocationPerByte * input.Length) + target.FixedAllocation);
        return new ExecutionCost(accepted, _meter.Allocated, limit, elapsed);
    }
}
