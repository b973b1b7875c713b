namespace Overlay.Proofs.Ledger;

/// <summary>What may follow what in a chain of blocks, and how two heads of one author stand to each other. Pure functions over blocks whose signatures hold.</summary>
public static class LedgerChain
{
    /// <summary>Whether <paramref name="next"/> may follow <paramref name="previous"/>.</summary>
    /// <returns>Null, or in words what is wrong.</returns>
    public static string? ObjectToSuccessor(LedgerBlock previous, LedgerBlock next)
    {
        ArgumentNullException.ThrowIfNull(previous);
        ArgumentNullException.ThrowIfNull(next);
        if (ObjectToSuccessor(previous.Head, next) is { } objection) return objection;
        if (next.Body.Epoch < previous.Body.Epoch) return $"its epoch is {next.Body.Epoch}, the one before it has {previous.Body.Epoch}";
        return next.Body.Time < previous.Body.Time ? "it is older than the one before it" : null;
    }

    /// <summary>Finds the first thing wrong in a run of blocks.</summary>
    /// <param name="from">The head that the first block has to follow; null when the run may begin anywhere.</param>
    /// <param name="blocks">The blocks in the order of the chain.</param>
    /// <returns>Null, or in words which block is wrong and what is wrong with it.</returns>
    public static string? FindFault(LedgerHead? from, IReadOnlyList<LedgerBlock> blocks)
    {
        ArgumentNullException.ThrowIfNull(blocks);
        for (int i = 0; i < blocks.Count; i++)
        {
            string? objection = i > 0 ? ObjectToSuccessor(blocks[i - 1], blocks[i]) : from is { } head ? ObjectToSuccessor(head, blocks[0]) : null;
            if (objection is not null) return $"block {i} of the run (sequence {blocks[i].Body.Sequence}): {objection}";
        }

        return null;
    }

    /// <summary>How a head that is shown stands to the newest one known of the same author.</summary>
    /// <param name="known">Known before, for example from a block that somebody else signed over it.</param>
    /// <param name="shown">What the author, or somebody else, shows now.</param>
    /// <exception cref="ArgumentException">The heads are of two authors.</exception>
    /// <remarks>
    /// A node that comes back from a restored backup finds itself <see cref="HeadComparison.Behind"/> what a counterparty has signed over: the higher head wins, and the
    /// node must fetch those blocks back before it seals another, or it would fork.
    /// </remarks>
    public static HeadComparison Compare(LedgerHead known, LedgerHead shown)
    {
        if (known.Author != shown.Author) throw new ArgumentException("The heads are of two authors.", nameof(shown));
        if (shown.Sequence > known.Sequence) return HeadComparison.Ahead;
        if (shown.Sequence < known.Sequence) return HeadComparison.Behind;
        return shown.BlockHash == known.BlockHash ? HeadComparison.Equal : HeadComparison.Fork;
    }

    private static string? ObjectToSuccessor(LedgerHead previous, LedgerBlock next)
    {
        if (next.Body.Author != previous.Author) return $"its author is {next.Body.Author}, the chain's is {previous.Author}";
        if (next.Body.Sequence != previous.Sequence + 1) return $"sequence {previous.Sequence + 1} is due";
        return next.Body.PreviousBlockHash == previous.BlockHash ? null : "the hash it names is not that of the block before it";
    }
}
