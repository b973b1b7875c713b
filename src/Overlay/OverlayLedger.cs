using System.Runtime.CompilerServices;
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
    public async IAsyncEnumerable<Receipt> WatchAsync([EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        await foreach (ReceiptEntry entry in Store.WatchAsync(cancellationToken).ConfigureAwait(false)) yield return entry.Receipt;
    }
}
