using Overlay.Proofs.Ledger;
using Overlay.Proofs.Receipts;

namespace Overlay;

/// <summary>A node's receipts.</summary>
public sealed class OverlayLedger
{
    internal OverlayLedger(ILedgerStore store) => Store = store;

    /// <summary>Where they are kept.</summary>
    public ILedgerStore Store { get; }

    /// <summary>Receipts as they become durable with both signatures, from now on, until cancelled.</summary>
    public IAsyncEnumerable<Receipt> WatchAsync(CancellationToken cancellationToken = default) => Store.WatchAsync(cancellationToken);
}
