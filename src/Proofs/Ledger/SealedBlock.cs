namespace Overlay.Proofs.Ledger;

/// <summary>A block of a ledger's own chain as a store keeps it: its bytes, and what the store itself has to know of them.</summary>
/// <param name="Sequence">From 0, one more with each block. At most 2⁶³ - 1.</param>
/// <param name="Hash">The block's hash.</param>
/// <param name="PreviousHash">The hash of the block before; zero in the first.</param>
/// <param name="Encoded">The signed block, 1 to <see cref="MaxSize"/> bytes.</param>
public sealed record SealedBlock(ulong Sequence, Digest Hash, Digest PreviousHash, ReadOnlyMemory<byte> Encoded)
{
    /// <summary>Largest encoded block in bytes that a store takes: what a message of a stream may hold.</summary>
    public const int MaxSize = 64 * 1024;
}

/// <summary>Where a finished leg stands.</summary>
/// <param name="Sequence">The block's sequence.</param>
/// <param name="Index">The receipt's place among the block's receipts, from 0: the leaf of its tree.</param>
public readonly record struct BlockPlace(ulong Sequence, int Index);

/// <summary>The newest block of another peer's chain that this node has seen.</summary>
/// <param name="Author">Whose chain.</param>
/// <param name="Sequence">The block's sequence, at most 2⁶³ - 1.</param>
/// <param name="Hash">The block's hash.</param>
public sealed record ChainHead(PublicKey Author, ulong Sequence, Digest Hash);
