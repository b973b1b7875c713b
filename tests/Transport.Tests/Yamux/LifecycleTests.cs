using System.IO.Pipelines;
using Microsoft.Extensions.Time.Testing;
using Overlay.Transport.Connections;
using Overlay.Transport.Yamux;

namespace Overlay.Transport.Tests.Yamux;

public sealed class LifecycleTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Abort_LateFrames_AreCountedUntilTheFenceComesBack()
    {
        await using RawPeer peer = await RawPeer.CreateAsync();
        YamuxStream stream = await peer.OpenAsync(1);
        stream.Abort(YamuxError.StreamAborted("enough"));
        await peer.ExpectAsync(FrameType.WindowUpdate, FrameFlags.Rst, 1, 0);
        FrameHeader? fence = await peer.ReadAsync();
        Assert.Equal((FrameType.Ping, FrameFlags.Syn), (fence!.Value.Type, fence.Value.Flags));

        await peer.SendDataAsync(1, 500);
        await peer.SendDataAsync(1, 500);
        await peer.ExpectAliveAsync();
        Assert.False(stream.Completion.IsCompleted);
        Assert.Equal(1000, stream.BytesReceived);

        await peer.SendAsync(FrameType.Ping, FrameFlags.Ack, 0, fence.Value.Length);
        await stream.Completion.WaitAsync(Cancellation);
        await peer.SendDataAsync(1, 500);
        await peer.ExpectAliveAsync();
        Assert.Equal(1000, stream.BytesReceived);
    }

    [Fact]
    public async Task CompleteOutput_BytesStillQueued_SendsTheFinBehindThemOnAFrameOfItsOwn()
    {
        await using RawPeer peer = await RawPeer.CreateAsync();
        YamuxStream stream = await peer.OpenAsync(1);
        stream.Output.GetSpan(100)[..100].Clear();
        stream.Output.Advance(100);
        await stream.Output.CompleteAsync();

        await peer.ExpectAsync(FrameType.Data, FrameFlags.None, 1, 100);
        await peer.ExpectAsync(FrameType.WindowUpdate, FrameFlags.Fin, 1, 0);
    }

    [Fact]
    public async Task Dispose_WithDataToSend_SendsItThenFin_AndWaitsForThePeersFin()
    {
        await using RawPeer peer = await RawPeer.CreateAsync();
        YamuxStream stream = await peer.OpenAsync(1);
        await stream.Output.WriteAsync(new byte[100], Cancellation);
        await stream.DisposeAsync();
        stream.Abort(YamuxError.StreamAborted("too late to matter"));
        await peer.ExpectAsync(FrameType.Data, FrameFlags.None, 1, 100);
        await peer.ExpectAsync(FrameType.WindowUpdate, FrameFlags.Fin, 1, 0);
        await peer.ExpectAliveAsync();
        Assert.False(stream.Completion.IsCompleted);

        await peer.SendAsync(FrameType.WindowUpdate, FrameFlags.Fin, 1, 0);
        await stream.Completion.WaitAsync(Cancellation);
        Assert.Equal(0, peer.Session.StreamCount);
    }

    [Fact]
    public async Task Dispose_PeerSendsOn_ResetsBehindTheFin()
    {
        await using RawPeer peer = await RawPeer.CreateAsync();
        YamuxStream stream = await peer.OpenAsync(1);
        await stream.DisposeAsync();
        await peer.ExpectAsync(FrameType.WindowUpdate, FrameFlags.Fin, 1, 0);
        await peer.SendDataAsync(1, 10);
        await peer.ExpectAsync(FrameType.WindowUpdate, FrameFlags.Rst, 1, 0);
        await peer.AnswerPingAsync();
        await stream.Completion.WaitAsync(Cancellation);
        Assert.Equal(10, stream.BytesReceived);
    }

    [Fact]
    public async Task Dispose_WithBytesUnread_SendsWhatWasWrittenThenFinThenResets()
    {
        await using RawPeer peer = await RawPeer.CreateAsync();
        YamuxStream stream = await peer.OpenAsync(1);
        await peer.SendDataAsync(1, 10);
        await peer.ExpectAliveAsync();
        await stream.Output.WriteAsync(new byte[100], Cancellation);
        await stream.DisposeAsync();
        await peer.ExpectAsync(FrameType.Data, FrameFlags.None, 1, 100);
        await peer.ExpectAsync(FrameType.WindowUpdate, FrameFlags.Fin, 1, 0);
        await peer.ExpectAsync(FrameType.WindowUpdate, FrameFlags.Rst, 1, 0);
        await peer.AnswerPingAsync();
        await stream.Completion.WaitAsync(Cancellation);
    }

    [Fact]
    public async Task Dispose_PeerNeverEnds_ResetsAfterTheLingerTimeout()
    {
        await using RawPeer peer = await RawPeer.CreateAsync();
        YamuxStream stream = await peer.OpenAsync(1);
        await stream.DisposeAsync();
        await peer.ExpectAsync(FrameType.WindowUpdate, FrameFlags.Fin, 1, 0);
        peer.Time.Advance(peer.Session.Options.LingerTimeout);
        await peer.ExpectAsync(FrameType.WindowUpdate, FrameFlags.Rst, 1, 0);
    }

    [Fact]
    public async Task Dispose_ThatCannotSend_ResetsAfterTheLingerTimeout()
    {
        await using RawPeer peer = await RawPeer.CreateAsync();
        YamuxStream stream = await peer.OpenAsync(1);
        await stream.Output.WriteAsync(new byte[YamuxOptions.InitialWindow + 1], Cancellation);
        await stream.DisposeAsync();
        peer.Time.Advance(YamuxOptions.Default.LingerTimeout);
        FrameHeader frame;
        do frame = (await peer.ReadAsync())!.Value;
        while (frame.Type == FrameType.Data);
        Assert.Equal(new FrameHeader(FrameType.WindowUpdate, FrameFlags.Rst, 1, 0), frame);
        Assert.Equal(YamuxOptions.InitialWindow, stream.BytesSent);
    }

    [Fact]
    public async Task Ping_Answered_TellsTheRoundTrip()
    {
        await using RawPeer peer = await RawPeer.CreateAsync();
        Task<TimeSpan> ping = peer.Session.PingAsync(Cancellation).AsTask();
        FrameHeader? question = await peer.ReadAsync();
        peer.Time.Advance(TimeSpan.FromMilliseconds(60));
        await peer.SendAsync(FrameType.Ping, FrameFlags.Ack, 0, question!.Value.Length);
        Assert.Equal(TimeSpan.FromMilliseconds(60), await ping);
        await peer.SendAsync(FrameType.Ping, FrameFlags.Ack, 0, question.Value.Length);
        await peer.ExpectRefusalAsync();
    }

    [Fact]
    public async Task Ping_MoreThanMayBeInFlight_FailsTyped()
    {
        await using RawPeer peer = await RawPeer.CreateAsync(new YamuxOptions { MaxPingsInFlight = 1 });
        Task<TimeSpan> first = peer.Session.PingAsync(Cancellation).AsTask();
        ConnectionException error = await Assert.ThrowsAsync<ConnectionException>(async () => await peer.Session.PingAsync(Cancellation));
        Assert.Equal((ConnectionError.LimitExceeded, Fault.Local), (error.Reason, error.Fault));
        await peer.AnswerPingAsync();
        await first;
    }

    [Fact]
    public async Task KeepAlive_Unanswered_EndsTheSession()
    {
        await using RawPeer peer = await RawPeer.CreateAsync();
        YamuxStream stream = await peer.OpenAsync(1);
        peer.Time.Advance(TimeSpan.FromSeconds(30));
        await peer.AnswerPingAsync();
        await peer.ExpectAliveAsync();
        peer.Time.Advance(TimeSpan.FromSeconds(30));
        Assert.Equal(FrameType.Ping, (await peer.ReadAsync())!.Value.Type);
        peer.Time.Advance(TimeSpan.FromSeconds(9));
        await peer.ExpectAliveAsync();
        // Other bytes show that the peer lives; the ping may be behind them.
        peer.Time.Advance(TimeSpan.FromSeconds(9));
        await peer.ExpectAliveAsync();
        peer.Time.Advance(TimeSpan.FromSeconds(10));
        await peer.ExpectErrorAsync(ConnectionError.KeepAliveTimeout, Fault.Peer);
        await stream.Completion.WaitAsync(Cancellation);
    }

    [Fact]
    public async Task KeepAlive_TricklingPeerThatNeverAnswers_EndsTheSession()
    {
        await using RawPeer peer = RawPeer.CreateUnread();
        Assert.Equal(FrameType.Ping, (await peer.ReadAsync())!.Value.Type);
        for (int i = 0; i < 14; i++)
        {
            await peer.ExpectAliveAsync();
            peer.Time.Advance(TimeSpan.FromSeconds(9));
        }

        await peer.ExpectErrorAsync(ConnectionError.KeepAliveTimeout, Fault.Peer);
    }

    [Fact]
    public async Task Flush_StalledForTooLong_EndsTheSession()
    {
        YamuxOptions options = new() { KeepAliveTimeout = Timeout.InfiniteTimeSpan };
        await using RawPeer peer = RawPeer.CreateUnread(options, capacity: 1);
        MuxedStream stream = await peer.Session.OpenStreamAsync(Cancellation);
        // More than the channel takes and the stream buffers: this write waits for as long as the flush does.
        Task writing = stream.Output.WriteAsync(new byte[1_000_000], Cancellation).AsTask();
        while (!peer.Session.IsFlushWaiting) await Task.Yield();

        peer.Time.Advance(options.WriteStallTimeout);
        await peer.ExpectErrorAsync(ConnectionError.Timeout, Fault.Network);
        await Assert.ThrowsAsync<ConnectionException>(() => writing);
    }

    [Fact]
    public async Task OpenStream_PeerNeverAcks_IsResetAfterTheOpenTimeout()
    {
        await using RawPeer peer = await RawPeer.CreateAsync(new YamuxOptions { StreamOpenTimeout = TimeSpan.FromSeconds(5) }, Direction.Outbound);
        MuxedStream stream = await peer.Session.OpenStreamAsync(Cancellation);
        Task<ReadResult> reading = stream.Input.ReadAsync(Cancellation).AsTask();
        await peer.ExpectAsync(FrameType.WindowUpdate, FrameFlags.Syn, 1, 0);
        peer.Time.Advance(TimeSpan.FromSeconds(5));
        ConnectionException error = await Assert.ThrowsAsync<ConnectionException>(() => reading);
        Assert.Equal((ConnectionError.Timeout, ConnectionStep.OpenStream, Fault.Peer), (error.Reason, error.Step, error.Fault));
        await peer.ExpectAsync(FrameType.WindowUpdate, FrameFlags.Rst, 1, 0);
    }

    [Fact]
    public async Task OpenStream_HeldBytes_TravelWithTheSynAndTheFirstWrite()
    {
        await using RawPeer peer = await RawPeer.CreateAsync(sessionDirection: Direction.Outbound);
        int before = peer.SessionChannel.FlushCount;
        MuxedStream stream = await peer.Session.OpenStreamAsync(Cancellation);
        stream.WriteHeld("proposal"u8);
        await stream.Output.WriteAsync(new byte[100], Cancellation);
        await peer.ExpectAsync(FrameType.WindowUpdate, FrameFlags.Syn, 1, 0);
        await peer.ExpectAsync(FrameType.Data, FrameFlags.None, 1, 108);
        Assert.Equal(before + 1, peer.SessionChannel.FlushCount);
    }

    [Fact]
    public async Task OpenStream_HeldBytes_LeaveWhenAReadHasToWait()
    {
        await using RawPeer peer = await RawPeer.CreateAsync(sessionDirection: Direction.Outbound);
        MuxedStream stream = await peer.Session.OpenStreamAsync(Cancellation);
        stream.WriteHeld("proposal"u8);
        Task<ReadResult> reading = stream.Input.ReadAsync(Cancellation).AsTask();
        await peer.ExpectAsync(FrameType.WindowUpdate, FrameFlags.Syn, 1, 0);
        await peer.ExpectAsync(FrameType.Data, FrameFlags.None, 1, 8);
        await peer.SendDataAsync(1, 1);
        Assert.Equal(1, (await reading).Buffer.Length);
    }

    [Fact]
    public async Task OpenStream_HeldBytes_LeaveAMomentLaterByThemselves()
    {
        await using RawPeer peer = await RawPeer.CreateAsync(sessionDirection: Direction.Outbound);
        MuxedStream stream = await peer.Session.OpenStreamAsync(Cancellation);
        stream.WriteHeld("proposal"u8);
        await peer.ExpectAliveAsync();
        await peer.ExpectAsync(FrameType.WindowUpdate, FrameFlags.Syn, 1, 0);
        Assert.Equal(0, stream.BytesSent);
        peer.Time.Advance(TimeSpan.FromMilliseconds(2));
        await peer.ExpectAsync(FrameType.Data, FrameFlags.None, 1, 8);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task OpenStream_HeldBytes_LeaveWhenTheOutputEnds(bool byDisposal)
    {
        await using RawPeer peer = await RawPeer.CreateAsync(sessionDirection: Direction.Outbound);
        MuxedStream stream = await peer.Session.OpenStreamAsync(Cancellation);
        stream.WriteHeld("proposal"u8);
        if (byDisposal) await stream.DisposeAsync();
        else await stream.Output.CompleteAsync();
        await peer.ExpectAsync(FrameType.WindowUpdate, FrameFlags.Syn, 1, 0);
        await peer.ExpectAsync(FrameType.Data, FrameFlags.None, 1, 8);
        await peer.ExpectAsync(FrameType.WindowUpdate, FrameFlags.Fin, 1, 0);
    }

    [Fact]
    public async Task OpenStream_AckBacklogFull_WaitsForAnAck()
    {
        await using RawPeer peer = await RawPeer.CreateAsync(new YamuxOptions { AckBacklog = 1, MaxWaitingOpens = 1 }, Direction.Outbound);
        (await peer.Session.OpenStreamAsync(Cancellation)).ReleaseHeld();
        await peer.ExpectAsync(FrameType.WindowUpdate, FrameFlags.Syn, 1, 0);
        Task<MuxedStream> second = peer.Session.OpenStreamAsync(Cancellation).AsTask();
        Assert.False(second.IsCompleted);
        ConnectionException error = await Assert.ThrowsAsync<ConnectionException>(async () => await peer.Session.OpenStreamAsync(Cancellation));
        Assert.Equal(ConnectionError.LimitExceeded, error.Reason);
        await peer.SendAsync(FrameType.WindowUpdate, FrameFlags.Ack, 1, 0);
        Assert.Equal(3u, (await second).Id);
    }

    [Fact]
    public async Task OpenStream_BeyondTheLimit_FailsTyped()
    {
        await using RawPeer peer = await RawPeer.CreateAsync(new YamuxOptions { MaxOutboundStreams = 1 });
        await peer.Session.OpenStreamAsync(Cancellation);
        ConnectionException error = await Assert.ThrowsAsync<ConnectionException>(async () => await peer.Session.OpenStreamAsync(Cancellation));
        Assert.Equal((ConnectionError.LimitExceeded, ConnectionStep.OpenStream, Fault.Local), (error.Reason, error.Step, error.Fault));
    }

    [Fact]
    public async Task GoAway_FromThePeer_LetsStreamsEnd_ThenCloses()
    {
        await using RawPeer peer = await RawPeer.CreateAsync();
        YamuxStream stream = await peer.OpenAsync(1);
        await peer.SendAsync(FrameType.GoAway, FrameFlags.None, 0, 0);
        await peer.ExpectAliveAsync();
        ConnectionException error = await Assert.ThrowsAsync<ConnectionException>(async () => await peer.Session.OpenStreamAsync(Cancellation));
        Assert.Equal(ConnectionError.GoAway, error.Reason);

        await peer.SendDataAsync(1, 10, FrameFlags.Fin);
        Assert.Equal(10, (await stream.Input.ReadToEndAsync()).Length);
        Assert.False(peer.Session.Completion.IsCompleted);
        await stream.Output.CompleteAsync();
        await peer.ExpectAsync(FrameType.WindowUpdate, FrameFlags.Fin, 1, 0);
        await peer.ExpectAsync(FrameType.GoAway, FrameFlags.None, 0, 0);
        await peer.EndAsync();
        await peer.Session.Completion.WaitAsync(Cancellation);
        Assert.Null(peer.Session.Error);
        Assert.Null(await peer.Session.AcceptStreamAsync(Cancellation));
    }

    [Fact]
    public async Task Close_BothEndsIdle_EndsBothWithoutError()
    {
        await using YamuxPair pair = YamuxPair.Create();
        await pair.Outbound.CloseAsync(Cancellation);
        await pair.Inbound.Completion.WaitAsync(Cancellation);
        Assert.Null(pair.Outbound.Error);
        Assert.Null(pair.Inbound.Error);
        Assert.Null(await pair.Inbound.AcceptStreamAsync(Cancellation));
    }

    [Fact]
    public async Task Close_StreamsOpen_LetsThemEndFirst()
    {
        await using YamuxPair pair = YamuxPair.Create();
        (YamuxStream opened, YamuxStream accepted) = await pair.OpenAsync();
        Task closing = pair.Outbound.CloseAsync(Cancellation).AsTask();
        await opened.Output.WriteAsync(new byte[10], Cancellation);
        await opened.Output.CompleteAsync();
        Assert.Equal(10, (await accepted.Input.ReadToEndAsync()).Length);
        Assert.False(closing.IsCompleted);
        await accepted.Output.CompleteAsync();
        await closing;
        await pair.Inbound.Completion.WaitAsync(Cancellation);
        Assert.Null(pair.Outbound.Error);
        Assert.Null(pair.Inbound.Error);
    }

    [Fact]
    public async Task Close_Cancelled_EndsTheStreams()
    {
        await using YamuxPair pair = YamuxPair.Create();
        (YamuxStream opened, YamuxStream accepted) = await pair.OpenAsync();
        await pair.Outbound.CloseAsync(new CancellationToken(canceled: true));
        await Task.WhenAll(opened.Completion, accepted.Completion).WaitAsync(Cancellation);
        ConnectionException error = await Assert.ThrowsAsync<ConnectionException>(async () => await opened.Input.ReadAsync(Cancellation));
        Assert.Equal(ConnectionError.Closed, error.Reason);
    }

    [Fact]
    public async Task Close_PeerThatDoesNotEnd_IsCutOffAfterTheCloseTimeout()
    {
        await using RawPeer peer = await RawPeer.CreateAsync();
        Task closing = peer.Session.CloseAsync(Cancellation).AsTask();
        await peer.ExpectAsync(FrameType.GoAway, FrameFlags.None, 0, 0);
        peer.Time.Advance(YamuxOptions.Default.CloseTimeout);
        await closing;
        Assert.Null(peer.Session.Error);
    }

    [Fact]
    public async Task Line_Cut_CompletesEverythingThatWaits()
    {
        await using YamuxPair pair = YamuxPair.Create(new YamuxOptions { AckBacklog = 1 });
        (YamuxStream opened, YamuxStream accepted) = await pair.OpenAsync();
        Task<ReadResult> reading = opened.Input.ReadAsync(Cancellation).AsTask();
        Task<MuxedStream?> accepting = pair.Outbound.AcceptStreamAsync(Cancellation).AsTask();

        pair.Inbound.Abort(YamuxError.Closed(ConnectionStep.Connection));

        await Task.WhenAll(opened.Completion, accepted.Completion, pair.Outbound.Completion, pair.Inbound.Completion).WaitAsync(Cancellation);
        Assert.Equal(ConnectionError.ConnectionLost, (await Assert.ThrowsAsync<ConnectionException>(() => reading)).Reason);
        Assert.Null(await accepting);
        Assert.Equal(ConnectionError.ConnectionLost, pair.Outbound.Error!.Reason);
        Assert.Equal(ConnectionError.Closed, pair.Inbound.Error!.Reason);
        await Assert.ThrowsAsync<ConnectionException>(async () => await pair.Outbound.OpenStreamAsync(Cancellation));
        await Assert.ThrowsAsync<ConnectionException>(async () => await pair.Outbound.PingAsync(Cancellation));
    }

    [Fact]
    public async Task Abort_LoopsEndBeforeTheChannelIsCut_PeerSeesACutAndNoOrderlyEnd()
    {
        (MemorySecureChannel first, MemorySecureChannel second) = MemorySecureChannel.CreatePair();
        using var elsewhere = new ManualResetEventSlim();
        int cuts = 0;
        // Who cuts comes to the channel last: somebody else has cut it by then, or disposed it.
        second.Aborting = () =>
        {
            if (Interlocked.Increment(ref cuts) == 1) elsewhere.Wait(Cancellation);
            else elsewhere.Set();
        };
        second.Disposed = elsewhere.Set;
        await using var outbound = new YamuxSession(first, Direction.Outbound, YamuxOptions.Default, new FakeTimeProvider());
        await using var inbound = new YamuxSession(second, Direction.Inbound, YamuxOptions.Default, new FakeTimeProvider());

        await Task.Run(() => inbound.Abort(YamuxError.Closed(ConnectionStep.Connection)), Cancellation);

        await Task.WhenAll(outbound.Completion, inbound.Completion).WaitAsync(Cancellation);
        Assert.Equal(ConnectionError.ConnectionLost, outbound.Error!.Reason);
    }
}
