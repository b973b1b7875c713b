using System.Buffers.Binary;
using System.Security.Cryptography;
using Microsoft.Data.Sqlite;

namespace Overlay.Proofs.Ledger;

/// <summary>The part of <see cref="SqliteLedgerStatements"/> that is about other peers' chains: their newest blocks, and proofs of forks.</summary>
internal sealed partial class SqliteLedgerStatements
{
    private const string PeerBlockColumns = "SELECT author, sequence, block, heard, checksum FROM peer_block";

    public Digest? FindPeerBlockHash(PublicKey author, ulong sequence) =>
        Prepare("SELECT hash FROM peer_block WHERE author = $1 AND sequence = $2", author.Bytes.ToArray(), (long)sequence).ExecuteScalar() is byte[] { Length: Digest.Size } hash
            ? new Digest(hash)
            : null;

    public List<LedgerBlock> FindPeerBlocks(PublicKey author) =>
        Rows(ReadPeerBlock, Prepare($"{PeerBlockColumns} WHERE author = $1 ORDER BY sequence", author.Bytes.ToArray()));

    public List<LedgerHead> FindHeads(int limit) => Rows(ReadPeerBlock, Prepare(
        $"{PeerBlockColumns} p WHERE sequence = (SELECT max(sequence) FROM peer_block q WHERE q.author = p.author) ORDER BY heard DESC LIMIT $1", (long)limit))
        .ConvertAll(block => block.Head);

    /// <summary>Keeps a block as one of the chain heard of last, and no more blocks and chains than the limits.</summary>
    public void SavePeerBlock(LedgerBlock block)
    {
        byte[] author = block.Body.Author.Bytes.ToArray(), encoded = block.Encode();
        long heard = (long)Prepare("SELECT coalesce(max(heard), 0) + 1 FROM peer_block").ExecuteScalar()!;
        Prepare("INSERT OR REPLACE INTO peer_block (author, sequence, hash, block, heard, checksum) VALUES ($1, $2, $3, $4, $5, $6)",
            author, (long)block.Body.Sequence, block.Hash.Bytes.ToArray(), encoded, heard, PeerBlockChecksum(encoded)).ExecuteNonQuery();
        Prepare("UPDATE peer_block SET heard = $1 WHERE author = $2", heard, author).ExecuteNonQuery();
        Prepare("DELETE FROM peer_block WHERE author = $1 AND sequence <= (SELECT sequence FROM peer_block WHERE author = $1 ORDER BY sequence DESC LIMIT 1 OFFSET $2)",
            author, (long)LedgerRules.MaxPeerBlockCount).ExecuteNonQuery();
        Prepare("DELETE FROM peer_block WHERE heard <= (SELECT DISTINCT heard FROM peer_block ORDER BY heard DESC LIMIT 1 OFFSET $1)", (long)LedgerRules.MaxPeerChainCount)
            .ExecuteNonQuery();
    }

    public bool HasForked(PublicKey author) => Prepare("SELECT ordinal FROM fork WHERE author = $1", author.Bytes.ToArray()).ExecuteScalar() is long;

    public ForkProof? FindForkProof(PublicKey author) =>
        Rows(ReadForkProof, Prepare("SELECT ordinal, proof, checksum FROM fork WHERE author = $1 AND length(proof) > 0", author.Bytes.ToArray())) is [var proof] ? proof : null;

    public List<ForkProof> FindForkProofs() => Rows(ReadForkProof, Prepare("SELECT ordinal, proof, checksum FROM fork WHERE length(proof) > 0 ORDER BY ordinal"));

    /// <summary>Keeps a proof, unless one of its author is kept, and no more than the limit.</summary>
    public void Save(ForkProof proof)
    {
        byte[] encoded = proof.Encode();
        long ordinal = (long)Prepare("SELECT coalesce(max(ordinal), 0) + 1 FROM fork").ExecuteScalar()!;
        Prepare("INSERT OR IGNORE INTO fork (ordinal, author, proof, checksum) VALUES ($1, $2, $3, $4)",
            ordinal, proof.Author.Bytes.ToArray(), encoded, ForkChecksum(ordinal, encoded)).ExecuteNonQuery();
        // The proof goes, the name stays.
        Prepare("UPDATE fork SET proof = x'', checksum = x'' WHERE ordinal = (SELECT ordinal FROM fork ORDER BY ordinal DESC LIMIT 1 OFFSET $1)",
            (long)LedgerRules.MaxForkProofCount).ExecuteNonQuery();
        Prepare("DELETE FROM fork WHERE ordinal <= (SELECT ordinal FROM fork ORDER BY ordinal DESC LIMIT 1 OFFSET $1)", (long)LedgerRules.MaxForkedCount).ExecuteNonQuery();
    }

    private static LedgerBlock ReadPeerBlock(SqliteDataReader reader)
    {
        byte[] encoded = Blob(reader, 2);
        if (PeerBlockChecksum(encoded).AsSpan().SequenceEqual(Blob(reader, 4)) && LedgerBlock.TryDecodeUnchecked(encoded, out LedgerBlock? block)
            && block.Body.Sequence == (ulong)reader.GetInt64(1) && block.Body.Author.Bytes.SequenceEqual(Blob(reader, 0))) return block;
        throw new LedgerException(LedgerError.Damaged, $"Block {reader.GetInt64(1)} of the chain of {Convert.ToHexStringLower(Blob(reader, 0))}: the row is not as it was written.");
    }

    private static ForkProof ReadForkProof(SqliteDataReader reader)
    {
        long ordinal = reader.GetInt64(0);
        byte[] encoded = Blob(reader, 1);
        if (ForkChecksum(ordinal, encoded).AsSpan().SequenceEqual(Blob(reader, 2)) && ForkProof.TryDecode(encoded, out ForkProof? proof)) return proof;
        throw new LedgerException(LedgerError.Damaged, $"Fork proof {ordinal}: the row is not as it was written.");
    }

    private static byte[] PeerBlockChecksum(ReadOnlySpan<byte> encoded) => SHA256.HashData([.. "overlay/ledger/peer-block/1\0"u8, .. encoded]);

    private static byte[] ForkChecksum(long ordinal, ReadOnlySpan<byte> encoded)
    {
        Span<byte> number = stackalloc byte[sizeof(long)];
        BinaryPrimitives.WriteInt64BigEndian(number, ordinal);
        return SHA256.HashData([.. "overlay/ledger/fork/1\0"u8, .. number, .. encoded]);
    }
}
