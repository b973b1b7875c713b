using System.Diagnostics.CodeAnalysis;
using Overlay.Proofs.Encoding;

namespace Overlay.Proofs.Ledger;

/// <summary>Two blocks of one author in one place of its chain: the author has signed two histories, and anybody can check it.</summary>
/// <remarks>
/// Immutable. Wire form: <c>[1, bin block, bin block]</c>, the block with the smaller hash first, so that two finders of one fork send the same bytes.
/// A block whose <see cref="LedgerBlockBody.PreviousBlockHash"/> is not the known block's is no such proof by itself: the author can have made the hash up. It has to be
/// asked for the block that it names; that block and the known one are the proof.
/// </remarks>
public sealed class ForkProof
{
    /// <summary>Largest encoded proof in bytes.</summary>
    public const int MaxSize = 2 * (LedgerBlock.MaxSize + 4) + 8;

    private const ulong Version = 1;

    private ForkProof(LedgerBlock first, LedgerBlock second)
    {
        First = first;
        Second = second;
    }

    /// <summary>The block with the smaller hash.</summary>
    public LedgerBlock First { get; }

    /// <summary>The block with the larger hash.</summary>
    public LedgerBlock Second { get; }

    /// <summary>Who signed both.</summary>
    public PublicKey Author => First.Body.Author;

    /// <summary>The place that both claim.</summary>
    public ulong Sequence => First.Body.Sequence;

    /// <summary>Whether two blocks are of one author, in one place, and different. Their signatures hold, or they would not be here.</summary>
    /// <returns>False when they prove nothing.</returns>
    public static bool TryCreate(LedgerBlock one, LedgerBlock other, [NotNullWhen(true)] out ForkProof? proof)
    {
        ArgumentNullException.ThrowIfNull(one);
        ArgumentNullException.ThrowIfNull(other);
        proof = null;
        if (one.Body.Author != other.Body.Author || one.Body.Sequence != other.Body.Sequence || one.Hash == other.Hash) return false;
        proof = one.Hash < other.Hash ? new ForkProof(one, other) : new ForkProof(other, one);
        return true;
    }

    /// <summary>The proof's wire form.</summary>
    public byte[] Encode() => new CanonicalWriter(3).Write(Version).Write(First.Encode()).Write(Second.Encode()).ToArray();

    /// <summary>Decodes a proof and checks all of it.</summary>
    /// <returns>False for whatever does not hold: malformed bytes, a signature, two blocks that are no fork, or stand in the wrong order. Never throws on what a peer sent.</returns>
    public static bool TryDecode(ReadOnlySpan<byte> encoded, [NotNullWhen(true)] out ForkProof? proof)
    {
        proof = null;
        if (encoded.Length > MaxSize) return false;
        var reader = new CanonicalReader(encoded);
        return reader.TryReadArrayHeader(3) && reader.TryReadUInt64(Version, out ulong version) && version == Version
            && reader.TryReadBytes(1, LedgerBlock.MaxSize, out ReadOnlySpan<byte> first)
            && reader.TryReadBytes(1, LedgerBlock.MaxSize, out ReadOnlySpan<byte> second)
            && reader.IsComplete
            && LedgerBlock.TryDecode(first, out LedgerBlock? one)
            && LedgerBlock.TryDecode(second, out LedgerBlock? other)
            && one.Hash < other.Hash
            && TryCreate(one, other, out proof);
    }
}
