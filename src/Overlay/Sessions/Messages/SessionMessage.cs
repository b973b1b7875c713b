using Overlay.Proofs;
using Overlay.Proofs.Encoding;
using Overlay.Proofs.Receipts;

namespace Overlay.Sessions.Messages;

/// <summary>A message on the session stream: an array whose first element is the kind. See docs/protocols/session.md.</summary>
/// <remarks>Decoding checks form and bounds only; signatures and what the state allows are checked by who receives it.</remarks>
internal abstract record SessionMessage
{
    internal const int MaxTextSize = 256;

    private enum Kind : ulong
    {
        Open = 1,
        Accept = 2,
        Refuse = 3,
        Settle = 4,
        Settled = 5,
        Receipt = 6,
        Countersigned = 7,
        Finish = 8,
        Close = 9,
    }

    internal abstract byte[] Encode();

    internal static SessionMessage? Decode(ReadOnlySpan<byte> encoded)
    {
        var reader = new CanonicalReader(encoded);
        if (!reader.TryReadArrayHeader(1, 9, out int count) || !reader.TryReadUInt64(byte.MaxValue, out ulong kind)) return null;
        SessionMessage? message = (Kind)kind switch
        {
            Kind.Open when count == 3 && SignedEnvelope.TryRead(ref reader, OpenBody.MaxSize, out SignedEnvelope e) => new Open(e),
            Kind.Accept when count == 3 && SignedEnvelope.TryRead(ref reader, AcceptBody.MaxSize, out SignedEnvelope e) => new Accept(e),
            Kind.Refuse when count == 3 && ReadReason(ref reader, out SessionError code) && reader.TryReadString(MaxTextSize, out string text) => new Refuse(code, text),
            Kind.Settle when count == 9 => Settle.Read(ref reader),
            Kind.Settled when count == 3 && reader.TryReadDigest(out Digest id) && reader.TryReadUInt64((ulong)SettleResult.Refused, out ulong result)
                && Enum.IsDefined((SettleResult)result) => new Settled(id, (SettleResult)result),
            Kind.Receipt when count == 4 && ReadReceipt(ref reader, out ReadOnlyMemory<byte> receipt, out ReceiptOpening opening) => new ReceiptMessage(receipt, opening),
            Kind.Countersigned when count == 3 && reader.TryReadBytes(1, Receipt.MaxSize, out ReadOnlySpan<byte> receipt)
                && reader.TryReadUInt64((ulong)CreditWindowRule.Largest, out ulong window) => new Countersigned(receipt.ToArray(), (long)window),
            Kind.Finish when count == 2 && ReadReason(ref reader, out SessionError reason) => new Finish(reason),
            Kind.Close when count == 2 && ReadReason(ref reader, out SessionError reason) => new Close(reason),
            _ => null,
        };
        return reader.IsComplete ? message : null;
    }

    private static bool ReadReason(ref CanonicalReader reader, out SessionError reason)
    {
        bool read = reader.TryReadUInt64(byte.MaxValue, out ulong value);
        reason = (SessionError)value;
        return read;
    }

    private static bool ReadReceipt(ref CanonicalReader reader, out ReadOnlyMemory<byte> receipt, out ReceiptOpening opening)
    {
        receipt = default;
        opening = default;
        if (!reader.TryReadBytes(1, Receipt.MaxSize, out ReadOnlySpan<byte> bytes) || !ReadOpening(ref reader, out opening)) return false;
        receipt = bytes.ToArray();
        return true;
    }

    // Each amount stays below 2^62, so that no sum of two overflows a signed 64-bit integer.
    private static bool ReadOpening(ref CanonicalReader reader, out ReceiptOpening opening)
    {
        opening = default;
        if (!reader.TryReadUInt64(1UL << 62, out ulong up) || !reader.TryReadUInt64(1UL << 62, out ulong down)) return false;
        opening = new ReceiptOpening(up, down);
        return true;
    }

    /// <summary>Consumer: opens a session. <c>[1, body, signature]</c>.</summary>
    internal sealed record Open(SignedEnvelope Envelope) : SessionMessage
    {
        internal override byte[] Encode() => new CanonicalWriter(3).Write((ulong)Kind.Open).Write(Envelope.Body.Span).Write(Envelope.Signature.Span).ToArray();
    }

    /// <summary>Provider: the session is open. <c>[2, body, signature]</c>.</summary>
    internal sealed record Accept(SignedEnvelope Envelope) : SessionMessage
    {
        internal override byte[] Encode() => new CanonicalWriter(3).Write((ulong)Kind.Accept).Write(Envelope.Body.Span).Write(Envelope.Signature.Span).ToArray();
    }

    /// <summary>Provider: there will be no session. <c>[3, code, text]</c>.</summary>
    internal sealed record Refuse(SessionError Code, string Text) : SessionMessage
    {
        internal override byte[] Encode() => new CanonicalWriter(3).Write((ulong)Kind.Refuse).Write((ulong)Code).Write(Text).ToArray();
    }

    /// <summary>Provider: an earlier session is to be settled first. <c>[4, sessionId, leg, up, down, exact, lastReceipt, lastUp, lastDown]</c>.</summary>
    /// <param name="SessionId">The lost session.</param>
    /// <param name="Leg">The leg in use at the provider.</param>
    /// <param name="Counted">What the provider has counted in that leg.</param>
    /// <param name="Exact">Whether that is all, and not a checkpoint.</param>
    /// <param name="LastReceipt">The newest receipt the provider holds, countersigned; empty when it has none.</param>
    /// <param name="LastOpening">That receipt's amounts.</param>
    internal sealed record Settle(Digest SessionId, uint Leg, ReceiptOpening Counted, bool Exact, ReadOnlyMemory<byte> LastReceipt, ReceiptOpening LastOpening) : SessionMessage
    {
        internal override byte[] Encode() => new CanonicalWriter(9).Write((ulong)Kind.Settle).Write(SessionId.Bytes).Write(Leg)
            .Write(Counted.Up).Write(Counted.Down).Write(Exact).Write(LastReceipt.Span).Write(LastOpening.Up).Write(LastOpening.Down).ToArray();

        internal static Settle? Read(ref CanonicalReader reader)
        {
            if (!reader.TryReadDigest(out Digest id) || !reader.TryReadUInt32(uint.MaxValue, out uint leg) || !ReadOpening(ref reader, out ReceiptOpening counted)
                || !reader.TryReadBoolean(out bool exact) || !reader.TryReadBytes(0, Receipt.MaxSize, out ReadOnlySpan<byte> last)) return null;
            byte[] kept = last.ToArray();
            return ReadOpening(ref reader, out ReceiptOpening lastOpening) ? new Settle(id, leg, counted, exact, kept, lastOpening) : null;
        }
    }

    /// <summary>Consumer: that is all there will be of the earlier session. <c>[5, sessionId, result]</c>.</summary>
    internal sealed record Settled(Digest SessionId, SettleResult Result) : SessionMessage
    {
        internal override byte[] Encode() => new CanonicalWriter(3).Write((ulong)Kind.Settled).Write(SessionId.Bytes).Write((ulong)Result).ToArray();
    }

    /// <summary>Consumer: pays. <c>[6, receipt, up, down]</c>, the amounts being the opening of the receipt's commitment.</summary>
    internal sealed record ReceiptMessage(ReadOnlyMemory<byte> Receipt, ReceiptOpening Opening) : SessionMessage
    {
        internal override byte[] Encode() =>
            new CanonicalWriter(4).Write((ulong)Kind.Receipt).Write(Receipt.Span).Write(Opening.Up).Write(Opening.Down).ToArray();
    }

    /// <summary>Provider: the receipt with both signatures, and the credit window from here on. <c>[7, receipt, creditWindow]</c>.</summary>
    internal sealed record Countersigned(ReadOnlyMemory<byte> Receipt, long CreditWindow) : SessionMessage
    {
        internal override byte[] Encode() => new CanonicalWriter(3).Write((ulong)Kind.Countersigned).Write(Receipt.Span).Write((ulong)CreditWindow).ToArray();
    }

    /// <summary>Provider: asks the consumer to end the session with a last receipt. <c>[8, reason]</c>.</summary>
    internal sealed record Finish(SessionError Reason) : SessionMessage
    {
        internal override byte[] Encode() => new CanonicalWriter(2).Write((ulong)Kind.Finish).Write((ulong)Reason).ToArray();
    }

    /// <summary>Either side: the session is over. <c>[9, reason]</c>.</summary>
    internal sealed record Close(SessionError Reason) : SessionMessage
    {
        internal override byte[] Encode() => new CanonicalWriter(2).Write((ulong)Kind.Close).Write((ulong)Reason).ToArray();
    }
}

/// <summary>What became of an earlier session when the two met again, as the consumer sees it.</summary>
internal enum SettleResult
{
    /// <summary>Both hold the last receipt.</summary>
    Done = 0,

    /// <summary>The consumer has no record of it, as after the loss of its disk.</summary>
    Unknown = 1,

    /// <summary>The consumer does not agree with what the provider shows.</summary>
    Refused = 2,
}
