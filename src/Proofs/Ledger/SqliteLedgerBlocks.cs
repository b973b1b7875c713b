using System.Buffers.Binary;
using System.Security.Cryptography;
using Microsoft.Data.Sqlite;

namespace Overlay.Proofs.Ledger;

/// <summary>The part of <see cref="SqliteLedgerStatements"/> that is about the own chain: which blocks there are, and what stands in them.</summary>
internal sealed partial class SqliteLedgerStatements
{
    private const string BlockColumns = "SELECT sequence, block, checksum FROM block";

    public LedgerBlock? FindLatestBlock() => Single(ReadBlock, Prepare($"{BlockColumns} ORDER BY sequence DESC LIMIT 1"));

    public List<LedgerBlock> ReadBlocksFrom(ulong sequence, int limit) =>
        sequence > long.MaxValue ? [] : Rows(ReadBlock, Prepare($"{BlockColumns} WHERE sequence >= $1 ORDER BY sequence LIMIT $2", (long)sequence, (long)limit));

    public List<ReceiptRow> FindUnsealed(int limit) => Rows(ReadReceipt, Prepare(
        $"{ReceiptColumns} WHERE r.ordinal IN (SELECT receipt FROM finished WHERE block IS NULL ORDER BY receipt LIMIT $1) ORDER BY r.ordinal", (long)limit));

    public List<ReceiptRow> FindSealed(ulong sequence) => sequence > long.MaxValue ? [] : Rows(ReadReceipt, Prepare(
        $"{ReceiptColumns} JOIN finished f ON f.receipt = r.ordinal WHERE f.block = $1 ORDER BY f.place", (long)sequence));

    public BlockPlace? FindPlace(Digest sessionId, LedgerRole role, uint leg)
    {
        using SqliteDataReader reader = Prepare(
            "SELECT f.block, f.place FROM session s JOIN receipt r ON r.session = s.ordinal JOIN finished f ON f.receipt = r.ordinal WHERE s.session_id = $1 AND s.role = $2 AND r.leg = $3 AND f.block IS NOT NULL",
            sessionId.Bytes.ToArray(), (long)role, (long)leg).ExecuteReader();
        return reader.Read() ? new BlockPlace((ulong)reader.GetInt64(0), (int)reader.GetInt64(1)) : null;
    }

    public bool IsSealed(long receipt) => Prepare("SELECT block FROM finished WHERE receipt = $1", receipt).ExecuteScalar() is long;

    public void InsertFinished(long receipt) => Prepare("INSERT INTO finished (receipt) VALUES ($1)", receipt).ExecuteNonQuery();

    public void Insert(LedgerBlock block, IReadOnlyList<long> receipts)
    {
        byte[] encoded = block.Encode();
        long sequence = (long)block.Body.Sequence;
        Prepare("INSERT INTO block (sequence, block, checksum) VALUES ($1, $2, $3)", sequence, encoded, Checksum(sequence, encoded)).ExecuteNonQuery();
        for (int i = 0; i < receipts.Count; i++)
            Prepare("UPDATE finished SET block = $1, place = $2 WHERE receipt = $3", sequence, (long)i, receipts[i]).ExecuteNonQuery();
    }

    public void InsertAdopted(LedgerBlock block)
    {
        Insert(block, []);
        Prepare("INSERT INTO adopted (sequence) VALUES ($1)", (long)block.Body.Sequence).ExecuteNonQuery();
    }

    public bool IsAdopted(ulong sequence) => sequence <= long.MaxValue && Prepare("SELECT sequence FROM adopted WHERE sequence = $1", (long)sequence).ExecuteScalar() is long;

    // SHA-256 over the tag, sequence (8 bytes, big-endian) and block.
    private static byte[] Checksum(long sequence, ReadOnlySpan<byte> encoded)
    {
        Span<byte> number = stackalloc byte[sizeof(long)];
        BinaryPrimitives.WriteInt64BigEndian(number, sequence);
        return SHA256.HashData([.. "overlay/ledger/block/1\0"u8, .. number, .. encoded]);
    }

    private static LedgerBlock ReadBlock(SqliteDataReader reader)
    {
        long sequence = reader.GetInt64(0);
        byte[] encoded = Blob(reader, 1);
        if (Checksum(sequence, encoded).AsSpan().SequenceEqual(Blob(reader, 2)) && LedgerBlock.TryDecodeUnchecked(encoded, out LedgerBlock? block)
            && block.Body.Sequence == (ulong)sequence) return block;
        throw new LedgerException(LedgerError.Damaged, $"Block {sequence}: the row is not as it was written.");
    }
}
