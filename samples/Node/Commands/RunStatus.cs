using System.Globalization;
using Overlay.Node.Dashboard;
using Overlay.Node.Output;
using Overlay.Proofs.Ledger;
using Overlay.Sharing;

namespace Overlay.Node.Commands;

/// <summary>What a person at the terminal sees of a running node, anew each second. One owner at a time.</summary>
/// <param name="totals">What receipts add up to.</param>
/// <param name="shares">Whether it serves others.</param>
/// <param name="uses">Whether others serve it.</param>
/// <param name="time">Tells the rate.</param>
internal sealed class RunStatus(ReceiptTotals totals, bool shares, bool uses, TimeProvider time)
{
    private static readonly string[] s_shared = ["sessions", "rate", "served", "earned", "unpaid"], s_used = ["used", "spent"];

    private readonly ServiceRate _rate = new();
    private long _last = time.GetTimestamp();

    internal IReadOnlyList<Column> Columns { get; } =
        [.. new[] { "peers" }.Concat(shares ? s_shared : []).Concat(uses ? s_used : []).Select(title => new Column(title, IsNumber: true))];

    /// <param name="peers">Peers with a connection.</param>
    /// <param name="sessions">Whom the node serves; none where it does not share.</param>
    internal IReadOnlyList<string> Look(int peers, IReadOnlyList<ServedSession> sessions)
    {
        (ulong down, ulong up) = _rate.Advance(sessions);
        long now = time.GetTimestamp();
        TimeSpan elapsed = time.GetElapsedTime(_last, now);
        _last = now;
        ulong unpaid = sessions.Aggregate(0UL, (sum, session) => sum + session.Unpaid.Bytes);
        SideTotal sold = totals.Of(LedgerRole.Provider), bought = totals.Of(LedgerRole.Consumer);
        List<string> cells = [peers.ToString(CultureInfo.InvariantCulture)];
        if (shares)
        {
            cells.AddRange(
            [
                sessions.Count.ToString(CultureInfo.InvariantCulture),
                Units.Rate(down + up, elapsed),
                Units.Size(sold.Up + sold.Down + unpaid),
                $"{Units.Credits(sold.Credits)} credits",
                Units.Size(unpaid),
            ]);
        }

        if (uses) cells.AddRange([Units.Size(bought.Up + bought.Down), $"{Units.Credits(bought.Credits)} credits"]);
        return cells;
    }
}
