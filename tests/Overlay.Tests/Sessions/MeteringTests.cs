using System.Buffers;
using System.IO.Pipelines;
using CsCheck;
using Overlay.Sessions;
using Overlay.Sessions.Metering;

namespace Overlay.Tests.Sessions;

public class MeteringTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Gate_Waiters_AreServedInOrderAndWhole()
    {
        var gate = new CreditGate(100);
        await gate.TakeAsync(90, Token);
        Task large = gate.TakeAsync(50, Token).AsTask(), small = gate.TakeAsync(5, Token).AsTask();
        // Ten are free, but who asks for more came first.
        Assert.False(small.IsCompleted);
        Assert.Equal(0, gate.TakeUpTo(5));

        gate.Pay(40, newLimit: null);
        await large;
        Assert.False(small.IsCompleted);
        gate.Pay(0, newLimit: 105);
        await small;
        Assert.Equal(105, gate.Unpaid);
    }

    [Fact]
    public async Task Gate_WaiterCancelled_LetsTheNextPass()
    {
        var gate = new CreditGate(100);
        await gate.TakeAsync(90, Token);
        using var leaving = new CancellationTokenSource();
        Task large = gate.TakeAsync(50, leaving.Token).AsTask(), small = gate.TakeAsync(5, Token).AsTask();
        await leaving.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => large);
        await small;
        Assert.Equal(95, gate.Unpaid);
    }

    [Fact]
    public async Task Gate_Closed_FailsAllWhoWaitAndCome()
    {
        var gate = new CreditGate(1);
        await gate.TakeAsync(1, Token);
        Task waiting = gate.TakeAsync(1, Token).AsTask();
        gate.Close(new SessionException(SessionError.ConnectionLost, "Over."));
        await Assert.ThrowsAsync<SessionException>(() => waiting);
        await Assert.ThrowsAsync<SessionException>(async () => await gate.TakeAsync(1, Token));
    }

    [Fact]
    public void Writer_AnyMixOfCalls_PassesTheSameBytesAndTakesCreditForEach() =>
        Gen.Select(Gen.Int[0, 3], Gen.Int[1, 50_000]).Array[1, 20].Sample(calls =>
        {
            var pipe = new Pipe(new PipeOptions(pauseWriterThreshold: 0));
            var gate = new CreditGate(long.MaxValue);
            var writer = new MeteredPipeWriter(pipe.Writer, gate, () => { });
            var expected = new ArrayBufferWriter<byte>();
            foreach ((int call, int size) in calls)
            {
                byte[] bytes = SessionTests.RandomBytes(size, size);
                if (call == 0) Assert.True(writer.WriteAsync(bytes, Token).AsTask().IsCompletedSuccessfully);
                else if (call == 3) Assert.True(writer.FlushAsync(Token).AsTask().IsCompletedSuccessfully);
                else WritePiecemeal(writer, bytes, call * 1_000);
                if (call != 3) expected.Write(bytes);
            }

            Assert.True(writer.CompleteAsync().AsTask().IsCompletedSuccessfully);
            Assert.True(pipe.Reader.TryRead(out ReadResult result));
            Assert.Equal(expected.WrittenSpan, result.Buffer.ToArray());
            Assert.Equal(expected.WrittenCount, writer.Taken);
            Assert.Equal(expected.WrittenCount, gate.Unpaid);
        }, iter: 50);

    [Fact]
    public async Task Writer_SourceFillsWhatItIsGiven_GetsMoreUpToTwoFrames()
    {
        var pipe = new Pipe(new PipeOptions(pauseWriterThreshold: 0));
        var writer = new MeteredPipeWriter(pipe.Writer, new CreditGate(long.MaxValue), () => { });
        var sizes = new List<int>();
        for (int i = 0; i < 6; i++)
        {
            int size = writer.GetMemory().Length;
            sizes.Add(size);
            writer.Advance(size);
            await writer.FlushAsync(Token);
        }

        // Less than a quarter says that the source has no more for now.
        writer.GetMemory();
        writer.Advance(1);
        await writer.FlushAsync(Token);
        sizes.Add(writer.GetMemory().Length);

        Assert.Equal([CreditGate.FrameSize / 4, CreditGate.FrameSize / 2, CreditGate.FrameSize, 2 * CreditGate.FrameSize, 2 * CreditGate.FrameSize, 2 * CreditGate.FrameSize, CreditGate.FrameSize], sizes);
    }

    [Fact]
    public void Gate_AnyWindowAndNumberOfStreams_ChunkIsNoMoreThanAnEighthAndWholeFrames() =>
        Gen.Select(Gen.Long[CreditWindowRule.Smallest, CreditWindowRule.Largest], Gen.Int[1, 5000]).Sample((window, streams) =>
        {
            int size = new CreditGate(window) { StreamCount = streams }.ChunkSize;
            Assert.InRange(size, 16 * 1024, window / 8);
            Assert.True(size <= CreditGate.FrameSize || size % CreditGate.FrameSize == 0);
        });

    [Fact]
    public void Gate_MoreStreams_SmallerChunks()
    {
        int[] sizes = [.. new[] { 1, 100, 200, 1000 }.Select(streams => new CreditGate(CreditWindowRule.Largest) { StreamCount = streams }.ChunkSize)];
        Assert.Equal([2 * CreditGate.FrameSize, 2 * CreditGate.FrameSize, CreditGate.FrameSize, 16 * 1024], sizes);
    }

    [Fact]
    public async Task Writer_CancelledWhileWaitingForCredit_LeavesNothingBehind()
    {
        var pipe = new Pipe();
        var gate = new CreditGate(10);
        var writer = new MeteredPipeWriter(pipe.Writer, gate, () => { });
        using var leaving = new CancellationTokenSource();
        Task waiting = writer.WriteAsync(new byte[11], leaving.Token).AsTask();
        await leaving.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => waiting);
        Assert.False(pipe.Reader.TryRead(out _));
        Assert.Equal(0, writer.Taken);
        Assert.Equal(0, gate.Unpaid);
    }

    [Fact]
    public async Task Reader_LittleCredit_ShowsOnlyWhatMayBeForwarded()
    {
        var pipe = new Pipe();
        var gate = new CreditGate(10);
        var reader = new MeteredPipeReader(pipe.Reader, gate, () => { });
        await pipe.Writer.WriteAsync(new byte[25], Token);
        await pipe.Writer.CompleteAsync();

        ReadResult first = await reader.ReadAsync(Token);
        Assert.Equal(10, first.Buffer.Length);
        Assert.False(first.IsCompleted);
        reader.AdvanceTo(first.Buffer.End);

        Task<ReadResult> waiting = reader.ReadAsync(Token).AsTask();
        Assert.False(waiting.IsCompleted);
        gate.Pay(20, newLimit: null);
        ReadResult rest = await waiting;
        long shown = rest.Buffer.Length;
        reader.AdvanceTo(rest.Buffer.End);
        while (!rest.IsCompleted)
        {
            rest = await reader.ReadAsync(Token);
            shown += rest.Buffer.Length;
            reader.AdvanceTo(rest.Buffer.End);
        }

        Assert.Equal(15, shown);
        Assert.Equal(5, gate.Unpaid);
    }

    [Fact]
    public void Window_AnyReceipts_OnlyGrowsAndStaysWithinTheOffer() =>
        Gen.Select(Gen.Long[CreditWindowRule.Smallest, CreditWindowRule.Largest], Gen.Select(Gen.Long[0, 1L << 40], Gen.Int[0, 100_000]).Array[1, 30]).Sample((offered, receipts) =>
        {
            long window = CreditWindowRule.Smallest;
            foreach ((long paid, int milliseconds) in receipts)
            {
                long next = CreditWindowRule.Next(window, offered, paid, TimeSpan.FromMilliseconds(milliseconds));
                Assert.InRange(next, window, Math.Min(2 * window, offered));
                window = next;
            }
        });

    private static void WritePiecemeal(PipeWriter writer, byte[] bytes, int piece)
    {
        for (int at = 0; at < bytes.Length;)
        {
            Span<byte> span = writer.GetSpan(piece);
            int count = Math.Min(span.Length, bytes.Length - at);
            bytes.AsSpan(at, count).CopyTo(span);
            writer.Advance(count);
            at += count;
        }
    }
}
