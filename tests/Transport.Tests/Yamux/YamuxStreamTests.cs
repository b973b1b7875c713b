using System.IO.Pipelines;
using Overlay.Transport.Connections;
using Overlay.Transport.Yamux;

namespace Overlay.Transport.Tests.Yamux;

public sealed class YamuxStreamTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Stream_RequestAndReply_ArriveAndBothEndsAgreeOnTheCounts()
    {
        await using YamuxPair pair = YamuxPair.Create();
        (YamuxStream opened, YamuxStream accepted) = await pair.OpenAsync();

        await opened.Output.WriteAsync("hello"u8.ToArray(), Cancellation);
        await opened.Output.CompleteAsync();
        Assert.Equal("hello"u8.ToArray(), await accepted.Input.ReadToEndAsync());
        await accepted.Output.WriteAsync("good bye"u8.ToArray(), Cancellation);
        await accepted.Output.CompleteAsync();
        Assert.Equal("good bye"u8.ToArray(), await opened.Input.ReadToEndAsync());

        await Task.WhenAll(opened.Completion, accepted.Completion).WaitAsync(Cancellation);
        Assert.Equal((5, 8), (opened.BytesSent, opened.BytesReceived));
        Assert.Equal((8, 5), (accepted.BytesSent, accepted.BytesReceived));
        Assert.Equal(0, pair.Outbound.StreamCount + pair.Inbound.StreamCount);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(1000)]
    [InlineData(64 * 1024)]
    [InlineData(3 * 1024 * 1024)]
    public async Task Stream_ManyTimesItsWindow_ArrivesUnchanged(int writeSize)
    {
        await using YamuxPair pair = YamuxPair.Create(capacity: 4);
        (YamuxStream opened, YamuxStream accepted) = await pair.OpenAsync();
        byte[] sent = new byte[Math.Min(writeSize * 2000, 3 * 1024 * 1024)];
        new Random(1).NextBytes(sent);

        Task<byte[]> reading = accepted.Input.ReadToEndAsync();
        for (int offset = 0; offset < sent.Length; offset += writeSize)
            await opened.Output.WriteAsync(sent.AsMemory(offset, Math.Min(writeSize, sent.Length - offset)), Cancellation);
        await opened.Output.CompleteAsync();

        Assert.Equal(sent, await reading);
        await accepted.Output.CompleteAsync();
        await Task.WhenAll(opened.Completion, accepted.Completion).WaitAsync(Cancellation);
        Assert.Equal(sent.Length, opened.BytesSent);
        Assert.Equal(sent.Length, accepted.BytesReceived);
    }

    [Fact]
    public async Task Abort_PeerReading_FailsTheRead_AndCompletesBothEnds()
    {
        await using YamuxPair pair = YamuxPair.Create();
        (YamuxStream opened, YamuxStream accepted) = await pair.OpenAsync();
        Task<ReadResult> reading = accepted.Input.ReadAsync(Cancellation).AsTask();

        opened.Abort(YamuxError.StreamAborted("enough"));

        ConnectionException error = await Assert.ThrowsAsync<ConnectionException>(() => reading);
        Assert.Equal((ConnectionError.StreamReset, Fault.Peer), (error.Reason, error.Fault));
        error = await Assert.ThrowsAsync<ConnectionException>(async () => await accepted.Output.WriteAsync(new byte[1], Cancellation));
        Assert.Equal(ConnectionError.StreamReset, error.Reason);
        error = await Assert.ThrowsAsync<ConnectionException>(async () => await opened.Input.ReadAsync(Cancellation));
        Assert.Equal((ConnectionError.StreamAborted, Fault.Local), (error.Reason, error.Fault));
        await Task.WhenAll(opened.Completion, accepted.Completion).WaitAsync(Cancellation);
        Assert.Null(pair.Outbound.Error);
    }
}
