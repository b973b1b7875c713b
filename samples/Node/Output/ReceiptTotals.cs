using Overlay.Proofs;
using Overlay.Proofs.Ledger;

namespace Overlay.Node.Output;

/// <summary>Adds up receipts. A receipt is cumulative within its leg, so each leg counts with its newest. Not safe on several threads at once.</summary>
internal sealed class ReceiptTotals
{
    private readonly Dictionary<(Digest Session, LedgerRole Role, uint Leg), ReceiptEntry> _newest = [];

    /// <summary>How many were added.</summary>
    internal int Receipts { get; private set; }

    internal void Add(ReceiptEntry entry)
    {
        Receipts++;
        _newest[(entry.Receipt.Body.SessionId, entry.Role, entry.Receipt.Body.Leg)] = entry;
    }

    /// <summary>What was served on one side.</summary>
    internal SideTotal Of(LedgerRole role)
    {
        var total = default(SideTotal);
        foreach (ReceiptEntry entry in _newest.Values.Where(entry => entry.Role == role))
        {
            total = new SideTotal(
                total.Up + entry.Opening.Up, total.Down + entry.Opening.Down,
                total.Credits + Units.Cost(entry.Opening.Total, entry.Receipt.Body.PricePerGiB));
        }

        return total;
    }
}

/// <summary>Bytes from consumers to providers, back, and what both cost in credits.</summary>
internal readonly record struct SideTotal(ulong Up, ulong Down, decimal Credits);
