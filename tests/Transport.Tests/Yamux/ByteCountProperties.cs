using System.IO.Pipelines;
using CsCheck;
using Overlay.Transport.Connections;
using Overlay.Transport.Yamux;

namespace Overlay.Transport.Tests.Yamux;

/// <summary>Whatever two applications do to a stream, in whatever order: when both ends are complete, they agree on every byte.</summary>
public sealed class ByteCountProperties
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    internal enum Step
    {
        WriteSmall,
        WriteLarge,
        Read,
        StopReading,
        HalfClose,
        Abort,
        Dispose,
        Yield,
    }

    [Fact]
    public async Task Stream_AnyInterleaving_BothEndsAgreeOnBothCounts()
    {
        Gen<Step[]> steps = Gen.Frequency(
            (4, Gen.Const(Step.WriteSmall)),
            (4, Gen.Const(Step.WriteLarge)),
            (6, Gen.Const(Step.Read)),
            (1, Gen.Const(Step.StopReading)),
            (1, Gen.Const(Step.HalfClose)),
            (1, Gen.Const(Step.Abort)),
            (1, Gen.Const(Step.Dispose)),
            (4, Gen.Const(Step.Yield))).Array[0, 30];
        await Gen.Select(steps, steps, Gen.Int[1, 8], Gen.Int[1, 70_000]).SampleAsync(
            async (first, second, capacity, piece) =>
            {
                await using YamuxPair pair = YamuxPair.Create(capacity: capacity, split: _ => piece);
                (YamuxStream opened, YamuxStream accepted) = await pair.OpenAsync();
                await Task.WhenAll(Task.Run(() => LiveAsync(opened, first)), Task.Run(() => LiveAsync(accepted, second)));
                await Task.WhenAll(opened.Completion, accepted.Completion).WaitAsync(Cancellation);
                Assert.Equal(opened.BytesSent, accepted.BytesReceived);
                Assert.Equal(accepted.BytesSent, opened.BytesReceived);
                Assert.Null(pair.Outbound.Error);
                Assert.Null(pair.Inbound.Error);
            },
            iter: 300,
            threads: 1);
    }

    private static async Task LiveAsync(YamuxStream stream, Step[] steps)
    {
        bool reads = true;
        bool writes = true;
        try
        {
            foreach (Step step in steps)
            {
                switch (step)
                {
                    case Step.WriteSmall or Step.WriteLarge when writes:
                        Memory<byte> memory = stream.Output.GetMemory(100);
                        stream.Output.Advance(Math.Min(memory.Length, 100));
                        ValueTask<FlushResult> writing = stream.Output.WriteAsync(new byte[step == Step.WriteSmall ? 10 : 150_000], Cancellation);
                        if (!writing.IsCompleted) stream.Output.CancelPendingFlush();
                        await writing;
                        break;
                    case Step.Read when reads:
                        if (!stream.Input.TryRead(out ReadResult result)) break;
                        stream.Input.AdvanceTo(result.Buffer.GetPosition(result.Buffer.Length / 2), result.Buffer.End);
                        break;
                    case Step.StopReading:
                        reads = false;
                        await stream.Input.CompleteAsync();
                        break;
                    case Step.HalfClose:
                        writes = false;
                        await stream.Output.CompleteAsync();
                        break;
                    case Step.Abort:
                        stream.Abort(YamuxError.StreamAborted("enough"));
                        break;
                    case Step.Dispose:
                        await stream.DisposeAsync();
                        return;
                    case Step.Yield:
                        await Task.Yield();
                        break;
                }
            }
        }
        catch (ConnectionException)
        {
            // The other side, or this one, has reset the stream.
        }

        await stream.DisposeAsync();
    }
}
