using System.Buffers.Binary;
using Overlay.Proofs;
using Overlay.Proofs.Ledger;
using Overlay.Proofs.Receipts;
using Overlay.Sessions;
using Overlay.Sessions.Messages;
using Overlay.Transport.Connections;

namespace Overlay.Tests.Sessions;

/// <summary>Totals are hidden from everybody but the two, and neither signs for another total than it has counted.</summary>
public class CommitmentTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Session_InGoodOrder_BothDeriveTheSameBlindingsAndNoReceiptShowsItsTotal()
    {
        await using var pair = new SessionPair(new SessionOptions { LegSize = 100_000 }, clock: TimeProvider.System);
        ConsumerSession session = await pair.OpenAsync();
        byte[] sent = SessionTests.RandomBytes(3, 700_000);
        Assert.Equal(sent, await SessionTests.EchoAsync(session, sent));
        await session.CloseAsync(Token);
        await pair.Listener.WhenHandledAsync();

        SessionRecord near = (await pair.ConsumerStore.FindSessionAsync(session.Id, LedgerRole.Consumer, Token))!;
        SessionRecord far = (await pair.ProviderStore.FindSessionAsync(session.Id, LedgerRole.Provider, Token))!;
        Assert.NotNull(near.Seed);
        Assert.Equal(near.Seed, far.Seed);
        List<ReceiptEntry> receipts = await pair.ReceiptsAsync(pair.ProviderStore);
        Assert.True(receipts.Max(entry => entry.Receipt.Body.Leg) >= 1);
        foreach (ReceiptEntry entry in receipts)
        {
            Assert.True(ReceiptCommitment.Opens(entry.Receipt.Body, entry.Opening, near.Seed));
            Assert.True(ReceiptCommitment.IsHidden(entry.Receipt.Body.Commitment.Span));
        }

        // Sequences begin again with each leg; blindings do not.
        Assert.Equal(receipts.Count, receipts.Select(entry => Convert.ToHexString(entry.Receipt.Body.Commitment.Span)).Distinct().Count());
    }

    [Fact]
    public async Task Session_LostAndReopenedFromTheLedgers_IsSettledUnderTheKeptSeed()
    {
        await using var pair = new SessionPair();
        ConsumerSession lost = await pair.OpenAsync();
        Assert.Equal([1, 2, 3], await SessionTests.EchoAsync(lost, [1, 2, 3]));
        await pair.Dialer.DisposeAsync();
        await lost.Completion;
        await pair.Listener.WhenHandledAsync();

        pair.Reconnect();
        ConsumerSession next = await pair.OpenAsync();
        SessionRecord record = (await pair.ProviderStore.FindSessionAsync(lost.Id, LedgerRole.Provider, Token))!;
        Assert.Equal(SessionState.Closed, record.State);
        ReceiptEntry settled = Assert.Single(await pair.ReceiptsAsync(pair.ProviderStore));
        Assert.Equal(new ReceiptOpening(3, 3), settled.Opening);
        Assert.True(ReceiptCommitment.Opens(settled.Receipt.Body, settled.Opening, record.Seed));
        Assert.NotEqual(record.Seed, (await pair.ProviderStore.FindSessionAsync(next.Id, LedgerRole.Provider, Token))!.Seed);
        await next.CloseAsync(Token);
    }

    [Theory]
    [InlineData(Field.PlainTotal, SessionError.WrongCommitment)]
    [InlineData(Field.AnotherTotal, SessionError.WrongAmount)]
    [InlineData(Field.AnotherBlinding, SessionError.WrongAmount)]
    [InlineData(Field.NoBlinding, SessionError.WrongAmount)]
    public async Task Provider_CommitmentThatIsNotTheOpenings_IsNotSigned(Field kind, object reason)
    {
        await using var pair = new SessionPair();
        pair.Origin.Serve = Origin.Send(1000);
        (PeerStream control, Digest id, BlindingSeed seed) = await CreditTests.OpenWithSeedByHandAsync(pair);
        PeerStream connect = await CreditTests.ConnectByHandAsync(pair, id);
        Assert.Equal(1000, (await SessionTests.ReadToEndAsync(connect.Input)).Length);
        var opening = new ReceiptOpening(0, 1000);
        byte[] plain = new byte[ReceiptCommitment.PlainSize];
        BinaryPrimitives.WriteUInt64BigEndian(plain, opening.Total);
        byte[] commitment = kind switch
        {
            Field.PlainTotal => plain,
            Field.AnotherTotal => ReceiptCommitment.Create(new ReceiptOpening(0, 999), seed, id, 0, 0),
            Field.AnotherBlinding => ReceiptCommitment.Create(opening, seed, id, 0, 1),
            // 1000·B: everybody could tell.
            _ => (new Proofs.Group.Scalar(opening.Total) * Proofs.Group.RistrettoPoint.Generator).Compress().Bytes.ToArray(),
        };

        await control.SendAsync(new SessionMessage.ReceiptMessage(Sign(pair, id, commitment).Encode(), opening), Token);

        var close = Assert.IsType<SessionMessage.Close>(await control.ReceiveAsync(TimeSpan.FromSeconds(10), pair.Time, Token));
        Assert.Equal(reason, close.Reason);
        control.Abort("Over.");
        connect.Abort("Over.");
        await pair.Listener.WhenHandledAsync();
        Assert.Empty(await pair.ReceiptsAsync(pair.ProviderStore));
    }

    [Fact]
    public async Task Provider_CommitmentOfTheOpening_IsSigned()
    {
        await using var pair = new SessionPair();
        pair.Origin.Serve = Origin.Send(1000);
        (PeerStream control, Digest id, BlindingSeed seed) = await CreditTests.OpenWithSeedByHandAsync(pair);
        PeerStream connect = await CreditTests.ConnectByHandAsync(pair, id);
        Assert.Equal(1000, (await SessionTests.ReadToEndAsync(connect.Input)).Length);
        var opening = new ReceiptOpening(0, 1000);
        pair.Time.Advance(TimeSpan.FromSeconds(2));
        Receipt receipt = Sign(pair, id, ReceiptCommitment.Create(opening, seed, id, 0, 0));
        await control.SendAsync(new SessionMessage.ReceiptMessage(receipt.Encode(), opening), Token);

        var answer = Assert.IsType<SessionMessage.Countersigned>(await control.ReceiveAsync(TimeSpan.FromSeconds(10), pair.Time, Token));
        Assert.True(Receipt.TryDecode(answer.Receipt.Span, out Receipt? countersigned));
        Assert.Equal(receipt.Hash, countersigned.Hash);
        control.Abort("Over.");
        connect.Abort("Over.");
        await pair.Listener.WhenHandledAsync();
    }

    [Theory]
    [InlineData("0000000000000000000000000000000000000000000000000000000000000000")]
    [InlineData("0100000000000000000000000000000000000000000000000000000000000000")]
    [InlineData("ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f")]
    [InlineData("e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800")]
    public async Task Open_EphemeralKeyOfSmallOrder_IsRefusedByBoth(string key)
    {
        byte[] small = Convert.FromHexString(key);
        await using var pair = new SessionPair();
        Offer offer = await pair.Consumer.AskAsync(pair.Dialer, new SessionWish(), Token);
        PeerStream control = await pair.Dialer.OpenStreamAsync(SessionProtocols.Session, Token);
        await control.SendAsync(new SessionMessage.Open(new OpenBody(offer.Envelope, pair.ConsumerKey, small).Sign(pair.ConsumerSigner, pair.Dialer.HandshakeHash.Span)), Token);
        Assert.Equal(SessionError.WrongKey, Assert.IsType<SessionMessage.Refuse>(await control.ReceiveAsync(TimeSpan.FromSeconds(10), pair.Time, Token)).Code);
        control.Abort("Over.");

        pair.Listener.Handle(SessionProtocols.Session, async (stream, cancellation) =>
        {
            var open = (SessionMessage.Open)await stream.ReceiveAsync(TimeSpan.FromSeconds(10), pair.Time, cancellation);
            ReadOnlyMemory<byte> handshake = stream.Connection.HandshakeHash;
            Assert.Equal(SessionError.None, OpenBody.TryOpen(open.Envelope, pair.ConsumerKey, handshake.Span, out OpenBody? body));
            Assert.True(Offer.TryOpen(body!.Offer, pair.ProviderKey, out Offer? taken));
            Digest id = SessionId.Derive(handshake.Span, taken.Id, body.EphemeralKey.Span, small);
            await stream.SendAsync(new SessionMessage.Accept(new AcceptBody(id, small).Sign(pair.ProviderSigner, handshake.Span)), cancellation);
        });
        var error = await Assert.ThrowsAsync<SessionException>(async () => await pair.OpenAsync());
        Assert.Equal(SessionError.WrongSession, error.Reason);
        Assert.Equal(0, await pair.ConsumerStore.ReadSessionsAsync(Token).CountAsync(Token));
    }

    /// <summary>What stands where the commitment of the opening should.</summary>
    public enum Field
    {
        PlainTotal,
        AnotherTotal,
        AnotherBlinding,
        NoBlinding,
    }

    private static Receipt Sign(SessionPair pair, Digest id, byte[] commitment) => Receipt.Issue(
        new ReceiptBody
        {
            SessionId = id,
            Leg = 0,
            Provider = pair.ProviderKey,
            Consumer = pair.ConsumerKey,
            Sequence = 0,
            Final = false,
            Commitment = commitment,
            PricePerGiB = 50_000,
            Epoch = (ulong)pair.Time.GetUtcNow().ToUnixTimeSeconds() / 3600,
            PreviousReceiptHash = default,
            IssuedAt = (ulong)pair.Time.GetUtcNow().ToUnixTimeSeconds(),
        },
        pair.ConsumerSigner);
}
