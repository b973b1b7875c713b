using System.Diagnostics.Metrics;
using Overlay.Proofs.Ledger;
using Overlay.Sessions;

namespace Overlay.Diagnostics;

/// <summary>Counts sessions, receipts and what they pay for. No label names a peer.</summary>
internal sealed class SessionsMetrics
{
    /// <summary>The meter's name.</summary>
    public const string MeterName = "Overlay.Sessions";

    private readonly UpDownCounter<long> _live;
    private readonly Counter<long> _ended;
    private readonly Counter<long> _refusals;
    private readonly Counter<long> _receipts;
    private readonly Counter<long> _paid;

    public SessionsMetrics(IMeterFactory factory)
    {
        Meter meter = factory.Create(MeterName);
        _live = meter.CreateUpDownCounter<long>("overlay.sessions.live", "{session}", "Sessions open now.");
        _ended = meter.CreateCounter<long>("overlay.sessions.ended", "{session}", "Sessions that ended, by reason; 0 is good order.");
        _refusals = meter.CreateCounter<long>("overlay.sessions.refusals", "{session}", "Sessions that were refused, by reason.");
        _receipts = meter.CreateCounter<long>("overlay.sessions.receipts", "{receipt}", "Receipts with both signatures.");
        _paid = meter.CreateCounter<long>("overlay.sessions.paid", "By", "Payload bytes that both sides have signed for.");
    }

    public void Opened(LedgerRole role) => _live.Add(1, Role(role));

    public void Ended(LedgerRole role, SessionError reason)
    {
        _live.Add(-1, Role(role));
        _ended.Add(1, Role(role), Reason(reason));
    }

    public void Refused(SessionError reason) => _refusals.Add(1, Reason(reason));

    public void Paid(LedgerRole role, long bytes)
    {
        _receipts.Add(1, Role(role));
        _paid.Add(bytes, Role(role));
    }

    private static KeyValuePair<string, object?> Role(LedgerRole role) => new("role", role == LedgerRole.Provider ? "provider" : "consumer");

    // The number on the wire: it outlives a renamed member.
    private static KeyValuePair<string, object?> Reason(SessionError reason) => new("reason", (int)reason);
}
