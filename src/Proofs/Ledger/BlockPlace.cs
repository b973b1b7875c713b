namespace Overlay.Proofs.Ledger;

/// <summary>Where a finished leg stands.</summary>
/// <param name="Sequence">The block's sequence.</param>
/// <param name="Index">The receipt's place among the block's receipts, from 0: the leaf of its tree.</param>
public readonly record struct BlockPlace(ulong Sequence, int Index);
