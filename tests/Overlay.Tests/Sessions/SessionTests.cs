using System.Buffers;
using System.IO.Pipelines;
using Microsoft.Extensions.Logging.Abstractions;
using Overlay.Proofs.Ledger;
using Overlay.Sealing;
using Overlay.Sessions;
using Overlay.Sessions.Metering;

namespace Overlay.Tests.Sessions;

public class SessionTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Session_OneEcho_BothLedgersHoldTheBytesSent()
    {
        await using var pair = new SessionPair();
        ConsumerSession session = await pair.OpenAsync();

        byte[] sent = new byte[1_000_000];
        new Random(1).NextBytes(sent);
        byte[] received = await EchoAsync(session, sent);
        Assert.Equal(sent, received);

        await session.CloseAsync(Token);
        await pair.Listener.WhenHandledAsync();
        Assert.Null(session.Error);
        Assert.Equal((1_000_000, 1_000_000), await pair.TotalAsync(pair.ConsumerStore));
        Assert.Equal((1_000_000, 1_000_000), await pair.TotalAsync(pair.ProviderStore));
        await AssertStateAsync(pair, session, SessionState.Closed);
    }

    [Fact]
    public async Task Ask_ProviderThatHasSealed_OfferNamesItsNewestBlock()
    {
        await using var pair = new SessionPair();
        Assert.Equal(default, (await pair.Consumer.AskAsync(pair.Dialer, new SessionWish(), Token)).LedgerHead);
        ConsumerSession session = await pair.OpenAsync();
        await EchoAsync(session, new byte[1000]);
        await session.CloseAsync(Token);
        await pair.Listener.WhenHandledAsync();
        await new LedgerSealer(pair.ProviderStore, pair.ProviderSigner, new SealingOptions(), pair.Time, NullLogger.Instance, isNewKey: true).DisposeAsync();

        LedgerBlock? newest = await pair.ProviderStore.FindLatestBlockAsync(Token);
        Assert.Equal(newest!.Hash, (await pair.Consumer.AskAsync(pair.Dialer, new SessionWish(), Token)).LedgerHead);
    }

    [Fact]
    public async Task Session_WhileItIsPaidFor_EachSidesTransportProtectsTheOther()
    {
        await using var pair = new SessionPair();
        ConsumerSession session = await pair.OpenAsync();
        Assert.True(pair.ConsumerPeers.IsProtected(pair.ProviderIdentity.PeerId));
        // Opening costs nothing, so it earns nothing.
        Assert.False(pair.ProviderPeers.IsProtected(pair.ConsumerIdentity.PeerId));

        await EchoAsync(session, new byte[1_000_000]);
        Assert.True(pair.ProviderPeers.IsProtected(pair.ConsumerIdentity.PeerId));

        await session.CloseAsync(Token);
        await pair.Listener.WhenHandledAsync();
        Assert.False(pair.ConsumerPeers.IsProtected(pair.ProviderIdentity.PeerId));
        Assert.False(pair.ProviderPeers.IsProtected(pair.ConsumerIdentity.PeerId));
    }

    [Fact]
    public async Task Session_HundredConnectsAtOnce_CountsAreEqualToTheByte()
    {
        await using var pair = new SessionPair();
        ConsumerSession session = await pair.OpenAsync();

        byte[][] sent = [.. Enumerable.Range(0, 100).Select(i => RandomBytes(i, 1 + 997 * i))];
        byte[][] received = await Task.WhenAll(sent.Select(bytes => EchoAsync(session, bytes)));
        Assert.Equal(sent, received);

        await session.CloseAsync(Token);
        await pair.Listener.WhenHandledAsync();
        long total = sent.Sum(bytes => (long)bytes.Length);
        Assert.Equal((total, total), await pair.TotalAsync(pair.ConsumerStore));
        Assert.Equal((total, total), await pair.TotalAsync(pair.ProviderStore));
        await AssertStateAsync(pair, session, SessionState.Closed);
    }

    [Fact]
    public async Task Session_ConsumerResetsMidDownload_CountsAreStillEqual()
    {
        await using var pair = new SessionPair();
        pair.Origin.Serve = Origin.Send(64L << 20);
        ConsumerSession session = await pair.OpenAsync();
        ProviderSession provider = Assert.Single(pair.Provider.Live);

        await using MeteredStream stream = await session.ConnectAsync("origin", 80, Token);
        long read = 0;
        while (read < 3_000_000)
        {
            ReadResult result = await stream.Input.ReadAsync(Token);
            read += result.Buffer.Length;
            stream.Input.AdvanceTo(result.Buffer.End);
        }

        stream.Abort("Enough.");
        await session.CloseAsync(Token);
        await pair.Listener.WhenHandledAsync();

        Assert.Null(session.Error);
        Assert.Null(provider.Error);
        Assert.Equal(session.Count(), provider.Count());
        (long up, long down) = await pair.TotalAsync(pair.ProviderStore);
        Assert.Equal(new ByteCount(up, down), session.Count());
        Assert.Equal((up, down), await pair.TotalAsync(pair.ConsumerStore));
        await AssertStateAsync(pair, session, SessionState.Closed);
    }

    internal static byte[] RandomBytes(int seed, int size)
    {
        byte[] bytes = new byte[size];
        new Random(seed).NextBytes(bytes);
        return bytes;
    }

    internal static async Task<byte[]> EchoAsync(ITargetConnector connector, byte[] bytes)
    {
        await using MeteredStream stream = await connector.ConnectAsync("origin", 80, Token);
        Task writing = WriteAsync(stream.Output, bytes);
        byte[] received = await ReadToEndAsync(stream.Input);
        await writing;
        return received;
    }

    internal static async Task<byte[]> ReadToEndAsync(PipeReader input)
    {
        var all = new ArrayBufferWriter<byte>();
        while (true)
        {
            ReadResult result = await input.ReadAsync(Token);
            foreach (ReadOnlyMemory<byte> segment in result.Buffer) all.Write(segment.Span);
            input.AdvanceTo(result.Buffer.End);
            if (result.IsCompleted) return all.WrittenSpan.ToArray();
        }
    }

    internal static async Task AssertStateAsync(SessionPair pair, ConsumerSession session, SessionState state)
    {
        Assert.Equal(state, (await pair.ConsumerStore.FindSessionAsync(session.Id, LedgerRole.Consumer, Token))!.State);
        Assert.Equal(state, (await pair.ProviderStore.FindSessionAsync(session.Id, LedgerRole.Provider, Token))!.State);
    }

    private static async Task WriteAsync(PipeWriter output, byte[] bytes)
    {
        await output.WriteAsync(bytes, Token);
        await output.CompleteAsync();
    }
}
