using System.Net;
using System.Net.Sockets;
using Overlay.Proofs;
using Overlay.Proofs.Crypto;
using Overlay.Proofs.Ledger;
using Overlay.Sessions;
using Overlay.Sessions.Messages;
using Overlay.TestKit.InMemoryPeers;
using Overlay.Transport.Connections;
using Overlay.Transport.Identity;

namespace Overlay.Tests.Sessions;

public class RefusalTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(ConnectCode.Policy)]
    [InlineData(ConnectCode.HostUnreachable)]
    [InlineData(ConnectCode.OwnerBusy)]
    public async Task Connect_ExitRefuses_ReasonArrivesAndTheSessionStillBalances(ConnectCode code)
    {
        await using var pair = new SessionPair(exit: new RefusingExit(code));
        ConsumerSession session = await pair.OpenAsync();

        var refused = await Assert.ThrowsAsync<ConnectRefusedException>(async () => await session.ConnectAsync("example.org", 25, Token));

        Assert.Equal(code, refused.Code);
        Assert.Equal("Port 25 is not open here.", refused.Message);
        await session.CloseAsync(Token);
        await pair.Listener.WhenHandledAsync();
        await SessionTests.AssertStateAsync(pair, session, SessionState.Closed);
    }

    [Fact]
    public async Task Connect_TargetDoesNotListen_IsAGeneralFailure()
    {
        await using var pair = new SessionPair(exit: new BrokenExit());
        ConsumerSession session = await pair.OpenAsync();
        var refused = await Assert.ThrowsAsync<ConnectRefusedException>(async () => await session.ConnectAsync("example.org", 80, Token));
        Assert.Equal(ConnectCode.GeneralFailure, refused.Code);
        await session.CloseAsync(Token);
    }

    [Fact]
    public async Task Connect_SessionOfAnotherConnection_IsNotAllowed()
    {
        await using var pair = new SessionPair();
        ConsumerSession session = await pair.OpenAsync();
        (InMemoryConnection other, _) = pair.Connect(PeerIdentity.Generate());

        PeerStream stream = await other.OpenStreamAsync(SessionProtocols.Connect, Token);
        await stream.Output.WriteMessageAsync(new ConnectRequest(session.Id, "origin", 80).Encode(), Token);
        ConnectAnswer answer = ConnectAnswer.Decode((await stream.Input.ReadMessageAsync(ConnectAnswer.MaxSize, Token))!)!;

        Assert.Equal(ConnectCode.NotAllowed, answer.Code);
        await other.DisposeAsync();
        await session.CloseAsync(Token);
    }

    [Fact]
    public async Task Connect_TooManyAtOnce_IsRefusedForCapacity()
    {
        await using var pair = new SessionPair(new SessionOptions { MaxConnectsPerSession = 1 });
        ConsumerSession session = await pair.OpenAsync();
        await using MeteredStream first = await session.ConnectAsync("origin", 80, Token);
        var refused = await Assert.ThrowsAsync<ConnectRefusedException>(async () => await session.ConnectAsync("origin", 80, Token));
        Assert.Equal(ConnectCode.Capacity, refused.Code);
        await session.CloseAsync(Token);
        await pair.Listener.WhenHandledAsync();
        await SessionTests.AssertStateAsync(pair, session, SessionState.Closed);
    }

    [Fact]
    public async Task Open_TooManySessions_IsRefusedForCapacity()
    {
        await using var pair = new SessionPair(new SessionOptions { MaxSessionsPerPeer = 1 });
        ConsumerSession session = await pair.OpenAsync();
        var error = await Assert.ThrowsAsync<SessionException>(async () => await pair.OpenAsync());
        Assert.Equal(SessionError.Capacity, error.Reason);
        await session.CloseAsync(Token);
    }

    [Fact]
    public async Task Open_PriceAboveTheWish_IsNotOpened()
    {
        await using var pair = new SessionPair();
        var error = await Assert.ThrowsAsync<SessionException>(async () => await pair.Consumer.OpenAsync(pair.Dialer, new SessionWish { MaxPricePerGiB = 49_999 }, Token));
        Assert.Equal(SessionError.WrongTerms, error.Reason);
    }

    [Fact]
    public async Task Ask_AnotherRegion_IsRefused()
    {
        await using var pair = new SessionPair();
        var error = await Assert.ThrowsAsync<SessionException>(async () => await pair.Consumer.AskAsync(pair.Dialer, new SessionWish { Region = "FR" }, Token));
        Assert.Equal(SessionError.WrongTerms, error.Reason);
    }

    [Fact]
    public async Task Open_OfferHasRunOut_IsRefused()
    {
        await using var pair = new SessionPair();
        Offer offer = await pair.Consumer.AskAsync(pair.Dialer, new SessionWish(), Token);
        pair.Time.Advance(TimeSpan.FromMinutes(3));
        Assert.Equal(SessionError.StaleOffer, await OpenRefusedAsync(pair, offer, pair.Dialer.HandshakeHash));
    }

    [Fact]
    public async Task Open_SignedForAnotherConnection_IsRefused()
    {
        await using var pair = new SessionPair();
        Offer offer = await pair.Consumer.AskAsync(pair.Dialer, new SessionWish(), Token);
        Assert.Equal(SessionError.BadSignature, await OpenRefusedAsync(pair, offer, new byte[32]));
    }

    [Fact]
    public async Task Open_OfferOfAnotherProvider_IsRefused()
    {
        await using var pair = new SessionPair();
        Offer offer = Offer.Create(new ProviderTerms(), pair.ConsumerSigner, pair.Time.GetUtcNow());
        Assert.Equal(SessionError.StaleOffer, await OpenRefusedAsync(pair, offer, pair.Dialer.HandshakeHash));
    }

    [Fact]
    public async Task Session_MessageThatHasNoPlace_ClosesWithReasonAndHarmsNothingElse()
    {
        await using var pair = new SessionPair();
        ConsumerSession healthy = await pair.OpenAsync();
        (PeerStream control, Digest id) = await CreditTests.OpenByHandAsync(pair);

        await control.SendAsync(new SessionMessage.Finish(SessionError.None), Token);

        var close = Assert.IsType<SessionMessage.Close>(await control.ReceiveAsync(TimeSpan.FromSeconds(10), pair.Time, Token));
        Assert.Equal(SessionError.Malformed, close.Reason);
        await control.Output.CompleteAsync();
        Assert.Equal([1, 2, 3], await SessionTests.EchoAsync(healthy, [1, 2, 3]));
        await healthy.CloseAsync(Token);
        await pair.Listener.WhenHandledAsync();
        Assert.Equal(SessionState.Closed, (await pair.ProviderStore.FindSessionAsync(id, LedgerRole.Provider, Token))!.State);
    }

    private static async Task<SessionError> OpenRefusedAsync(SessionPair pair, Offer offer, ReadOnlyMemory<byte> handshake)
    {
        byte[] secret = new byte[32], ephemeral = new byte[32];
        X25519.GenerateKeyPair(secret, ephemeral);
        await using PeerStream control = await pair.Dialer.OpenStreamAsync(SessionProtocols.Session, Token);
        await control.SendAsync(new SessionMessage.Open(new OpenBody(offer.Envelope, pair.ConsumerKey, ephemeral).Sign(pair.ConsumerSigner, handshake.Span)), Token);
        return Assert.IsType<SessionMessage.Refuse>(await control.ReceiveAsync(TimeSpan.FromSeconds(10), pair.Time, Token)).Code;
    }

    private sealed class RefusingExit(ConnectCode code) : IExit
    {
        public ValueTask<ExitConnection> ConnectAsync(PublicKey consumer, string host, int port, CancellationToken cancellationToken) =>
            throw new ConnectRefusedException(code, $"Port {port} is not open here.");
    }

    private sealed class BrokenExit : IExit
    {
        public ValueTask<ExitConnection> ConnectAsync(PublicKey consumer, string host, int port, CancellationToken cancellationToken) =>
            throw new SocketException((int)SocketError.ConnectionRefused);
    }
}
