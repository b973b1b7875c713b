using System.Buffers;
using System.IO.Pipelines;
using System.Net;
using Overlay.Fuzzing.Engine;
using Overlay.Proofs;
using Overlay.Proofs.Encoding;
using Overlay.Proofs.Receipts;
using Overlay.Sessions;
using Overlay.Sessions.Messages;

namespace Overlay.Fuzzing.Targets;

/// <summary>Messages with their lengths before them, as all of this project's protocols send them.</summary>
internal sealed class MessageFramesTarget : FuzzTarget
{
    private const int MaxMessageSize = 1024;

    internal override string Name => "message-frames";

    // An exception, which an asynchronous method throws again.
    internal override int FixedAllocation => 48 * 1024;

    internal override IEnumerable<byte[]> Seeds => [MessagePipes.Frame([]), [.. MessagePipes.Frame([1, 2, 3]), .. MessagePipes.Frame(new byte[300])], [0x80, 0x80, 0x04], [0x80, 0x00]];

    internal override bool Run(ReadOnlySpan<byte> input, AllocationMeter meter)
    {
        byte[] bytes = input.ToArray();
        PipeReader stream = PipeReader.Create(new ReadOnlySequence<byte>(bytes));
        List<byte[]> messages = [];
        try
        {
            meter.Start();
            while (ReadOne(stream) is { } message) messages.Add(message);
        }
        catch (SessionException refused)
        {
            Invariant.Holds(refused.Reason is SessionError.Malformed or SessionError.ConnectionLost, $"What is wrong with a message is known: {refused}");
            return false;
        }
        finally
        {
            meter.Stop();
        }

        Invariant.Same(input, messages.SelectMany(MessagePipes.Frame).ToArray(), "Messages have one encoding");
        Invariant.Holds(messages.All(message => message.Length <= MaxMessageSize), "No message is longer than allowed.");
        return messages.Count > 0;
    }

    private static byte[]? ReadOne(PipeReader stream) =>
        Invariant.Completed(stream.ReadMessageAsync(MaxMessageSize, CancellationToken.None), "A message is read without waiting.");
}

/// <summary>Messages of the session stream.</summary>
internal sealed class SessionMessageTarget : FuzzTarget
{
    internal override string Name => "session-message";

    internal override IEnumerable<byte[]> Seeds => MessageSamples.Session.Select(message => message.Encode());

    internal override bool Run(ReadOnlySpan<byte> input, AllocationMeter meter)
    {
        meter.Start();
        SessionMessage? message = SessionMessage.Decode(input);
        meter.Stop();
        if (message is null) return false;
        Invariant.Same(input, message.Encode(), "A message has one encoding");
        return true;
    }
}

/// <summary>Asking for an offer and the answer to it; offers with any content, signed well.</summary>
/// <remarks>Input: a byte for the kind, then an Ask (0), an answer (1), or the body of an offer to be signed (2).</remarks>
internal sealed class OfferTarget : FuzzTarget
{
    internal override string Name => "offer";

    // A curve's arithmetic.
    internal override int FixedAllocation => 8 * 1024;

    internal override IEnumerable<byte[]> Seeds =>
    [
        [0, .. new Ask("DE").Encode()],
        [1, .. OfferAnswer.Encode(MessageSamples.Offer.Envelope)],
        [1, .. new SessionMessage.Refuse(SessionError.Debt, "no").Encode()],
        [2, .. MessageSamples.Offer.Envelope.Body.Span],
    ];

    internal override bool Run(ReadOnlySpan<byte> input, AllocationMeter meter)
    {
        var parts = new FuzzInput(input);
        switch (parts.TakeByte())
        {
            case 0:
                meter.Start();
                Ask? ask = Ask.Decode(parts.Rest);
                meter.Stop();
                if (ask is not null) Invariant.Same(parts.Rest, ask.Encode(), "An Ask has one encoding");
                return ask is not null;
            case 1:
                meter.Start();
                (SignedEnvelope? envelope, SessionMessage.Refuse? refusal) = OfferAnswer.Decode(parts.Rest);
                meter.Stop();
                Invariant.Holds(envelope is null || refusal is null, "An answer is an offer or a refusal.");
                if (envelope is { } offered) Invariant.Same(parts.Rest, OfferAnswer.Encode(offered), "An answer has one encoding");
                if (refusal is not null) Invariant.Same(parts.Rest, refusal.Encode(), "A refusal has one encoding");
                return envelope is not null || refusal is not null;
            default:
                return RunSigned(parts.Rest, meter);
        }
    }

    private static bool RunSigned(ReadOnlySpan<byte> body, AllocationMeter meter)
    {
        SignedEnvelope envelope = SignedEnvelope.Sign(FuzzKeys.PeerSigner, "overlay/offer/1\0"u8, [], body.ToArray());
        meter.Start();
        bool valid = Offer.TryOpen(envelope, FuzzKeys.PeerSigner.PublicKey, out Offer? offer);
        meter.Stop();
        if (!valid) return false;
        Invariant.Same(FuzzKeys.PeerSigner.PublicKey, offer!.Provider, "An offer is its signer's");
        byte[] again = new CanonicalWriter(10).Write(1).Write(offer.Nonce.Bytes).Write(offer.Provider.Bytes).Write(offer.Region).Write(offer.PricePerGiB).Write(offer.CreditWindow)
            .Write(offer.MaxMbps).Write(offer.ExitPolicy.Bytes).Write(offer.NotAfter).Write(offer.LedgerHead.Bytes).ToArray();
        Invariant.Same(body, again, "An offer has one encoding");
        return true;
    }
}

/// <summary>What both sides sign to open a session, with any content, signed well.</summary>
/// <remarks>Input: a byte for the kind, then the consumer's body (0), the provider's (1), or an envelope (2).</remarks>
internal sealed class OpenTarget : FuzzTarget
{
    private static readonly byte[] s_handshakeHash = FuzzKeys.Seed(8);

    internal override string Name => "open";

    // A curve's arithmetic.
    internal override int FixedAllocation => 8 * 1024;

    internal override IEnumerable<byte[]> Seeds =>
    [
        [0, .. MessageSamples.Open.Sign(FuzzKeys.PeerSigner, s_handshakeHash).Body.Span],
        [1, .. MessageSamples.Accept.Sign(FuzzKeys.PeerSigner, s_handshakeHash).Body.Span],
        [2, .. MessageSamples.Offer.Envelope.Encode()],
    ];

    internal override bool Run(ReadOnlySpan<byte> input, AllocationMeter meter)
    {
        var parts = new FuzzInput(input);
        switch (parts.TakeByte())
        {
            case 0:
                SignedEnvelope open = SignedEnvelope.Sign(FuzzKeys.PeerSigner, "overlay/open/1\0"u8, s_handshakeHash, parts.Rest.ToArray());
                meter.Start();
                SessionError error = OpenBody.TryOpen(open, FuzzKeys.PeerSigner.PublicKey, s_handshakeHash, out OpenBody? opened);
                meter.Stop();
                Invariant.Holds(error is SessionError.None or SessionError.Malformed or SessionError.WrongKey && error == SessionError.None == opened is not null, "A refusal is known.");
                if (opened is not null) Invariant.Same(parts.Rest, opened.Sign(FuzzKeys.PeerSigner, s_handshakeHash).Body.Span, "An opening has one encoding");
                return opened is not null;
            case 1:
                SignedEnvelope accept = SignedEnvelope.Sign(FuzzKeys.PeerSigner, "overlay/accept/1\0"u8, s_handshakeHash, parts.Rest.ToArray());
                meter.Start();
                bool valid = AcceptBody.TryOpen(accept, FuzzKeys.PeerSigner.PublicKey, s_handshakeHash, out AcceptBody? accepted);
                meter.Stop();
                if (valid) Invariant.Same(parts.Rest, accepted!.Sign(FuzzKeys.PeerSigner, s_handshakeHash).Body.Span, "An acceptance has one encoding");
                return valid;
            default:
                meter.Start();
                bool read = SignedEnvelope.TryDecode(parts.Rest, Offer.MaxBodySize, out SignedEnvelope envelope);
                meter.Stop();
                if (read) Invariant.Same(parts.Rest, envelope.Encode(), "An envelope has one encoding");
                return read;
        }
    }
}

/// <summary>Asking for a connection to a target, and the answer.</summary>
/// <remarks>Input: a byte for the kind (even: request), then the message.</remarks>
internal sealed class ConnectTarget : FuzzTarget
{
    internal override string Name => "connect";

    internal override int MaxSize => 1024;

    internal override IEnumerable<byte[]> Seeds =>
    [
        [0, .. new ConnectRequest(new Digest(FuzzKeys.Seed(9)), "example.com", 443).Encode()],
        [1, .. new ConnectAnswer(ConnectCode.Succeeded, "", new IPEndPoint(IPAddress.Loopback, 50000)).Encode()],
        [1, .. new ConnectAnswer(ConnectCode.Succeeded, "", null).Encode()],
        [1, .. new ConnectAnswer(ConnectCode.Policy, "not there", null).Encode()],
        [1, .. new CanonicalWriter(4).Write(1).Write(60000).Write("later").Write([]).ToArray()],
    ];

    internal override bool Run(ReadOnlySpan<byte> input, AllocationMeter meter)
    {
        var parts = new FuzzInput(input);
        if (parts.TakeByte() % 2 == 0)
        {
            meter.Start();
            ConnectCode code = ConnectRequest.TryDecode(parts.Rest, out ConnectRequest? request);
            meter.Stop();
            Invariant.Same(code == ConnectCode.Succeeded, request is not null, "A request is there when it is accepted");
            if (request is not null) Invariant.Same(parts.Rest, request.Encode(), "A request has one encoding");
            return request is not null;
        }

        meter.Start();
        ConnectAnswer? answer = ConnectAnswer.Decode(parts.Rest);
        meter.Stop();
        if (answer is null) return false;
        Invariant.Holds(answer.Code == ConnectCode.Succeeded || answer.BoundEndPoint is null, "A refusal has no end point.");
        // Not always the same bytes: a code of a later version becomes a refusal of this one.
        Invariant.Same(answer, ConnectAnswer.Decode(answer.Encode())!, "An answer says the same when it is told on");
        return true;
    }
}

internal static class MessageSamples
{
    internal static Offer Offer { get; } = MakeOffer();

    internal static OpenBody Open { get; } = new(Offer.Envelope, FuzzKeys.PeerSigner.PublicKey, FuzzKeys.Seed(11));

    internal static AcceptBody Accept { get; } = new(new Digest(FuzzKeys.Seed(12)), FuzzKeys.Seed(13));

    internal static IEnumerable<SessionMessage> Session
    {
        get
        {
            byte[] hash = FuzzKeys.Seed(8);
            byte[] receipt = ReceiptSamples.Countersigned.Encode();
            return
            [
                new SessionMessage.Open(Open.Sign(FuzzKeys.PeerSigner, hash)),
                new SessionMessage.Accept(Accept.Sign(FuzzKeys.PeerSigner, hash)),
                new SessionMessage.Refuse(SessionError.Debt, "An earlier session is not settled."),
                new SessionMessage.Settle(default, 3, new ReceiptOpening(1, 1UL << 62), true, receipt, new ReceiptOpening(5, 6)),
                new SessionMessage.Settled(default, SettleResult.Unknown),
                new SessionMessage.ReceiptMessage(receipt, new ReceiptOpening(7, 8)),
                new SessionMessage.Countersigned(receipt, CreditWindowRule.Largest),
                new SessionMessage.Finish(SessionError.ShuttingDown),
                new SessionMessage.Close(SessionError.None),
            ];
        }
    }

    // As a provider makes one, but with a nonce that is always the same.
    private static Offer MakeOffer()
    {
        byte[] body = new CanonicalWriter(10).Write(1).Write(FuzzKeys.Seed(10)).Write(FuzzKeys.PeerSigner.PublicKey.Bytes).Write("DE").Write(12).Write((ulong)CreditWindowRule.Smallest)
            .Write(100).Write(FuzzKeys.Seed(14)).Write(1_800_000_000).Write(new byte[32]).ToArray();
        SignedEnvelope envelope = SignedEnvelope.Sign(FuzzKeys.PeerSigner, "overlay/offer/1\0"u8, [], body);
        Invariant.Holds(Offer.TryOpen(envelope, FuzzKeys.PeerSigner.PublicKey, out Offer? offer), "The sample is an offer.");
        return offer!;
    }
}
