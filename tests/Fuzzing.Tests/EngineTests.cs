using Microsoft.Extensions.Time.Testing;
using Overlay.Fuzzing.Engine;

namespace Overlay.Fuzzing.Tests;

/// <summary>Whether what is to be found is found.</summary>
public sealed class EngineTests
{
    private static readonly byte[] s_input = [1, 2, 3];

    [Fact]
    public void Execution_AllocatesMoreThanAllowed_IsAFinding()
    {
        byte[]? kept = null;
        var target = new ScriptedTarget((_, meter) =>
        {
            meter.Start();
            kept = new byte[100_000];
            meter.Stop();
            return true;
        });

        InvariantException found = Assert.Throws<InvariantException>(() => new Execution(target, TimeProvider.System).Run(s_input));
        Assert.Contains("were allocated for an input of 3", found.Message, StringComparison.Ordinal);
        Assert.NotNull(kept);
    }

    [Fact]
    public void Execution_AllocatesOnlyTheFirstTime_IsNone()
    {
        int count = 0;
        var target = new ScriptedTarget((_, meter) =>
        {
            meter.Start();
            if (count++ == 0) GC.KeepAlive(new byte[1_000_000]);
            meter.Stop();
            return true;
        });

        Assert.InRange(new Execution(target, TimeProvider.System).Run(s_input).Allocated, 0, 4096);
    }

    [Fact]
    public void Execution_TakesLongerThanASecondEveryTime_IsAFinding()
    {
        var time = new FakeTimeProvider();
        var target = new ScriptedTarget((_, _) =>
        {
            time.Advance(Execution.TimeLimit + TimeSpan.FromMilliseconds(1));
            return true;
        });

        InvariantException found = Assert.Throws<InvariantException>(() => new Execution(target, time).Run(s_input));
        Assert.Contains("takes 1 s", found.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Execution_OnePauseOfTheMachine_IsNone()
    {
        var time = new FakeTimeProvider();
        int count = 0;
        var target = new ScriptedTarget((_, _) =>
        {
            if (count++ == 0) time.Advance(TimeSpan.FromSeconds(3));
            return true;
        });

        Assert.Equal(TimeSpan.Zero, new Execution(target, time).Run(s_input).Elapsed);
    }

    [Fact]
    public void FuzzLoop_InputThatThrows_IsFoundOnceForEachPlace()
    {
        var target = new ScriptedTarget((input, _) => input.Length > 0 && input[0] == 0xFF && input[input.Length] == 0);

        FuzzReport report = new FuzzLoop(target, new FuzzLoopOptions { Executions = 20_000 }).Run([s_input], TestContext.Current.CancellationToken);

        Finding finding = Assert.Single(report.Findings);
        Assert.IsType<IndexOutOfRangeException>(finding.Error);
        Assert.Equal(0xFF, finding.Input[0]);
        Assert.Equal(20_000, report.Executions);
    }

    [Fact]
    public void FuzzLoop_SameSeed_SameInputs()
    {
        static List<string> Inputs(int seed)
        {
            List<string> seen = [];
            var target = new ScriptedTarget((input, _) =>
            {
                seen.Add(Convert.ToHexStringLower(input));
                return true;
            });
            new FuzzLoop(target, new FuzzLoopOptions { Executions = 500, Seed = seed }).Run([s_input], TestContext.Current.CancellationToken);
            return seen;
        }

        Assert.Equal(Inputs(5), Inputs(5));
        Assert.NotEqual(Inputs(5), Inputs(6));
    }

    [Fact]
    public void Mutator_AnyInput_IsNoLongerThanAllowed()
    {
        var mutator = new Mutator(new Random(3), maxSize: 100, words: [new byte[50]]);
        byte[] input = new byte[100];

        for (int i = 0; i < 10_000; i++) Assert.InRange((input = mutator.Mutate(input, s_input)).Length, 0, 100);
    }

    private sealed class ScriptedTarget(ScriptedTarget.Body run) : FuzzTarget
    {
        internal delegate bool Body(ReadOnlySpan<byte> input, AllocationMeter meter);

        internal override string Name => "scripted";

        internal override IEnumerable<byte[]> Seeds => [];

        internal override bool Run(ReadOnlySpan<byte> input, AllocationMeter meter) => run(input, meter);
    }
}
