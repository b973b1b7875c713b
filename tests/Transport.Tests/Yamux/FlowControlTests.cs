using System.IO.Pipelines;
using Overlay.Transport.Connections;
using Overlay.Transport.Yamux;

namespace Overlay.Transport.Tests.Yamux;

public sealed class FlowControlTests
{
    private const int Window = YamuxOptions.InitialWindow;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Credit_ReturnsWhenTheApplicationHasConsumed_NotBefore()
    {
        await using RawPeer peer = await RawPeer.CreateAsync();
        YamuxStream stream = await peer.OpenAsync(1);
        for (int i = 0; i < 8; i++) await peer.SendDataAsync(1, Window / 8);
        await peer.ExpectAliveAsync();

        await stream.Input.ReadExactlyAsync(Window / 2 - 1);
        await peer.ExpectAliveAsync();
        Assert.Equal(0u, stream.ReceiveWindow.Remaining);

        await stream.Input.ReadExactlyAsync(1);
        await peer.ExpectAsync(FrameType.WindowUpdate, FrameFlags.None, 1, Window / 2);
        await peer.SendDataAsync(1, Window / 2);
        await peer.ExpectAliveAsync();
    }

    [Fact]
    public async Task Data_LargerThanAnyMessage_IsReadWhileItArrives()
    {
        await using RawPeer peer = await RawPeer.CreateAsync();
        YamuxStream stream = await peer.OpenAsync(1);
        await peer.SendAsync(FrameType.Data, FrameFlags.Fin, 1, Window, new byte[1000]);
        await stream.Input.ReadExactlyAsync(1000);
        await peer.SendBytesAsync(new byte[Window - 1000]);
        Assert.Equal(Window - 1000, (await stream.Input.ReadToEndAsync()).Length);
    }

    [Fact]
    public async Task Input_CompletedEarly_CountsDropsAndReturnsTheCredit()
    {
        await using RawPeer peer = await RawPeer.CreateAsync();
        YamuxStream stream = await peer.OpenAsync(1);
        await peer.SendDataAsync(1, 1000);
        await peer.ExpectAliveAsync();
        await stream.Input.CompleteAsync();
        await peer.SendDataAsync(1, Window / 2);
        await peer.ExpectAsync(FrameType.WindowUpdate, FrameFlags.None, 1, 1000 + Window / 2);
        Assert.Equal(1000 + Window / 2, stream.BytesReceived);
    }

    [Fact]
    public async Task Input_WaitingForMoreThanTheWindowHolds_WidensIt_AndFailsAtTheLimit()
    {
        await using RawPeer peer = await RawPeer.CreateAsync(new YamuxOptions { MaxReceiveWindow = 2 * Window });
        YamuxStream stream = await peer.OpenAsync(1);
        await peer.SendDataAsync(1, Window);
        Task<ReadResult> reading = stream.Input.ReadAtLeastAsync(3 * Window, Cancellation).AsTask();
        await peer.ExpectAsync(FrameType.WindowUpdate, FrameFlags.None, 1, Window);
        await peer.SendDataAsync(1, Window);
        ConnectionException error = await Assert.ThrowsAsync<ConnectionException>(() => reading);
        Assert.Equal((ConnectionError.LimitExceeded, Fault.Caller), (error.Reason, error.Fault));
    }

    // Its header takes the last credit, while most of it is still under way: there is more to come without a wider window.
    [Fact]
    public async Task Input_WaitingForTheRestOfAFrame_NeitherWidensTheWindowNorFailsAtItsLimit()
    {
        await using RawPeer peer = await RawPeer.CreateAsync(new YamuxOptions { MaxReceiveWindow = Window });
        YamuxStream stream = await peer.OpenAsync(1);
        await peer.SendAsync(FrameType.Data, FrameFlags.None, 1, Window, new byte[1000]);
        ReadResult first = await stream.Input.ReadAsync(Cancellation);
        stream.Input.AdvanceTo(first.Buffer.Start, first.Buffer.End);

        Task<byte[]> reading = stream.Input.ReadExactlyAsync(Window);
        await peer.SendBytesAsync(new byte[Window - 1000]);

        Assert.Equal(Window, (await reading).Length);
        Assert.Equal(Window, stream.ReceiveWindow.Size);
    }

    [Fact]
    public async Task Credit_AllKeptByAShrinkingWindow_IsNotTold()
    {
        await using RawPeer peer = await RawPeer.CreateAsync();
        YamuxStream stream = await peer.OpenAsync(1);
        await peer.SendDataAsync(1, Window);
        Task widening = stream.Input.ReadExactlyAsync(2 * Window);
        await peer.ExpectAsync(FrameType.WindowUpdate, FrameFlags.None, 1, Window);
        await peer.SendDataAsync(1, Window);
        await widening;
        await peer.ExpectAsync(FrameType.WindowUpdate, FrameFlags.None, 1, 2 * Window);

        // The second slow half in a row.
        await peer.SendDataAsync(1, Window);
        await stream.Input.ReadExactlyAsync(Window);

        await peer.ExpectAliveAsync();
        Assert.Equal((Window, (uint)Window), (stream.ReceiveWindow.Size, stream.ReceiveWindow.Remaining));
    }

    [Fact]
    public async Task Output_WithoutCredit_WaitsBeyondItsBuffer_UntilThePeerGrants()
    {
        await using RawPeer peer = await RawPeer.CreateAsync(new YamuxOptions { MaxSendBuffer = 10_000 });
        YamuxStream stream = await peer.OpenAsync(1);
        await stream.Output.WriteAsync(new byte[Window + 9_999], Cancellation);
        Assert.Equal(Window, stream.BytesSent);

        Task<FlushResult> writing = stream.Output.WriteAsync(new byte[1], Cancellation).AsTask();
        Assert.False(writing.IsCompleted);
        await peer.SendAsync(FrameType.WindowUpdate, FrameFlags.None, 1, 10_000);
        Assert.False((await writing).IsCanceled);
        Assert.Equal(Window + 10_000, stream.BytesSent);
    }

    [Fact]
    public async Task Output_Waiting_CanBeCancelledBothWays_AndStillSendsWhatItTook()
    {
        await using RawPeer peer = await RawPeer.CreateAsync(new YamuxOptions { MaxSendBuffer = 1 });
        YamuxStream stream = await peer.OpenAsync(1);
        await stream.Output.WriteAsync(new byte[Window], Cancellation);
        Task<FlushResult> writing = stream.Output.WriteAsync(new byte[1], Cancellation).AsTask();
        stream.Output.CancelPendingFlush();
        Assert.True((await writing).IsCanceled);

        using CancellationTokenSource cancellation = new();
        writing = stream.Output.FlushAsync(cancellation.Token).AsTask();
        await cancellation.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => writing);

        await peer.SendAsync(FrameType.WindowUpdate, FrameFlags.None, 1, 100);
        Assert.False((await stream.Output.FlushAsync(Cancellation)).IsCanceled);
        Assert.Equal(Window + 1, stream.BytesSent);
    }

    [Fact]
    public async Task Input_Waiting_CanBeCancelledBothWays_AndStillReads()
    {
        await using RawPeer peer = await RawPeer.CreateAsync();
        YamuxStream stream = await peer.OpenAsync(1);
        Task<ReadResult> reading = stream.Input.ReadAsync(Cancellation).AsTask();
        stream.Input.CancelPendingRead();
        ReadResult result = await reading;
        Assert.True(result.IsCanceled);
        stream.Input.AdvanceTo(result.Buffer.Start);

        using CancellationTokenSource cancellation = new();
        reading = stream.Input.ReadAsync(cancellation.Token).AsTask();
        await cancellation.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => reading);

        await peer.SendDataAsync(1, 7, FrameFlags.Fin);
        Assert.Equal(7, (await stream.Input.ReadToEndAsync()).Length);
    }

    [Fact]
    public async Task Streams_ManyWithoutEnd_TakeTurns()
    {
        await using RawPeer peer = await RawPeer.CreateAsync(new YamuxOptions { FlushThreshold = 1, MaxSendBuffer = Window });
        YamuxStream[] streams = new YamuxStream[4];
        for (int i = 0; i < streams.Length; i++) streams[i] = await peer.OpenAsync((uint)(2 * i + 1));
        foreach (YamuxStream stream in streams)
        {
            await stream.Output.WriteAsync(new byte[Window], Cancellation);
            await stream.Output.WriteAsync(new byte[Window - 1], Cancellation);
        }

        // All have used up their credit and have a window's worth waiting. Granted in one message, they share the line.
        for (int i = 0; i < 4; i++)
        {
            int left = Window;
            while (left > 0) left -= (int)(await peer.ReadAsync())!.Value.Length;
        }

        byte[] grants = new byte[4 * FrameHeader.Size];
        for (int i = 0; i < 4; i++) new FrameHeader(FrameType.WindowUpdate, FrameFlags.None, (uint)(2 * i + 1), Window).Write(grants.AsSpan(i * FrameHeader.Size));
        await peer.SendBytesAsync(grants);
        long[] sent = new long[4];
        for (int total = 0; total < 4 * (Window - 1);)
        {
            FrameHeader frame = (await peer.ReadAsync())!.Value;
            Assert.Equal(FrameType.Data, frame.Type);
            sent[frame.StreamId / 2] += frame.Length;
            total += (int)frame.Length;
            // Until the last round, nobody is more than a frame ahead of anybody once all have begun.
            if (total < 2 * Window && sent.Min() > 0) Assert.InRange(sent.Max() - sent.Min(), 0, 80 * 1024);
        }
    }

    [Fact]
    public void ReceiveWindow_ConsumedWithinTwoRoundTrips_DoublesAndThenGrowsByHalfUpToItsLimits()
    {
        ConnectionMemory budget = new(6L * Window);
        ReceiveWindow window = new(16 * Window, budget, TimeSpan.Zero);
        TimeSpan now = TimeSpan.Zero;
        TimeSpan roundTrip = TimeSpan.FromMilliseconds(60);
        List<int> sizes = [];
        for (int i = 0; i < 4; i++)
        {
            Assert.True(window.TryReceive((uint)(window.Size / 2)));
            Assert.True(window.Consume(window.Size / 2));
            now += roundTrip;
            window.TakeUpdate(now, roundTrip);
            Assert.Equal((uint)window.Size, window.Remaining);
            sizes.Add(window.Size);
        }

        Assert.Equal([2 * Window, 4 * Window, 6 * Window, 6 * Window], sizes);
        Assert.Equal(5L * Window, budget.PromisedSize);
        window.Close();
        Assert.Equal(0, budget.PromisedSize);
    }

    [Fact]
    public void ReceiveWindow_ConsumedSlowly_KeepsItsSize()
    {
        ReceiveWindow window = new(16 * Window, new ConnectionMemory(long.MaxValue), TimeSpan.Zero);
        Assert.True(window.TryReceive(Window / 2));
        Assert.True(window.Consume(Window / 2));
        Assert.Equal((uint)Window / 2, window.TakeUpdate(TimeSpan.FromMilliseconds(120), TimeSpan.FromMilliseconds(60)));
        Assert.Equal(Window, window.Size);
    }

    [Fact]
    public void ReceiveWindow_FarTooShortForThePath_GrowsEightfoldAtOnce_ButNoFurtherThanItsLimits()
    {
        ConnectionMemory memory = new(15L * Window);
        ReceiveWindow window = new(64 * Window, memory, TimeSpan.Zero);
        TimeSpan roundTrip = TimeSpan.FromMilliseconds(60);
        Use(TimeSpan.FromMilliseconds(1));
        Assert.Equal(8 * Window, window.Size);
        // Eight times as long again is more than may be promised; twice is not.
        Use(TimeSpan.FromMilliseconds(2));
        Assert.Equal(16 * Window, window.Size);
        Use(TimeSpan.FromMilliseconds(3));
        Assert.Equal(16 * Window, window.Size);

        void Use(TimeSpan now)
        {
            Assert.True(window.TryReceive((uint)window.Size / 2));
            window.Consume(window.Size / 2);
            window.TakeUpdate(now, roundTrip);
        }
    }

    [Fact]
    public void ReceiveWindow_UnreadBytesFillIt_DoesNotGrow()
    {
        ReceiveWindow window = new(16 * Window, new ConnectionMemory(long.MaxValue), TimeSpan.Zero);
        Assert.True(window.TryReceive(Window));
        Assert.True(window.Consume(Window / 2));
        Assert.Equal((uint)Window / 2, window.TakeUpdate(TimeSpan.FromMilliseconds(1), TimeSpan.FromMilliseconds(60)));
        Assert.Equal(Window, window.Size);
    }

    [Fact]
    public void ReceiveWindow_ManyTimesTooLong_ShrinksAndPaysBack()
    {
        ConnectionMemory budget = new(long.MaxValue);
        ReceiveWindow window = new(16 * Window, budget, TimeSpan.Zero);
        TimeSpan now = TimeSpan.Zero;
        for (int i = 0; i < 2; i++) Use(TimeSpan.FromMilliseconds(60));
        Assert.Equal(4 * Window, window.Size);

        Use(TimeSpan.FromSeconds(10));
        Assert.Equal(4 * Window, window.Size);
        for (int i = 0; i < 5; i++) Use(TimeSpan.FromSeconds(10));
        Assert.Equal(Window, window.Size);
        Assert.Equal(0, budget.PromisedSize);
        Assert.Equal((uint)Window, window.Remaining);

        void Use(TimeSpan time)
        {
            Assert.True(window.TryReceive(window.Remaining));
            window.Consume(window.Size);
            now += time;
            window.TakeUpdate(now, TimeSpan.FromMilliseconds(60));
        }
    }

    [Fact]
    public void ReceiveWindow_ThatIsLong_GivesCreditByEighthsAndIsJudgedByHalves()
    {
        ConnectionMemory budget = new(long.MaxValue);
        ReceiveWindow window = new(256 * Window, budget, TimeSpan.Zero);
        TimeSpan now = TimeSpan.Zero, roundTrip = TimeSpan.FromMilliseconds(60);
        while (window.Size < 128 * Window) Use(window.Size / 2, TimeSpan.FromMilliseconds(60));
        Assert.Equal(128 * Window, window.Size);

        // Four eighths, each at once: fast for an eighth, but the half took four round trips.
        for (int i = 0; i < 4; i++) Assert.True(Use(16 * Window, TimeSpan.FromMilliseconds(60)));
        Assert.False(window.TryReceive(window.Remaining) && window.Consume(16 * Window - 1));
        Assert.Equal((128 * Window, 16 * Window - 1), (window.Size, window.Owed));

        // Two slow halves: half of the window goes, as fast as it is consumed and no faster.
        Assert.True(window.Consume(1));
        window.TakeUpdate(now += TimeSpan.FromSeconds(10), roundTrip);
        for (int i = 0; i < 7; i++) Consume(16 * Window, TimeSpan.FromSeconds(10));
        Assert.Equal(112 * Window, window.Size);
        for (int i = 0; i < 3; i++) Use(16 * Window, TimeSpan.FromMilliseconds(200));
        Assert.Equal(64 * Window, window.Size);
        Assert.Equal(63L * Window, budget.PromisedSize);

        bool Use(int size, TimeSpan time) => window.TryReceive((uint)size) && Consume(size, time);

        bool Consume(int size, TimeSpan time)
        {
            bool isUpdate = window.Consume(size);
            window.TakeUpdate(now += time, roundTrip);
            return isUpdate;
        }
    }

    [Fact]
    public void SendWindow_FullOf32Bits_TakesNoMore()
    {
        SendWindow window = new();
        Assert.True(window.TryGrant(uint.MaxValue - Window));
        Assert.False(window.TryGrant(1));
        Assert.Equal(5, window.Take(5));
        Assert.True(window.TryGrant(5));
    }
}
