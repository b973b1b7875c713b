using System.IO.Pipelines;
using System.Net.Sockets;
using Overlay.Proofs;
using Overlay.Proofs.Crypto;
using Overlay.Proofs.Ledger;
using Overlay.Proofs.Receipts;
using Overlay.Sessions;
using Overlay.Sessions.Messages;
using Overlay.Transport.Connections;

namespace Overlay.Tests.Sessions;

/// <summary>A consumer that speaks the protocol by hand, and does not always pay.</summary>
public class CreditTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Provider_ConsumerNeverPays_StopsWithinOneChunkOfTheWindowAndNeverBeyond()
    {
        await using var pair = new SessionPair();
        var blocked = new TaskCompletionSource();
        pair.Origin.Serve = async socket =>
        {
            byte[] block = new byte[16 * 1024];
            socket.SendBufferSize = 16 * 1024;
            try
            {
                while (true) await socket.SendAsync(block, SocketFlags.None);
            }
            finally
            {
                blocked.TrySetResult();
            }
        };
        (PeerStream control, Digest id) = await OpenByHandAsync(pair);
        ProviderSession session = Assert.Single(pair.Provider.Live);
        PeerStream connect = await ConnectByHandAsync(pair, id);

        // Reads whatever comes; nothing but the window can be what ends it. A chunk is at most an eighth of the window.
        const long Chunk = CreditWindowRule.Smallest / 8;
        long read = 0;
        while (read <= CreditWindowRule.Smallest - Chunk)
        {
            ReadResult result = await connect.Input.ReadAsync(Token);
            read += result.Buffer.Length;
            connect.Input.AdvanceTo(result.Buffer.End);
        }

        Assert.InRange(read, CreditWindowRule.Smallest - Chunk, CreditWindowRule.Smallest);
        Assert.InRange(session.Unpaid, CreditWindowRule.Smallest - Chunk, CreditWindowRule.Smallest);
        Assert.False(blocked.Task.IsCompleted);
        connect.Abort("Enough.");
        control.Abort("Enough.");
        await pair.Listener.WhenHandledAsync();

        SessionRecord record = (await pair.ProviderStore.FindSessionAsync(id, LedgerRole.Provider, Token))!;
        Assert.Equal(SessionState.Open, record.State);
        Assert.True(record.CountedExactly);
        Assert.InRange((long)record.Counted.Total, 1, CreditWindowRule.Smallest);
    }

    [Fact]
    public async Task Provider_ConsumerFloodsUpwards_EndsTheSessionAboveTheTolerance()
    {
        await using var pair = new SessionPair();
        var accepted = new TaskCompletionSource();
        var over = new TaskCompletionSource();
        // A target that never reads: nothing is forwarded for long, everything arrives.
        pair.Origin.Serve = async socket =>
        {
            accepted.TrySetResult();
            await over.Task;
        };
        (PeerStream control, Digest id) = await OpenByHandAsync(pair);
        PeerStream first = await ConnectByHandAsync(pair, id);
        PeerStream second = await ConnectByHandAsync(pair, id);
        await accepted.Task;
        Task flooding = Task.WhenAll(FloodAsync(first), FloodAsync(second));
        ProviderSession session = Assert.Single(pair.Provider.Live);
        while (session.Count().Total <= CreditWindowRule.Violation(CreditWindowRule.Smallest)) await Task.Yield();

        Task<SessionMessage> closing = control.ReceiveAsync(TimeSpan.FromDays(1), pair.Time, Token).AsTask();

        // A tick that comes while the loop is busy with another message is none to it: the clock goes on until the verdict.
        while (pair.Provider.Live is [{ Error: null }])
        {
            pair.Time.Advance(TimeSpan.FromSeconds(1));
            await Task.Yield();
        }

        Assert.Equal(SessionError.CreditExceeded, Assert.IsType<SessionMessage.Close>(await closing).Reason);
        await control.Output.CompleteAsync();
        await flooding;
        first.Abort("Over.");
        second.Abort("Over.");
        over.SetResult();
        await pair.Listener.WhenHandledAsync();
    }

    [Fact]
    public async Task Provider_FewBytesUnpaidForTooLong_EndsTheSession()
    {
        await using var pair = new SessionPair();
        pair.Origin.Serve = Origin.Send(10);
        (PeerStream control, Digest id) = await OpenByHandAsync(pair);
        PeerStream connect = await ConnectByHandAsync(pair, id);
        Assert.Equal(10, (await SessionTests.ReadToEndAsync(connect.Input)).Length);
        Task<SessionMessage> closing = control.ReceiveAsync(TimeSpan.FromDays(1), pair.Time, Token).AsTask();

        // However late the loop sees the first tick: from there on the time is the same. The clock stops with the verdict, or it would overtake the telling of it.
        while (pair.Provider.Live is [{ Error: null }])
        {
            pair.Time.Advance(TimeSpan.FromSeconds(1));
            await Task.Yield();
        }

        Assert.Equal(SessionError.Unpaid, Assert.IsType<SessionMessage.Close>(await closing).Reason);
        control.Abort("Over.");
        await pair.Dialer.DisposeAsync();
        await pair.Listener.WhenHandledAsync();
        Assert.Equal(10UL, (await pair.ProviderStore.FindSessionAsync(id, LedgerRole.Provider, Token))!.Counted.Down);
    }

    [Fact]
    public async Task Consumer_UploadsFarMoreThanTheWindow_IsNeverStuck()
    {
        await using var pair = new SessionPair(clock: TimeProvider.System);
        ConsumerSession session = await pair.OpenAsync();
        byte[] sent = SessionTests.RandomBytes(7, 5_000_000);

        Assert.Equal(sent, await SessionTests.EchoAsync(session, sent));

        await session.CloseAsync(Token);
        await pair.Listener.WhenHandledAsync();
        await SessionTests.AssertStateAsync(pair, session, SessionState.Closed);
    }

    [Fact]
    public async Task Consumer_FewBytes_PaysWhenTheDelayRunsOut()
    {
        await using var pair = new SessionPair(new SessionOptions { ReceiptDelay = TimeSpan.FromSeconds(1) }, clock: TimeProvider.System);
        ConsumerSession session = await pair.OpenAsync();
        await SessionTests.EchoAsync(session, [1, 2, 3]);
        Assert.Empty(await pair.ReceiptsAsync(pair.ProviderStore));

        while ((await pair.ReceiptsAsync(pair.ProviderStore)).Count == 0) await Task.Yield();

        ReceiptEntry entry = Assert.Single(await pair.ReceiptsAsync(pair.ProviderStore));
        Assert.Equal(6UL, entry.Opening.Total);
        Assert.False(entry.Receipt.Body.Final);
        await session.CloseAsync(Token);
    }

    [Fact]
    public async Task Session_MoreThanALeg_EndsLegsWhileBytesFlow()
    {
        await using var pair = new SessionPair(new SessionOptions { LegSize = 1_000_000 }, clock: TimeProvider.System);
        ConsumerSession session = await pair.OpenAsync();
        byte[] sent = SessionTests.RandomBytes(8, 3_000_000);
        Assert.Equal(sent, await SessionTests.EchoAsync(session, sent));
        await session.CloseAsync(Token);
        await pair.Listener.WhenHandledAsync();

        List<ReceiptEntry> receipts = await pair.ReceiptsAsync(pair.ProviderStore);
        Assert.True(receipts.Max(entry => entry.Receipt.Body.Leg) >= 2);
        Assert.Equal((3_000_000, 3_000_000), await pair.TotalAsync(pair.ProviderStore));
        Assert.Equal((3_000_000, 3_000_000), await pair.TotalAsync(pair.ConsumerStore));
    }

    internal static async Task<(PeerStream Control, Digest SessionId)> OpenByHandAsync(SessionPair pair)
    {
        (PeerStream control, Digest id, _) = await OpenWithSeedByHandAsync(pair);
        return (control, id);
    }

    internal static async Task<(PeerStream Control, Digest SessionId, BlindingSeed Seed)> OpenWithSeedByHandAsync(SessionPair pair)
    {
        Offer offer = await pair.Consumer.AskAsync(pair.Dialer, new SessionWish(), Token);
        PeerStream control = await pair.Dialer.OpenStreamAsync(SessionProtocols.Session, Token);
        byte[] secret = new byte[32], ephemeral = new byte[32], shared = new byte[32];
        X25519.GenerateKeyPair(secret, ephemeral);
        SignedEnvelope open = new OpenBody(offer.Envelope, pair.ConsumerKey, ephemeral).Sign(pair.ConsumerSigner, pair.Dialer.HandshakeHash.Span);
        await control.SendAsync(new SessionMessage.Open(open), Token);
        var accept = Assert.IsType<SessionMessage.Accept>(await control.ReceiveAsync(TimeSpan.FromSeconds(10), pair.Time, Token));
        Assert.True(AcceptBody.TryOpen(accept.Envelope, pair.ProviderKey, pair.Dialer.HandshakeHash.Span, out AcceptBody? body));
        Assert.True(X25519.TryAgree(secret, body.EphemeralKey.Span, shared));
        return (control, body.SessionId, BlindingSeed.Derive(shared, body.SessionId));
    }

    internal static async Task<PeerStream> ConnectByHandAsync(SessionPair pair, Digest id)
    {
        PeerStream stream = await pair.Dialer.OpenStreamAsync(SessionProtocols.Connect, Token);
        await stream.Output.WriteMessageAsync(new ConnectRequest(id, "origin", 80).Encode(), Token);
        ConnectAnswer answer = ConnectAnswer.Decode((await stream.Input.ReadMessageAsync(ConnectAnswer.MaxSize, Token))!)!;
        Assert.Equal(ConnectCode.Succeeded, answer.Code);
        return stream;
    }

    private static async Task FloodAsync(PeerStream stream)
    {
        try
        {
            byte[] block = new byte[16 * 1024];
            while (!(await stream.Output.WriteAsync(block, Token)).IsCompleted) continue;
        }
        catch (IOException)
        {
            // The provider has had enough.
        }
    }
}
