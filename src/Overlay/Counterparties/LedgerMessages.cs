using Overlay.Proofs;
using Overlay.Proofs.Encoding;
using Overlay.Proofs.Ledger;

namespace Overlay.Counterparties;

/// <summary>Asks for blocks of one author: <c>[1, author, first, count]</c>; with a count of 0, for the newest one that is known.</summary>
/// <param name="Author">Whose chain.</param>
/// <param name="First">The lowest sequence wanted; 0 when the newest block is.</param>
/// <param name="Count">How many places from there on, 1 to 64; 0 for the newest block.</param>
internal readonly record struct LedgerRequest(PublicKey Author, ulong First, int Count)
{
    internal const int MaxSize = 64;

    internal const int MaxCount = 64;

    private const ulong Version = 1;

    /// <summary>Whether the newest block is asked for.</summary>
    internal bool IsForNewest => Count == 0;

    internal static LedgerRequest Newest(PublicKey author) => new(author, 0, 0);

    internal byte[] Encode() => new CanonicalWriter(4).Write(Version).Write(Author.Bytes).Write(First).Write((ulong)Count).ToArray();

    internal static LedgerRequest? Decode(ReadOnlySpan<byte> encoded)
    {
        var reader = new CanonicalReader(encoded);
        return reader.TryReadArrayHeader(4) && reader.TryReadUInt64(Version, out ulong version) && version == Version
            && reader.TryReadBytes(PublicKey.Size, PublicKey.Size, out ReadOnlySpan<byte> author)
            && reader.TryReadUInt64(long.MaxValue, out ulong first)
            && reader.TryReadUInt64(MaxCount, out ulong count)
            && reader.IsComplete && (count != 0 || first == 0) ? new LedgerRequest(new PublicKey(author), first, (int)count) : null;
    }
}

/// <summary>Answers with the blocks that are known, lowest first, and a proof that their author has forked if there is one: <c>[1, [block…], proof]</c>, the proof empty for none.</summary>
internal sealed record LedgerAnswer(IReadOnlyList<LedgerBlock> Blocks, ForkProof? Fork)
{
    // Behind the blocks there is room for the largest proof, and for one block that is over.
    private const int BlocksSize = 36 * 1024;

    private const ulong Version = 1;

    internal static LedgerAnswer Empty { get; } = new([], null);

    /// <summary>The wire form. As many of the blocks as fit, but at least one, are in it: who wants more asks again.</summary>
    internal byte[] Encode()
    {
        var fitting = new List<byte[]>(Blocks.Count);
        int size = 0;
        foreach (LedgerBlock block in Blocks)
        {
            byte[] encoded = block.Encode();
            if (fitting.Count != 0 && size + encoded.Length > BlocksSize) break;
            fitting.Add(encoded);
            size += encoded.Length;
        }

        return new CanonicalWriter(3).Write(Version)
            .WriteArray(fitting.Count, blocks =>
            {
                foreach (byte[] block in fitting) blocks.Write(block);
            })
            .Write(Fork is null ? [] : Fork.Encode())
            .ToArray();
    }

    /// <summary>Decodes an answer to a request; null for bytes that are none, for a signature that does not hold, and for blocks that were not asked for.</summary>
    internal static LedgerAnswer? Decode(ReadOnlySpan<byte> encoded, LedgerRequest request)
    {
        var reader = new CanonicalReader(encoded);
        if (!reader.TryReadArrayHeader(3) || !reader.TryReadUInt64(Version, out ulong version) || version != Version
            || !reader.TryReadArrayHeader(0, request.IsForNewest ? 1 : request.Count, out int count)) return null;
        var blocks = new List<LedgerBlock>(count);
        for (int i = 0; i < count; i++)
        {
            if (!reader.TryReadBytes(1, LedgerBlock.MaxSize, out ReadOnlySpan<byte> bytes) || !LedgerBlock.TryDecode(bytes, out LedgerBlock? block)) return null;
            if (block.Body.Author != request.Author || (i > 0 && block.Body.Sequence <= blocks[i - 1].Body.Sequence)) return null;
            if (!request.IsForNewest && block.Body.Sequence - request.First >= (ulong)request.Count) return null;
            blocks.Add(block);
        }

        if (!reader.TryReadBytes(0, ForkProof.MaxSize, out ReadOnlySpan<byte> fork) || !reader.IsComplete) return null;
        ForkProof? proof = null;
        if (fork.Length != 0 && (!ForkProof.TryDecode(fork, out proof) || proof.Author != request.Author)) return null;
        return new LedgerAnswer(blocks, proof);
    }
}
