using System.IO.Pipelines;
using Overlay.Proofs.Ledger;
using Overlay.Sessions;
using Overlay.Sessions.Messages;
using Overlay.Transport.Connections;

namespace Overlay.Tests.Sessions;

public class SettlementTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Session_ConnectionCutMidDownload_IsSettledAtTheNextOpen()
    {
        await using var pair = new SessionPair();
        pair.Origin.Serve = Origin.Send(64L << 20);
        ConsumerSession lost = await pair.OpenAsync();
        await using MeteredStream stream = await lost.ConnectAsync("origin", 80, Token);
        await ReadAtLeastAsync(stream.Input, 2_000_000);

        await pair.Dialer.DisposeAsync();
        await lost.Completion;
        await pair.Listener.WhenHandledAsync();
        Assert.Equal(SessionError.ConnectionLost, lost.Error!.Reason);
        await SessionTests.AssertStateAsync(pair, lost, SessionState.Open);

        pair.Reconnect();
        ConsumerSession next = await pair.OpenAsync();
        await SessionTests.AssertStateAsync(pair, lost, SessionState.Closed);
        (long up, long down) = await pair.TotalAsync(pair.ProviderStore);
        Assert.Equal((up, down), await pair.TotalAsync(pair.ConsumerStore));
        Assert.InRange(down, 2_000_000, lost.Count().Down);
        await next.CloseAsync(Token);
    }

    [Fact]
    public async Task Session_ConsumerLostItsLedger_OpensAgainAndLeavesTheLastReceipt()
    {
        await using var pair = new SessionPair();
        ConsumerSession lost = await pair.OpenAsync();
        await SessionTests.EchoAsync(lost, SessionTests.RandomBytes(1, 300_000));
        await pair.Dialer.DisposeAsync();
        await lost.Completion;
        await pair.Listener.WhenHandledAsync();

        pair.Reconnect();
        await using var fresh = new InMemoryLedgerStore();
        var consumer = new ConsumerSessions(pair.ConsumerSigner, fresh, pair.Options, pair.Time);
        ConsumerSession next = await consumer.OpenAsync(pair.Dialer, new SessionWish(), Token);
        Assert.NotEmpty(await SessionTests.EchoAsync(next, [1]));
        await next.CloseAsync(Token);
        Assert.Equal(SessionState.Closed, (await pair.ProviderStore.FindSessionAsync(lost.Id, LedgerRole.Provider, Token))!.State);
    }

    [Fact]
    public async Task Session_ProviderLostItsLedger_OpensAgain()
    {
        await using var pair = new SessionPair();
        ConsumerSession lost = await pair.OpenAsync();
        await SessionTests.EchoAsync(lost, SessionTests.RandomBytes(1, 300_000));
        await pair.Dialer.DisposeAsync();
        await lost.Completion;
        await pair.Listener.WhenHandledAsync();

        await using var fresh = new InMemoryLedgerStore();
        var provider = new ProviderSessions(pair.ProviderSigner, fresh, pair.Exit, new ProviderTerms(), pair.Options, pair.Time);
        pair.Reconnect();
        pair.Listener.Handle(SessionProtocols.Offer, provider.HandleOfferAsync);
        pair.Listener.Handle(SessionProtocols.Session, provider.HandleSessionAsync);
        pair.Listener.Handle(SessionProtocols.Connect, provider.HandleConnectAsync);
        ConsumerSession next = await pair.OpenAsync();
        await next.CloseAsync(Token);
        Assert.Equal(SessionState.Open, (await pair.ConsumerStore.FindSessionAsync(lost.Id, LedgerRole.Consumer, Token))!.State);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Open_ConsumerRefusesToSettle_IsRefusedForDebtUnlessForgiven(bool refuses)
    {
        await using var pair = new SessionPair(new SessionOptions { Debt = refuses ? DebtPolicy.Refuse : DebtPolicy.Forgive });
        ConsumerSession lost = await pair.OpenAsync();
        await SessionTests.EchoAsync(lost, SessionTests.RandomBytes(1, 300_000));
        await pair.Dialer.DisposeAsync();
        await lost.Completion;
        await pair.Listener.WhenHandledAsync();
        pair.Reconnect();

        Offer offer = await pair.Consumer.AskAsync(pair.Dialer, new SessionWish(), Token);
        PeerStream control = await pair.Dialer.OpenStreamAsync(SessionProtocols.Session, Token);
        byte[] secret = new byte[32], ephemeral = new byte[32];
        Proofs.Crypto.X25519.GenerateKeyPair(secret, ephemeral);
        SignedEnvelope open = new OpenBody(offer.Envelope, pair.ConsumerKey, ephemeral).Sign(pair.ConsumerSigner, pair.Dialer.HandshakeHash.Span);
        await control.SendAsync(new SessionMessage.Open(open), Token);
        var claim = Assert.IsType<SessionMessage.Settle>(await control.ReceiveAsync(TimeSpan.FromSeconds(10), pair.Time, Token));
        Assert.Equal(lost.Id, claim.SessionId);
        await control.SendAsync(new SessionMessage.Settled(claim.SessionId, SettleResult.Refused), Token);

        SessionMessage answer = await control.ReceiveAsync(TimeSpan.FromSeconds(10), pair.Time, Token);
        if (refuses) Assert.Equal(SessionError.Debt, Assert.IsType<SessionMessage.Refuse>(answer).Code);
        else Assert.IsType<SessionMessage.Accept>(answer);
        Assert.Equal(SessionState.Disputed, (await pair.ProviderStore.FindSessionAsync(lost.Id, LedgerRole.Provider, Token))!.State);
        control.Abort("Over.");
    }

    [Fact]
    public async Task Provider_Stops_ConsumerPaysAndBothClose()
    {
        await using var pair = new SessionPair();
        ConsumerSession session = await pair.OpenAsync();
        await SessionTests.EchoAsync(session, SessionTests.RandomBytes(1, 1_000));

        await pair.Provider.StopAsync(Token);
        await session.Completion;

        Assert.Null(session.Error);
        await pair.Listener.WhenHandledAsync();
        await SessionTests.AssertStateAsync(pair, session, SessionState.Closed);
        Assert.Equal((1_000, 1_000), await pair.TotalAsync(pair.ProviderStore));
        var error = await Assert.ThrowsAsync<SessionException>(async () => await pair.OpenAsync());
        Assert.Equal(SessionError.ShuttingDown, error.Reason);
    }

    private static async Task ReadAtLeastAsync(PipeReader input, long count)
    {
        for (long read = 0; read < count;)
        {
            ReadResult result = await input.ReadAsync(Token);
            read += result.Buffer.Length;
            input.AdvanceTo(result.Buffer.End);
        }
    }
}
