using Overlay.Proofs.Ledger;
using Overlay.Proofs.Merkle;
using Overlay.Proofs.Receipts;

namespace Overlay.Proofs.Claims;

/// <summary>What a ledger has for a claim of one epoch.</summary>
/// <param name="Blocks">The blocks from the first with such a leg to the last.</param>
/// <param name="Legs">The sealed legs that were served in the epoch.</param>
public sealed record ClaimMaterial(IReadOnlyList<LedgerBlock> Blocks, IReadOnlyList<ClaimLeg> Legs);

/// <summary>Collects from a ledger what a claim is made of: sealed legs in which this node was the provider and whose receipts hide their totals.</summary>
public static class ClaimSource
{
    /// <summary>The epochs for which there is anything to claim, ascending.</summary>
    /// <exception cref="LedgerException">The ledger cannot be read or is damaged.</exception>
    public static async Task<IReadOnlyList<ulong>> FindEpochsAsync(ILedgerStore store, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(store);
        var epochs = new SortedSet<ulong>();
        await foreach (LedgerBlock block in store.ReadBlocksAsync(0, cancellationToken).ConfigureAwait(false))
        {
            foreach (ReceiptEntry entry in await store.FindSealedAsync(block.Body.Sequence, cancellationToken).ConfigureAwait(false))
                if (IsClaimable(entry)) epochs.Add(entry.Receipt.Body.Epoch);
        }

        return [.. epochs];
    }

    /// <summary>Collects what there is for an epoch; the lists are empty when there is nothing.</summary>
    /// <exception cref="LedgerException">The ledger cannot be read or is damaged.</exception>
    public static async Task<ClaimMaterial> CollectAsync(ILedgerStore store, ulong epoch, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(store);
        var blocks = new List<LedgerBlock>();
        var legs = new List<ClaimLeg>();
        int needed = 0;
        var best = new ClaimMaterial([], []);
        await foreach (LedgerBlock block in store.ReadBlocksAsync(0, cancellationToken).ConfigureAwait(false))
        {
            if (blocks.Count != 0 && LedgerChain.ObjectToSuccessor(blocks[^1], block) is not null)
            {
                // Blocks were lost here, and a claim's are a chain: it is made of one side.
                best = Larger(best, new ClaimMaterial(blocks[..needed], legs));
                (blocks, legs, needed) = ([], [], 0);
            }

            IReadOnlyList<ReceiptEntry> entries = await store.FindSealedAsync(block.Body.Sequence, cancellationToken).ConfigureAwait(false);
            int before = legs.Count;
            var tree = new Lazy<MerkleTree>(() => new MerkleTree([.. entries.Select(entry => LedgerBlock.LeafHash(entry.Receipt))]));
            for (int i = 0; i < entries.Count; i++)
            {
                ReceiptBody body = entries[i].Receipt.Body;
                if (!IsClaimable(entries[i]) || body.Epoch != epoch) continue;
                SessionRecord? session = await store.FindSessionAsync(body.SessionId, LedgerRole.Provider, cancellationToken).ConfigureAwait(false);
                if (session?.Seed is not { } seed) continue;
                legs.Add(new ClaimLeg(
                    new ClaimedReceipt(entries[i].Receipt, blocks.Count, (uint)i, tree.Value.ProveInclusion(i)), entries[i].Opening.Total,
                    seed.DeriveBlinding(body.SessionId, body.Leg, body.Sequence)));
            }

            if (blocks.Count == 0 && legs.Count == 0) continue;
            blocks.Add(block);
            if (legs.Count > before) needed = blocks.Count;
        }

        return Larger(best, new ClaimMaterial(blocks[..needed], legs));
    }

    private static ClaimMaterial Larger(ClaimMaterial one, ClaimMaterial other) => one.Legs.Sum(leg => (decimal)leg.Amount) > other.Legs.Sum(leg => (decimal)leg.Amount) ? one : other;

    private static bool IsClaimable(ReceiptEntry entry) => entry.Role == LedgerRole.Provider && ReceiptCommitment.IsHidden(entry.Receipt.Body.Commitment.Span);
}
