using System.Buffers;
using System.IO.Pipelines;
using System.Net;
using CsCheck;
using Overlay.Proofs;
using Overlay.Proofs.Receipts;
using Overlay.Sessions;
using Overlay.Sessions.Messages;
using Overlay.Transport.Identity;

namespace Overlay.Tests.Sessions;

public class MessageTests
{
    private static readonly IdentitySigner s_signer = new(PeerIdentity.Generate());
    private static readonly byte[] s_handshake = new byte[32];

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    private static Offer NewOffer() => Offer.Create(new ProviderTerms { Region = "DE", PricePerGiB = 12 }, s_signer, DateTimeOffset.UnixEpoch.AddYears(50));

    private static IEnumerable<SessionMessage> All()
    {
        SignedEnvelope envelope = new OpenBody(NewOffer().Envelope, s_signer.PublicKey, new byte[32]).Sign(s_signer, s_handshake);
        yield return new SessionMessage.Open(envelope);
        yield return new SessionMessage.Accept(new AcceptBody(default, new byte[32]).Sign(s_signer, s_handshake));
        yield return new SessionMessage.Refuse(SessionError.Debt, "An earlier session is not settled.");
        yield return new SessionMessage.Settle(default, 3, new ReceiptOpening(1, 1UL << 62), true, new byte[200], new ReceiptOpening(5, 6));
        yield return new SessionMessage.Settled(default, SettleResult.Unknown);
        yield return new SessionMessage.ReceiptMessage(new byte[300], new ReceiptOpening(7, 8));
        yield return new SessionMessage.Countersigned(new byte[300], CreditWindowRule.Largest);
        yield return new SessionMessage.Finish(SessionError.ShuttingDown);
        yield return new SessionMessage.Close(SessionError.None);
    }

    [Fact]
    public void SessionMessage_Decoded_EncodesToTheSameBytes()
    {
        foreach (SessionMessage message in All())
        {
            byte[] encoded = message.Encode();
            SessionMessage? decoded = SessionMessage.Decode(encoded);
            Assert.Equal(message.GetType(), decoded?.GetType());
            Assert.Equal(encoded, decoded!.Encode());
        }
    }

    [Fact]
    public void SessionMessage_TruncatedAnywhereOrContinued_IsNone()
    {
        foreach (byte[] encoded in All().Select(message => message.Encode()))
        {
            for (int size = 0; size < encoded.Length; size++) Assert.Null(SessionMessage.Decode(encoded.AsSpan(0, size)));
            Assert.Null(SessionMessage.Decode([.. encoded, 0]));
        }
    }

    [Fact]
    public void EveryDecoder_AnyBytes_NeverThrows() => Gen.Byte.Array[0, 300].Sample(bytes =>
    {
        SessionMessage.Decode(bytes);
        Ask.Decode(bytes);
        OfferAnswer.Decode(bytes);
        ConnectRequest.TryDecode(bytes, out _);
        ConnectAnswer.Decode(bytes);
        SignedEnvelope.TryDecode(bytes, 512, out _);
    });

    [Fact]
    public void Settle_AmountThatWouldOverflow_IsNone() =>
        Assert.Null(SessionMessage.Decode(new SessionMessage.Settle(default, 0, new ReceiptOpening((1UL << 62) + 1, 0), true, default, default).Encode()));

    [Fact]
    public void Offer_AnyBitFlipped_DoesNotOpen()
    {
        SignedEnvelope envelope = NewOffer().Envelope;
        for (int bit = 0; bit < envelope.Body.Length * 8; bit += 7)
        {
            byte[] body = envelope.Body.ToArray();
            body[bit / 8] ^= (byte)(1 << (bit % 8));
            Assert.False(Offer.TryOpen(envelope with { Body = body }, s_signer.PublicKey, out _));
        }
    }

    [Fact]
    public void Offer_SignedAsSomethingElse_DoesNotOpen()
    {
        SignedEnvelope other = SignedEnvelope.Sign(s_signer, "overlay/open/1\0"u8, [], NewOffer().Envelope.Body.ToArray());
        Assert.False(Offer.TryOpen(other, s_signer.PublicKey, out _));
    }

    [Fact]
    public void Accept_AnotherHandshake_DoesNotOpen()
    {
        SignedEnvelope accept = new AcceptBody(default, new byte[32]).Sign(s_signer, s_handshake);
        Assert.True(AcceptBody.TryOpen(accept, s_signer.PublicKey, s_handshake, out _));
        Assert.False(AcceptBody.TryOpen(accept, s_signer.PublicKey, [.. s_handshake[..31], 1], out _));
    }

    [Fact]
    public void ConnectAnswer_Success_HasExactlyTheSizeThatIsFree()
    {
        foreach (IPEndPoint? bound in new[] { null, new IPEndPoint(IPAddress.Loopback, 65535), new IPEndPoint(IPAddress.IPv6Loopback, 1) })
        {
            byte[] encoded = new ConnectAnswer(ConnectCode.Succeeded, "", bound).Encode();
            Assert.Equal(ConnectAnswer.FreeSize, MessagePipes.Frame(encoded).Length);
            Assert.Equal(bound, ConnectAnswer.Decode(encoded)!.BoundEndPoint);
        }
    }

    [Fact]
    public void ConnectAnswer_RefusalWithoutText_IsNotLargerThanWhatIsFree()
    {
        foreach (ConnectCode code in Enum.GetValues<ConnectCode>())
            if (code != ConnectCode.Succeeded) Assert.True(MessagePipes.Frame(new ConnectAnswer(code, "", null).Encode()).Length <= ConnectAnswer.FreeSize);
    }

    [Fact]
    public void ConnectRequest_LongestHost_FitsTheLimitAndLongerIsRefused()
    {
        byte[] longest = new ConnectRequest(default, new string('a', 255), 65535).Encode();
        Assert.True(longest.Length <= ConnectRequest.MaxSize);
        Assert.Equal(ConnectCode.Succeeded, ConnectRequest.TryDecode(longest, out _));
        Assert.NotEqual(ConnectCode.Succeeded, ConnectRequest.TryDecode(new ConnectRequest(default, new string('a', 256), 1).Encode(), out _));
    }

    [Theory]
    [InlineData(new byte[] { 0x80, 0x00 })]
    [InlineData(new byte[] { 0x80, 0x80, 0x80 })]
    [InlineData(new byte[] { 0x81, 0x80, 0x04 })]
    public async Task ReadMessage_LengthTooLargeOrNotShortest_IsMalformed(byte[] prefix)
    {
        PipeReader input = PipeReader.Create(new ReadOnlySequence<byte>(prefix));
        var error = await Assert.ThrowsAsync<SessionException>(async () => await input.ReadMessageAsync(MessagePipes.MaxSize, Token));
        Assert.Equal(SessionError.Malformed, error.Reason);
    }

    [Fact]
    public async Task ReadMessage_CutAnywhere_IsALostConnectionAndNotAnEnd()
    {
        byte[] framed = MessagePipes.Frame(new byte[300]);
        for (int size = 1; size < framed.Length; size += 13)
        {
            PipeReader input = PipeReader.Create(new ReadOnlySequence<byte>(framed.AsMemory(0, size)));
            var error = await Assert.ThrowsAsync<SessionException>(async () => await input.ReadMessageAsync(MessagePipes.MaxSize, Token));
            Assert.Equal(SessionError.ConnectionLost, error.Reason);
        }

        Assert.Null(await PipeReader.Create(ReadOnlySequence<byte>.Empty).ReadMessageAsync(MessagePipes.MaxSize, Token));
    }
}
