namespace Overlay.Proofs.Ledger;

/// <summary>Other peers' chains and forks in memory, for <see cref="InMemoryLedgerStore"/>. Not safe on several threads; the store has a lock.</summary>
internal sealed class PeerChains
{
    private readonly OrderedDictionary<PublicKey, SortedList<ulong, LedgerBlock>> _chains = []; // heard of last stands last
    private readonly OrderedDictionary<PublicKey, ForkProof?> _forks = []; // in the order they were found; null where only the name is kept

    internal void Save(LedgerBlock block)
    {
        SortedList<ulong, LedgerBlock> chain = _chains.TryGetValue(block.Body.Author, out SortedList<ulong, LedgerBlock>? known) ? known : [];
        Digest? kept = chain.TryGetValue(block.Body.Sequence, out LedgerBlock? same) ? same.Hash : null;
        if (LedgerRules.ObjectToPeerBlock(kept, block) is { } objection) throw LedgerRules.Contradiction(block, objection);
        chain[block.Body.Sequence] = block;
        if (chain.Count > LedgerRules.MaxPeerBlockCount) chain.RemoveAt(0);
        _chains.Remove(block.Body.Author);
        _chains.Add(block.Body.Author, chain);
        if (_chains.Count > LedgerRules.MaxPeerChainCount) _chains.RemoveAt(0);
    }

    internal IReadOnlyList<LedgerBlock> Find(PublicKey author) => _chains.TryGetValue(author, out SortedList<ulong, LedgerBlock>? chain) ? [.. chain.Values] : [];

    internal IReadOnlyList<LedgerHead> FindHeads(int limit) => [.. _chains.Values.Reverse().Take(limit).Select(chain => chain.Values[^1].Head)];

    internal void Save(ForkProof proof)
    {
        if (!_forks.TryAdd(proof.Author, proof)) return;
        if (_forks.Count > LedgerRules.MaxForkProofCount) _forks.SetAt(_forks.Count - 1 - LedgerRules.MaxForkProofCount, null);
        if (_forks.Count > LedgerRules.MaxForkedCount) _forks.RemoveAt(0);
    }

    internal bool HasForked(PublicKey author) => _forks.ContainsKey(author);

    internal ForkProof? FindForkProof(PublicKey author) => _forks.TryGetValue(author, out ForkProof? proof) ? proof : null;

    internal IReadOnlyList<ForkProof> FindForkProofs() => [.. _forks.Values.OfType<ForkProof>()];
}
