using System.Globalization;
using Overlay.Node.Dashboard;
using Overlay.Node.Output;
using Overlay.Proofs.Ledger;
using Overlay.Sharing;

namespace Overlay.Node.Commands;

/// <summary>What a person at the terminal sees of a running node, anew each second. One owner at a time.</summary>
internal sealed class RunStatus(ReceiptTotals totals, TimeProvider time)
{
    private readonly ServiceRate _rate = new();
    private long _last = time.GetTimestamp();

    internal static IReadOnlyList<Column> Columns { get; } =
        [new("peers", true), new("sessions", true), new("rate", true), new("served", true), new("earned", true), new("unpaid", true)];

    /// <param name="peers">Peers with a connection.</param>
    /// <param name="sessions">Whom the node serves; none where it does not share.</param>
    internal IReadOnlyList<string> Look(int peers, IReadOnlyList<ServedSession> sessions)
    {
        (ulong down, ulong up) = _rate.Advance(sessions);
        long now = time.GetTimestamp();
        TimeSpan elapsed = time.GetElapsedTime(_last, now);
        _last = now;
        ulong unpaid = sessions.Aggregate(0UL, (sum, session) => sum + session.Unpaid.Bytes);
        SideTotal sold = totals.Of(LedgerRole.Provider);
        return
        [
            peers.ToString(CultureInfo.InvariantCulture),
            sessions.Count.ToString(CultureInfo.InvariantCulture),
            Units.Rate(down + up, elapsed),
            Units.Size(sold.Up + sold.Down + unpaid),
            $"{Units.Credits(sold.Credits)} credits",
            Units.Size(unpaid),
        ];
    }
}
