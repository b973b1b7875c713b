using Overlay.Proofs;
using Overlay.Proofs.Ledger;
using Overlay.Proofs.Receipts;
using Overlay.Sessions.Messages;
using Overlay.Sessions.Metering;

namespace Overlay.Sessions;

/// <summary>The consumer's answers to one <c>Settle</c>, without I/O. See docs/protocols/session.md, "A lost session".</summary>
/// <remarks>
/// Billable is what arrived. Where both counts are exact, the smaller of each direction counts: a byte sent and lost with the connection is owed by
/// nobody. A side that crashed knows only a checkpoint; it accepts the other's larger claim up to one credit window above its own.
/// </remarks>
internal sealed class ConsumerSettlement
{
    private readonly SessionMessage.Settle _claim;
    private readonly ConsumerSessionState? _state;
    private readonly ReceiptEntry? _newest;
    private readonly bool _exact;
    private ByteCount _claimed;
    private uint _claimedLeg;
    private bool _finalIssued;

    /// <param name="record">This side's record of the session, or null.</param>
    /// <param name="newest">Its newest receipt, or null.</param>
    /// <param name="claim">What the provider shows.</param>
    /// <param name="provider">The provider's key, as the connection proved it.</param>
    /// <param name="signer">The consumer's key.</param>
    /// <param name="options">Limits.</param>
    /// <param name="now">The time.</param>
    internal ConsumerSettlement(
        SessionRecord? record, ReceiptEntry? newest, SessionMessage.Settle claim, PublicKey provider, ISigner signer, SessionOptions options, DateTimeOffset now)
    {
        _claim = claim;
        _newest = newest;
        _claimed = new ByteCount((long)claim.Counted.Up, (long)claim.Counted.Down);
        _claimedLeg = claim.Leg;
        if (record is null || record.Counterparty != provider) return;
        _exact = record.CountedExactly;
        _state = new ConsumerSessionState(record, newest, signer, options, CreditWindowRule.Largest, now);
    }

    /// <summary>How it ended, once it has.</summary>
    internal SettleResult? Result { get; private set; }

    /// <summary>The first step. A step without a message is followed by <see cref="Continue"/>.</summary>
    internal SessionStep Begin(DateTimeOffset now)
    {
        if (_state is null) return End(SettleResult.Unknown);
        Receipt? shown = null;
        if (!_claim.LastReceipt.IsEmpty)
        {
            // Only a receipt of this session with both signatures says anything: one of the two is this node's own.
            if (!Receipt.TryDecode(_claim.LastReceipt.Span, out shown) || !shown.IsCountersigned || shown.Body.SessionId != _state.Record.SessionId)
                return End(SettleResult.Refused);
            // Signed by this key, but this side no longer has it: its disk is older than the receipt.
            if (_newest is null) return End(SettleResult.Unknown);
        }

        Digest held = shown?.Hash ?? default;
        if (_state.Pending is { } pending)
        {
            // The provider has it and the answer was lost, or it never got there; anything else is another history.
            if (held == pending.Receipt.Hash) return _state.OnCountersigned(new SessionMessage.Countersigned(_claim.LastReceipt, _state.Window), last: false, now);
            if (held != pending.Receipt.Body.PreviousReceiptHash) return End(SettleResult.Refused);
        }
        else if (held != _state.Position.Previous)
        {
            return End(SettleResult.Refused);
        }

        return Continue(now);
    }

    /// <summary>The next step after one that only stored.</summary>
    internal SessionStep Continue(DateTimeOffset now)
    {
        if (_state is null || Result is not null) throw new InvalidOperationException("The settlement is over.");
        if (_state.Pending is not null) return new SessionStep(null, null, _state.Resend());
        // The last word was spoken before; that the provider did not hear this side's Close changes nothing.
        if (_state.Record.State == SessionState.Closed) return End(SettleResult.Done);
        if (_finalIssued || _claimedLeg != _state.Position.Leg) return End(_finalIssued ? SettleResult.Done : SettleResult.Refused);
        ByteCount owed = _state.LegStart + Agree();
        if (!_state.NeedsFinal(owed)) return End(SettleResult.Done);
        _finalIssued = true;
        return _state.IssueLast(owed, now);
    }

    /// <summary>Takes the provider's signature on what was sent.</summary>
    internal SessionStep OnCountersigned(SessionMessage.Countersigned message, DateTimeOffset now)
    {
        if (_state?.Pending is not { } pending) return SessionStep.Fail(SessionError.OutOfOrder);
        SessionStep step = _state.OnCountersigned(message, _finalIssued, now);
        if (step.Error == SessionError.None && pending.Receipt.Body.Final && !_finalIssued)
        {
            // The receipt that was under way ended the leg that the claim speaks of: what is left of the claim is the next leg's.
            _claimed = new ByteCount(Math.Max(0, _claimed.Up - (long)pending.Opening.Up), Math.Max(0, _claimed.Down - (long)pending.Opening.Down));
            _claimedLeg = _state.Position.Leg;
        }

        return step;
    }

    // Both counts are the leg's. What was signed for already stays.
    private ByteCount Agree()
    {
        SessionRecord record = _state!.Record;
        var own = new ByteCount((long)record.Counted.Up, (long)record.Counted.Down);
        ByteCount agreed;
        if (_exact)
        {
            agreed = _claim.Exact ? new ByteCount(Math.Min(own.Up, _claimed.Up), Math.Min(own.Down, _claimed.Down)) : own;
        }
        else
        {
            long credit = (long)record.CreditWindow;
            long down = own.Down + Math.Clamp(_claimed.Down - own.Down, 0, credit);
            agreed = new ByteCount(own.Up + Math.Clamp(_claimed.Up - own.Up, 0, credit - (down - own.Down)), down);
        }

        ReceiptOpening paid = _state.Position.Paid;
        return new ByteCount(Math.Max(agreed.Up, (long)paid.Up), Math.Max(agreed.Down, (long)paid.Down));
    }

    private SessionStep End(SettleResult result)
    {
        Result = result;
        SessionRecord? record = result switch
        {
            SettleResult.Done => _state!.Close(),
            SettleResult.Refused => _state!.Dispute(),
            _ => null,
        };
        return new SessionStep(null, record, new SessionMessage.Settled(_claim.SessionId, result));
    }
}
