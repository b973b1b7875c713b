using Overlay.Proofs;
using Overlay.Proofs.Ledger;

namespace Overlay.Counterparties;

/// <summary>Finds the newest block of a chain that was sealed before an epoch. Epochs only grow along a chain, so it is searched by halves: at most 63
/// blocks are looked at beside the newest.</summary>
internal static class BlockBefore
{
    /// <summary>The block's hash; zeros where there is none, or where the chain has a gap that hides it.</summary>
    /// <param name="newest">Gives the newest block; null for an empty chain.</param>
    /// <param name="at">Gives the block in a place; null where it is missing.</param>
    /// <param name="epoch">The epoch.</param>
    internal static async ValueTask<Digest> FindAsync(Func<ValueTask<LedgerBlock?>> newest, Func<ulong, ValueTask<LedgerBlock?>> at, ulong epoch)
    {
        if (await newest().ConfigureAwait(false) is not { } last) return default;
        if (last.Body.Epoch < epoch) return last.Hash;
        LedgerBlock? found = null;
        ulong low = 0, high = last.Body.Sequence;
        while (low < high)
        {
            ulong middle = low + (high - low) / 2;
            if (await at(middle).ConfigureAwait(false) is not { } block) return default;
            if (block.Body.Epoch < epoch) (found, low) = (block, middle + 1);
            else high = middle;
        }

        return found?.Hash ?? default;
    }

    /// <summary>The same in a peer's chain, as the peer shows it.</summary>
    internal static ValueTask<Digest> FindAsync(LedgerQuery peer, PublicKey author, ulong epoch, CancellationToken cancellationToken) => FindAsync(
        () => AskAsync(peer, LedgerRequest.Newest(author), cancellationToken), place =>
            AskAsync(peer, new LedgerRequest(author, place, 1), cancellationToken), epoch);

    /// <summary>The same in the own chain.</summary>
    internal static ValueTask<Digest> FindAsync(ILedgerStore own, ulong epoch, CancellationToken cancellationToken) => FindAsync(
        () => own.FindLatestBlockAsync(cancellationToken),
        async place =>
        {
            await foreach (LedgerBlock block in own.ReadBlocksAsync(place, cancellationToken)
                .ConfigureAwait(false)) return block.Body.Sequence == place ? block : null;
            return null;
        },
        epoch);

    private static async ValueTask<LedgerBlock?> AskAsync(LedgerQuery peer, LedgerRequest request, CancellationToken cancellationToken)
    {
        IReadOnlyList<LedgerBlock> blocks = (await peer.AskAsync(request, cancellationToken).ConfigureAwait(false)).Blocks;
        return blocks.Count == 0 ? null : blocks[0];
    }
}
