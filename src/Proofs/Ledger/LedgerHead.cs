namespace Overlay.Proofs.Ledger;

/// <summary>The newest block of a peer that somebody knows of.</summary>
/// <param name="Author">Whose chain it is.</param>
/// <param name="Sequence">The block's place in the chain, from 0.</param>
/// <param name="BlockHash">The block's hash.</param>
public readonly record struct LedgerHead(PublicKey Author, ulong Sequence, Digest BlockHash);

/// <summary>How a head that is shown stands to the one that is known.</summary>
public enum HeadComparison
{
    /// <summary>The same block.</summary>
    Equal,

    /// <summary>The chain has grown. Whether it continues the known one, the blocks between tell (<see cref="LedgerChain.FindFault"/>).</summary>
    Ahead,

    /// <summary>The chain is shorter than it was: its author has lost blocks, as after a restored backup, or hides them. The known head counts.</summary>
    Behind,

    /// <summary>Another block in the same place: both blocks together are a <see cref="ForkProof"/>.</summary>
    Fork,
}
