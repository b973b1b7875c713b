using System.Diagnostics.CodeAnalysis;
using Overlay.Proofs.Encoding;

namespace Overlay.Proofs.Ledger;

/// <summary>What the author of a block signs. See docs/protocols/ledger.md.</summary>
public sealed record LedgerBlockBody
{
    /// <summary>The version that this code writes and reads.</summary>
    public const ulong Version = 1;

    /// <summary>Largest encoded body in bytes; a decoder refuses more.</summary>
    public const int MaxSize = 8 * 1024;

    /// <summary>Most receipts that a block can cover.</summary>
    public const uint MaxReceiptCount = 1 << 20;

    /// <summary>Most heads of others that a block can name.</summary>
    public const int MaxHeadCount = 64;

    /// <summary>Whose chain the block belongs to.</summary>
    public required PublicKey Author { get; init; }

    /// <summary>The block's place in the chain, from 0.</summary>
    public required ulong Sequence { get; init; }

    /// <summary>Hash of the block before this one; zero for the first.</summary>
    public required Digest PreviousBlockHash { get; init; }

    /// <summary>Number of the epoch (hours since the Unix epoch) in which the block was sealed.</summary>
    public required ulong Epoch { get; init; }

    /// <summary>Root of the <see cref="Merkle.MerkleTree"/> over the receipts finished since the block before; a leaf is a receipt's 32-byte hash.</summary>
    public required Digest ReceiptsRoot { get; init; }

    /// <summary>How many receipts that tree has, at most <see cref="MaxReceiptCount"/>.</summary>
    public required uint ReceiptCount { get; init; }

    /// <summary>The newest heads that the author knows of its counterparties: ascending by key, no key twice and not the author's, at most <see cref="MaxHeadCount"/>.</summary>
    public required IReadOnlyList<LedgerHead> Heads { get; init; }

    /// <summary>When the block was sealed, in seconds since the Unix epoch, by the author's clock.</summary>
    public required ulong Time { get; init; }

    /// <summary>Whether two bodies say the same, and so have the same encoding.</summary>
    public bool Equals(LedgerBlockBody? other) => other is not null && Encode().AsSpan().SequenceEqual(other.Encode());

    /// <inheritdoc/>
    public override int GetHashCode() => HashCode.Combine(Author, Sequence, PreviousBlockHash);

    /// <summary>The body's one encoding.</summary>
    /// <remarks>Does not judge the fields; <see cref="LedgerBlock.Seal"/> refuses to sign one that no decoder would take.</remarks>
    public byte[] Encode() => new CanonicalWriter(9)
        .Write(Version).Write(Author.Bytes).Write(Sequence).Write(PreviousBlockHash.Bytes).Write(Epoch).Write(ReceiptsRoot.Bytes).Write(ReceiptCount)
        .WriteArray(Heads.Count, heads =>
        {
            foreach (LedgerHead head in Heads)
                heads.WriteArray(3, item => item.Write(head.Author.Bytes).Write(head.Sequence).Write(head.BlockHash.Bytes));
        })
        .Write(Time).ToArray();

    /// <summary>Decodes a body; false for any bytes that <see cref="Encode"/> would not have written, or fields out of their ranges.</summary>
    public static bool TryDecode(ReadOnlySpan<byte> encoded, [NotNullWhen(true)] out LedgerBlockBody? body)
    {
        body = null;
        if (encoded.Length > MaxSize) return false;
        var reader = new CanonicalReader(encoded);
        if (!reader.TryReadArrayHeader(9) || !reader.TryReadUInt64(Version, out ulong version) || version != Version
            || !reader.TryReadPublicKey(out PublicKey author)
            || !reader.TryReadUInt64(long.MaxValue, out ulong sequence)
            || !reader.TryReadDigest(out Digest previous)
            || !reader.TryReadUInt64(uint.MaxValue, out ulong epoch)
            || !reader.TryReadDigest(out Digest root)
            || !reader.TryReadUInt32(MaxReceiptCount, out uint receiptCount)
            || !TryReadHeads(ref reader, author, out List<LedgerHead> heads)
            || !reader.TryReadUInt64(long.MaxValue, out ulong time)
            || !reader.IsComplete
            || (sequence == 0) != previous.IsZero) return false;

        body = new LedgerBlockBody
        {
            Author = author,
            Sequence = sequence,
            PreviousBlockHash = previous,
            Epoch = epoch,
            ReceiptsRoot = root,
            ReceiptCount = receiptCount,
            Heads = heads,
            Time = time,
        };
        return true;
    }

    private static bool TryReadHeads(ref CanonicalReader reader, PublicKey author, out List<LedgerHead> heads)
    {
        heads = [];
        if (!reader.TryReadArrayHeader(0, MaxHeadCount, out int count)) return false;
        for (int i = 0; i < count; i++)
        {
            if (!reader.TryReadArrayHeader(3) || !reader.TryReadPublicKey(out PublicKey peer) || !reader.TryReadUInt64(long.MaxValue, out ulong sequence)
                || !reader.TryReadDigest(out Digest hash)) return false;
            if (peer == author || (i > 0 && heads[i - 1].Author >= peer)) return false;
            heads.Add(new LedgerHead(peer, sequence, hash));
        }

        return true;
    }
}
