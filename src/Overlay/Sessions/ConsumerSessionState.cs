using Overlay.Proofs;
using Overlay.Proofs.Ledger;
using Overlay.Proofs.Receipts;
using Overlay.Sessions.Messages;
using Overlay.Sessions.Metering;

namespace Overlay.Sessions;

/// <summary>The consumer's side of a session's receipts, without I/O: counts and messages in, steps out.</summary>
/// <remarks>
/// Why it cannot hang. A receipt is due (<see cref="IsDue"/>) whenever anything can be blocked: the provider stands still only when it has served a
/// whole window unpaid, all of which, once arrived, is unacknowledged here, and half a window is enough; this side's writers stand still only when
/// a quarter of the window is unacknowledged upwards, and an eighth that has left is enough. Whatever is less than that, or comes to a stop, is paid
/// when the delay runs out. The provider answers each receipt at once, without waiting for anything else.
/// One receipt is under way at a time, and it is durable here before it leaves: after a crash the very same one is sent again, so no two bodies ever
/// carry one number. Not safe on several threads; the session's loop owns it.
/// </remarks>
internal sealed class ConsumerSessionState
{
    private readonly ISigner _signer;
    private readonly SessionOptions _options;
    private readonly long _offeredWindow;
    private ReceiptPosition _position;
    private ByteCount _legStart;
    private DateTimeOffset _legStartedAt;
    private DateTimeOffset? _firstUnpaidAt;

    /// <summary>A new session, or one as the ledger remembers it.</summary>
    /// <param name="record">The session; its counts are the leg's.</param>
    /// <param name="newest">Its newest receipt; when only half signed it is what is under way.</param>
    /// <param name="signer">The consumer's key.</param>
    /// <param name="options">Limits.</param>
    /// <param name="offeredWindow">The most that the offer allows the window to grow to.</param>
    /// <param name="now">The time.</param>
    internal ConsumerSessionState(SessionRecord record, ReceiptEntry? newest, ISigner signer, SessionOptions options, long offeredWindow, DateTimeOffset now)
    {
        Record = record;
        _signer = signer;
        _options = options;
        _offeredWindow = offeredWindow;
        _legStartedAt = now;
        Window = (long)record.CreditWindow;
        if (newest is { Receipt.IsCountersigned: false })
        {
            Pending = newest;
            PendingSince = now;
            ReceiptBody body = newest.Receipt.Body;
            _position = new ReceiptPosition(body.Leg, body.Sequence, body.PreviousReceiptHash, default, body.Epoch);
        }
        else
        {
            _position = ReceiptPosition.After(newest);
        }

        Acknowledged = new ByteCount((long)_position.Paid.Up, (long)_position.Paid.Down);
    }

    /// <summary>The session as it should be on disk.</summary>
    internal SessionRecord Record { get; private set; }

    /// <summary>The receipt that is stored here and not yet countersigned.</summary>
    internal ReceiptEntry? Pending { get; private set; }

    /// <summary>When <see cref="Pending"/> was issued.</summary>
    internal DateTimeOffset PendingSince { get; private set; }

    /// <summary>What both sides have signed for, over all legs of this run.</summary>
    internal ByteCount Acknowledged { get; private set; }

    /// <summary>The credit window as the provider stated it, within the offer.</summary>
    internal long Window { get; private set; }

    internal ReceiptPosition Position => _position;

    /// <summary>Counts at which the leg in use began.</summary>
    internal ByteCount LegStart => _legStart;

    /// <summary>The counts of the leg in use.</summary>
    internal ByteCount InLeg(ByteCount count) => count - _legStart;

    /// <summary>Whether a receipt is to be sent now.</summary>
    internal bool IsDue(ByteCount count, DateTimeOffset now)
    {
        ByteCount unpaid = count - Acknowledged;
        if (unpaid.Total <= 0)
        {
            _firstUnpaidAt = null;
            return false;
        }

        _firstUnpaidAt ??= now;
        if (Pending is not null) return false;
        return CreditWindowRule.IsReceiptDue(Window, unpaid.Total, unpaid.Up) || now - _firstUnpaidAt >= _options.ReceiptDelay;
    }

    /// <summary>Whether the leg has been given or has lasted what a leg may: the next receipt that is due is then its last.</summary>
    internal bool IsLegOver(ByteCount count, DateTimeOffset now) => InLeg(count).Total >= _options.LegSize || now - _legStartedAt >= _options.LegDuration;

    /// <summary>Whether ending the session now takes a final receipt: the leg has receipts without end, or counts without receipt.</summary>
    internal bool NeedsFinal(ByteCount count) => _position.Sequence != 0 || InLeg(count).Total > 0;

    /// <summary>Whether more has been counted than the receipt under way, or the newest, states.</summary>
    internal bool OwesMore(ByteCount count) =>
        Pending is null ? count != Acknowledged : InLeg(count) != new ByteCount((long)Pending.Opening.Up, (long)Pending.Opening.Down);

    /// <summary>Signs for what has been counted. The receipt is then under way.</summary>
    internal SessionStep Issue(ByteCount count, bool final, DateTimeOffset now)
    {
        if (Pending is not null) throw new InvalidOperationException("A receipt is under way.");
        ByteCount inLeg = InLeg(count);
        var opening = new ReceiptOpening((ulong)inLeg.Up, (ulong)inLeg.Down);
        ulong unixTime = (ulong)Math.Max(0, now.ToUnixTimeSeconds());
        Receipt receipt = Receipt.Issue(
            new ReceiptBody
            {
                SessionId = Record.SessionId,
                Leg = _position.Leg,
                Provider = Record.Counterparty,
                Consumer = _signer.PublicKey,
                Sequence = _position.Sequence,
                Final = final,
                Commitment = ReceiptCommitment.Create(opening, Record.Seed, Record.SessionId, _position.Leg, _position.Sequence),
                PricePerGiB = Record.PricePerGiB,
                Epoch = _position.Epoch ?? (ulong)Math.Max(0, _legStartedAt.ToUnixTimeSeconds()) / 3600,
                PreviousReceiptHash = _position.Previous,
                IssuedAt = unixTime,
            },
            _signer);
        Pending = new ReceiptEntry(receipt, opening, LedgerRole.Consumer);
        PendingSince = now;
        _firstUnpaidAt = null;
        Record = Record with { Leg = _position.Leg, Counted = opening, CountedExactly = false };
        return new SessionStep(Pending, Record, Resend());
    }

    /// <summary>Signs for all that will ever be owed of a session that was lost.</summary>
    /// <remarks>From here on that is the whole truth: were it a checkpoint still, a provider that breaks off could have its claim accepted again and again.</remarks>
    internal SessionStep IssueLast(ByteCount count, DateTimeOffset now)
    {
        SessionStep step = Issue(count, final: true, now);
        Record = Record with { CountedExactly = true };
        return step with { Record = Record };
    }

    /// <summary>The message that carries the receipt under way.</summary>
    internal SessionMessage.ReceiptMessage? Resend() => Pending is null ? null : new SessionMessage.ReceiptMessage(Pending.Receipt.Encode(), Pending.Opening);

    /// <summary>Takes the provider's signature on the receipt under way.</summary>
    /// <param name="message">What came.</param>
    /// <param name="last">Whether the session is over once this is stored.</param>
    /// <param name="now">The time.</param>
    internal SessionStep OnCountersigned(SessionMessage.Countersigned message, bool last, DateTimeOffset now)
    {
        if (!Receipt.TryDecode(message.Receipt.Span, out Receipt? receipt) || !receipt.IsCountersigned) return SessionStep.Fail(SessionError.BadSignature);
        // The newest one again says nothing new; an older one has no business here.
        if (receipt.Hash == _position.Previous) return default;
        if (Pending is null || receipt.Hash != Pending.Receipt.Hash) return SessionStep.Fail(SessionError.OutOfOrder);

        ReceiptEntry entry = Pending with { Receipt = receipt };
        var stated = new ByteCount((long)entry.Opening.Up, (long)entry.Opening.Down);
        Acknowledged = _legStart + stated;
        _position = ReceiptPosition.Behind(entry);
        Pending = null;
        // The provider may state a larger window than the offer allows; believing it would only delay this side's own receipts.
        Window = Math.Clamp(message.CreditWindow, CreditWindowRule.Smallest, _offeredWindow);
        ReceiptOpening counted = Record.Counted;
        if (receipt.Body.Final)
        {
            _legStart = Acknowledged;
            _legStartedAt = now;
            counted = new ReceiptOpening(Above(counted.Up, entry.Opening.Up), Above(counted.Down, entry.Opening.Down));
        }

        Record = Record with { Leg = _position.Leg, Counted = counted, CreditWindow = (ulong)Window };
        if (last) Close();
        return new SessionStep(entry, Record, null);
    }

    /// <summary>The record to keep when the session ends without a word: the leg's counts to the byte.</summary>
    internal SessionRecord Lose(ByteCount final)
    {
        ByteCount inLeg = InLeg(final);
        return Record = Record with { Leg = _position.Leg, Counted = new ReceiptOpening((ulong)inLeg.Up, (ulong)inLeg.Down), CountedExactly = true };
    }

    /// <summary>The record to keep when there is nothing more to come.</summary>
    internal SessionRecord Close() => Record = Record with { State = SessionState.Closed, CountedExactly = true };

    /// <summary>The record to keep when the provider shows another history.</summary>
    internal SessionRecord Dispute() =>
        Record = Record.State == SessionState.Closed ? Record : Record with { State = SessionState.Disputed };

    private static ulong Above(ulong value, ulong floor) => value > floor ? value - floor : 0;
}
