namespace Overlay.Proofs.Ledger;

/// <summary>What a ledger keeps of other peers' chains: their newest blocks, and the proofs that some have forked.</summary>
/// <remarks>Part of <see cref="ILedgerStore"/>, under the same promises. Blocks come with signatures that hold (<see cref="LedgerBlock.TryDecode"/>); they are not checked again.</remarks>
public interface IPeerChainStore
{
    /// <summary>Remembers a block of another peer's chain.</summary>
    /// <remarks>
    /// At most 1,024 chains are kept, and the 8 highest blocks of each; the chain not heard of for longest makes room. A block that is kept already,
    /// or that is lower than 8 others, only counts as news of its chain.
    /// </remarks>
    /// <exception cref="LedgerException">The store cannot write, or another block is kept in that very place (<see cref="LedgerError.Contradiction"/>): its author has
    /// forked. Nothing was changed.</exception>
    ValueTask SavePeerBlockAsync(LedgerBlock block, CancellationToken cancellationToken);

    /// <summary>The blocks kept of one chain, lowest first; none for a peer not heard of.</summary>
    ValueTask<IReadOnlyList<LedgerBlock>> FindPeerBlocksAsync(PublicKey author, CancellationToken cancellationToken);

    /// <summary>The highest block of each chain, those heard of last first, at most <paramref name="limit"/>.</summary>
    ValueTask<IReadOnlyList<LedgerHead>> FindHeadsAsync(int limit, CancellationToken cancellationToken);

    /// <summary>Keeps a proof that a peer has forked. The first one kept of an author stays; another says no more.</summary>
    /// <remarks>At most 1,024 are kept, the ones found last; of 65,536 authors it is remembered that they have forked, so that other keys' forks, which cost nothing, wash none clean.</remarks>
    /// <exception cref="LedgerException">The store cannot write.</exception>
    ValueTask SaveForkProofAsync(ForkProof proof, CancellationToken cancellationToken);

    /// <summary>Whether there is, or was, a proof that <paramref name="author"/> has forked.</summary>
    ValueTask<bool> HasForkedAsync(PublicKey author, CancellationToken cancellationToken);

    /// <summary>The proof that <paramref name="author"/> has forked, or null when there is none or it is no longer kept.</summary>
    ValueTask<ForkProof?> FindForkProofAsync(PublicKey author, CancellationToken cancellationToken);

    /// <summary>The proofs of forks that are kept, in the order they were found.</summary>
    ValueTask<IReadOnlyList<ForkProof>> FindForkProofsAsync(CancellationToken cancellationToken);
}
