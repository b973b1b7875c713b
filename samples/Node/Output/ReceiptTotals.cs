using Overlay.Proofs;
using Overlay.Proofs.Ledger;

namespace Overlay.Node.Output;

/// <summary>Adds up receipts. A receipt is cumulative within its leg, so each leg counts with its newest. Safe on several threads.</summary>
internal sealed class ReceiptTotals
{
    private readonly Lock _lock = new(); // guards what follows
    private readonly Dictionary<(Digest Session, LedgerRole Role, uint Leg), SideTotal> _newest = [];
    private readonly Dictionary<LedgerRole, SideTotal> _sums = [];
    private int _receipts;

    /// <summary>How many were added.</summary>
    internal int Receipts
    {
        get
        {
            lock (_lock) return _receipts;
        }
    }

    internal void Add(ReceiptEntry entry)
    {
        var now = new SideTotal(entry.Opening.Up, entry.Opening.Down, Units.Cost(entry.Opening.Total, entry.Receipt.Body.PricePerGiB));
        (Digest, LedgerRole, uint) leg = (entry.Receipt.Body.SessionId, entry.Role, entry.Receipt.Body.Leg);
        lock (_lock)
        {
            _receipts++;
            SideTotal before = _newest.GetValueOrDefault(leg), sum = _sums.GetValueOrDefault(entry.Role);
            _sums[entry.Role] = new SideTotal(sum.Up - before.Up + now.Up, sum.Down - before.Down + now.Down, sum.Credits - before.Credits + now.Credits);
            // Nothing comes behind a leg's last.
            if (entry.Receipt.Body.Final) _newest.Remove(leg);
            else _newest[leg] = now;
        }
    }

    /// <summary>What was served on one side.</summary>
    internal SideTotal Of(LedgerRole role)
    {
        lock (_lock) return _sums.GetValueOrDefault(role);
    }
}

/// <summary>Bytes from consumers to providers, back, and what both cost in credits.</summary>
internal readonly record struct SideTotal(ulong Up, ulong Down, decimal Credits);
