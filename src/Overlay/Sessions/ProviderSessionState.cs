using Overlay.Proofs;
using Overlay.Proofs.Ledger;
using Overlay.Proofs.Receipts;
using Overlay.Sessions.Messages;
using Overlay.Sessions.Metering;

namespace Overlay.Sessions;

/// <summary>The provider's side of a session's receipts, without I/O: counts and messages in, steps out.</summary>
/// <remarks>
/// A receipt is honoured when it stands where the chain ends, names this session's keys and price, opens, and states no more than this side has itself
/// sent and received. That check waits for nothing: the transport delivers a receipt behind every byte that the consumer had counted when it signed.
/// Not safe on several threads; the session's loop owns it.
/// </remarks>
internal sealed class ProviderSessionState
{
    // How far the two clocks may be apart, in epochs (hours).
    private const ulong EpochTolerance = 1;

    private readonly ISigner _signer;
    private readonly SessionOptions _options;
    private readonly long _offeredWindow;
    private ReceiptPosition _position;
    private ReceiptEntry? _newest;
    private ByteCount _legStart;
    private DateTimeOffset _lastReceiptAt;
    private DateTimeOffset? _unpaidSince;
    private int _cheapFinals;

    /// <summary>A new session, or one as the ledger remembers it.</summary>
    internal ProviderSessionState(SessionRecord record, ReceiptEntry? newest, ISigner signer, SessionOptions options, long offeredWindow, DateTimeOffset now)
    {
        Record = record;
        _newest = newest;
        _signer = signer;
        _options = options;
        _offeredWindow = offeredWindow;
        _position = ReceiptPosition.After(newest);
        _lastReceiptAt = now;
        Window = (long)record.CreditWindow;
        Paid = new ByteCount((long)_position.Paid.Up, (long)_position.Paid.Down);
    }

    /// <summary>The session as it should be on disk.</summary>
    internal SessionRecord Record { get; private set; }

    /// <summary>What has been paid, over all legs of this run.</summary>
    internal ByteCount Paid { get; private set; }

    /// <summary>Bytes that may be served and unpaid.</summary>
    internal long Window { get; private set; }

    /// <summary>Newest receipt, countersigned.</summary>
    internal ReceiptEntry? Newest => _newest;

    internal ReceiptPosition Position => _position;

    /// <summary>Whether more has arrived unpaid than any honest consumer lets happen.</summary>
    internal bool IsViolated(ByteCount count) => (count - Paid).Total > CreditWindowRule.Violation(Window);

    /// <summary>Whether bytes have been unpaid for longer than any honest consumer leaves them: it pays within its delay, and the answer is quick.</summary>
    /// <remarks>To be asked now and then; it remembers when it first saw an unpaid byte.</remarks>
    internal bool IsOverdue(ByteCount count, DateTimeOffset now)
    {
        if ((count - Paid).Total <= 0) _unpaidSince = null;
        else _unpaidSince ??= now;
        return now - _unpaidSince > _options.ReceiptDelay + _options.AnswerTimeout;
    }

    /// <summary>Takes a receipt of the running session.</summary>
    /// <param name="message">What came.</param>
    /// <param name="count">What this side has counted at this moment.</param>
    /// <param name="now">The time.</param>
    internal SessionStep OnReceipt(SessionMessage.ReceiptMessage message, ByteCount count, DateTimeOffset now) => Take(message, count, tolerance: 0, settling: false, now);

    /// <summary>Takes a receipt for a session that was lost: its counts are those of the record, and what was under way when it broke is tolerated.</summary>
    internal SessionStep OnLateReceipt(SessionMessage.ReceiptMessage message, DateTimeOffset now)
    {
        ByteCount counted = _legStart + new ByteCount((long)Record.Counted.Up, (long)Record.Counted.Down);
        return Take(message, counted, CreditWindowRule.Violation(Window), settling: true, now);
    }

    /// <summary>The question with which a lost session's settlement begins.</summary>
    internal SessionMessage.Settle Settle() =>
        new(Record.SessionId, _position.Leg, Record.Counted, Record.CountedExactly, _newest?.Receipt.Encode() ?? [], _newest?.Opening ?? default);

    /// <summary>The record to keep when the session ends without a word: the leg's counts to the byte.</summary>
    internal SessionRecord Lose(ByteCount final) =>
        Record = Record with { Leg = _position.Leg, Counted = Opening(final - _legStart), CountedExactly = true };

    /// <summary>The record to keep when the consumer says that nothing more will come: closed if all is paid.</summary>
    internal SessionRecord Close(ByteCount final) =>
        Lose(final) with { State = (final - Paid).Total > 0 ? SessionState.Disputed : SessionState.Closed };

    /// <summary>The record to keep after a settlement.</summary>
    internal SessionRecord Conclude(SessionState state) => Record = Record with { State = state };

    private SessionStep Take(SessionMessage.ReceiptMessage message, ByteCount count, long tolerance, bool settling, DateTimeOffset now)
    {
        if (!Receipt.TryDecode(message.Receipt.Span, out Receipt? receipt)) return SessionStep.Fail(SessionError.BadSignature);
        ReceiptBody body = receipt.Body;
        // The very receipt that was countersigned last: its answer was lost. The same answer again, and nothing changes.
        if (_newest is not null && receipt.Hash == _newest.Receipt.Hash) return new SessionStep(null, null, Answer(_newest));

        SessionError error = Check(body, message.Opening, count - _legStart, tolerance);
        if (error == SessionError.None && !settling) error = CheckPace(body, message.Opening, now);
        if (error != SessionError.None) return SessionStep.Fail(error);

        var entry = new ReceiptEntry(receipt.Countersign(_signer), message.Opening, LedgerRole.Provider);
        var stated = new ByteCount((long)entry.Opening.Up, (long)entry.Opening.Down);
        ByteCount paid = _legStart + stated;
        if (!settling) Window = CreditWindowRule.Next(Window, _offeredWindow, (paid - Paid).Total, now - _lastReceiptAt);
        Paid = paid;
        _position = ReceiptPosition.Behind(entry);
        _newest = entry;
        _lastReceiptAt = now;
        _unpaidSince = null;
        if (body.Final) _legStart = paid;
        Record = Record with
        {
            Leg = _position.Leg,
            Counted = Opening(count - _legStart),
            CountedExactly = settling && Record.CountedExactly,
            CreditWindow = (ulong)Window,
            State = settling && body.Final ? SessionState.Settled : Record.State,
        };
        return new SessionStep(entry, Record, Answer(entry));
    }

    private SessionError Check(ReceiptBody body, ReceiptOpening opening, ByteCount counted, long tolerance)
    {
        if (body.SessionId != Record.SessionId) return SessionError.WrongSession;
        if (body.Provider != _signer.PublicKey || body.Consumer != Record.Counterparty) return SessionError.WrongKey;
        if (body.PricePerGiB != Record.PricePerGiB) return SessionError.WrongTerms;
        if (!_position.IsAt(body)) return SessionError.OutOfOrder;
        if (ReceiptCommitment.IsHidden(body.Commitment.Span) != Record.Seed is not null) return SessionError.WrongCommitment;
        if (!ReceiptCommitment.Opens(body, opening, Record.Seed)) return SessionError.WrongAmount;
        if (opening.Up < _position.Paid.Up || opening.Down < _position.Paid.Down) return SessionError.OutOfOrder;
        // Amounts are below 2^62 (SessionMessage), so none of this overflows.
        long over = Math.Max(0, (long)opening.Up - counted.Up) + Math.Max(0, (long)opening.Down - counted.Down);
        if (over > tolerance) return SessionError.WrongAmount;
        ulong openedIn = Record.OpenedAt / 3600;
        return body.Epoch + EpochTolerance < openedIn || body.Epoch > body.IssuedAt / 3600 + EpochTolerance ? SessionError.Clock : SessionError.None;
    }

    // Every receipt costs a durable write: one must be worth it, or be as rare as the delay makes it.
    private SessionError CheckPace(ReceiptBody body, ReceiptOpening opening, DateTimeOffset now)
    {
        ulong issuedNow = (ulong)Math.Max(0, now.ToUnixTimeSeconds()) / 3600;
        if (body.IssuedAt / 3600 > issuedNow + EpochTolerance || body.IssuedAt / 3600 + EpochTolerance < issuedNow) return SessionError.Clock;
        long added = (long)opening.Total - (long)_position.Paid.Total;
        bool cheap = added < CreditWindowRule.LeastWorthwhile(Window) && now - _lastReceiptAt < CreditWindowRule.SmallReceiptSpacing;
        // A final receipt may add nothing, but not be a leg of nothing; and one that comes at once is the session's end, so there is only one such.
        if (body.Final) return opening.Total == 0 || (cheap && _cheapFinals++ != 0) ? SessionError.TooManyReceipts : SessionError.None;
        if (added <= 0 || cheap) return SessionError.TooManyReceipts;
        // A consumer that never ends a leg would let one claim grow without bound.
        return (long)opening.Total > 2 * _options.LegSize + CreditWindowRule.Largest ? SessionError.OutOfOrder : SessionError.None;
    }

    private SessionMessage.Countersigned Answer(ReceiptEntry entry) => new(entry.Receipt.Encode(), Window);

    private static ReceiptOpening Opening(ByteCount count) => new((ulong)Math.Max(0, count.Up), (ulong)Math.Max(0, count.Down));
}
