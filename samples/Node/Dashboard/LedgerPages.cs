using Overlay.Node.Output;
using Overlay.Proofs.Ledger;
using Overlay.Proofs.Receipts;

namespace Overlay.Node.Dashboard;

/// <summary>Rows of the ledger as the page shows them.</summary>
internal static class LedgerPages
{
    internal static LedgerSessionsModel Of(IReadOnlyList<LedgerRow<SessionRecord>> rows) => new([.. rows.Select(row => Model(row.Value))], Before(rows));

    internal static LedgerReceiptsModel Of(IReadOnlyList<LedgerRow<ReceiptEntry>> rows) => new([.. rows.Select(row => Model(row.Value))], Before(rows));

    private static long? Before<T>(IReadOnlyList<LedgerRow<T>> rows) => rows.Count == DashboardOptions.PageSize ? rows[^1].Number : null;

    private static LedgerSessionModel Model(SessionRecord session) => new(
        session.SessionId.ToString(), Names.Of(session.Role), Names.Peer(session.Counterparty), Names.Of(session.State),
        Units.FromMicroCredits(session.PricePerGiB), session.Leg, session.Counted.Up, session.Counted.Down, Milliseconds(session.OpenedAt));

    private static LedgerReceiptModel Model(ReceiptEntry entry)
    {
        ReceiptBody body = entry.Receipt.Body;
        return new LedgerReceiptModel(
            Names.Of(entry.Role), body.Leg, body.Sequence, body.Final, entry.Receipt.IsCountersigned, entry.Opening.Up, entry.Opening.Down,
            Units.Cost(entry.Opening.Total, body.PricePerGiB), Units.FromMicroCredits(body.PricePerGiB), Milliseconds(body.IssuedAt), body.Epoch,
            Names.Peer(body.Provider), Names.Peer(body.Consumer), Convert.ToHexStringLower(body.Commitment.Span), body.PreviousReceiptHash.ToString(),
            entry.Receipt.Hash.ToString());
    }

    // Others say when a receipt was issued: what no calendar holds is its end.
    private static long Milliseconds(ulong seconds) => (long)Math.Min(seconds, (ulong)DateTimeOffset.MaxValue.ToUnixTimeSeconds()) * 1000;
}
