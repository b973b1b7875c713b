using Microsoft.Data.Sqlite;
using Overlay.Proofs.Receipts;

namespace Overlay.Proofs.Ledger;

/// <summary>The prepared statements of one connection, and rows to and from objects. Every row read is checked against its checksum.</summary>
/// <remarks>Owns the connection. Not safe on several threads: the writer loop has one, the readers share another under their lock.</remarks>
internal sealed partial class SqliteLedgerStatements : IDisposable
{
    private const int PageCount = 256;

    private const string SessionColumns = "SELECT ordinal, session_id, role, counterparty, state, receipts, head, record, checksum FROM session";

    private const string ReceiptColumns =
        "SELECT r.ordinal, r.session, s.role, r.leg, r.sequence, r.up, r.down, r.receipt, r.checksum, s.session_id FROM receipt r LEFT JOIN session s ON s.ordinal = r.session";

    private readonly Dictionary<string, SqliteCommand> _prepared = [];

    public SqliteLedgerStatements(SqliteConnection connection) => Connection = connection;

    public SqliteConnection Connection { get; }

    public void Dispose()
    {
        foreach (SqliteCommand command in _prepared.Values) command.Dispose();
        Connection.Dispose();
    }

    public void Begin() => Prepare("BEGIN IMMEDIATE").ExecuteNonQuery();

    public void BeginRead()
    {
        // The snapshot is taken by the first read and not by BEGIN itself.
        Prepare("BEGIN").ExecuteNonQuery();
        Prepare("SELECT 1 FROM session LIMIT 1").ExecuteScalar();
    }

    public void Commit() => Prepare("COMMIT").ExecuteNonQuery();

    public void Rollback() => Prepare("ROLLBACK").ExecuteNonQuery();

    public (long Session, long Receipt) ReadLastOrdinals() => (
        (long)Prepare("SELECT coalesce(max(ordinal), 0) FROM session").ExecuteScalar()!,
        (long)Prepare("SELECT coalesce(max(ordinal), 0) FROM receipt").ExecuteScalar()!);

    /// <summary>Reads the receipts stored last, by ordinal and by their index, and the sessions made last. A damaged one among them throws.</summary>
    public void CheckNewest(int count)
    {
        (long lastSession, long lastReceipt) = ReadLastOrdinals();
        ReadSessionsAfter(Math.Max(0, lastSession - count), count);
        List<ReceiptRow> newest = ReadReceiptsAfter(Math.Max(0, lastReceipt - count), count);
        if (newest.Count != Math.Min(count, lastReceipt)) throw new LedgerException(LedgerError.Damaged, $"Of the newest {count} receipts only {newest.Count} are there.");
        foreach (ReceiptRow row in newest.TakeLast(PageCount))
        {
            if (FindReceipt(row.Session, row.Entry.Receipt.Body.Leg, row.Entry.Receipt.Body.Sequence)?.Ordinal != row.Ordinal)
                throw new LedgerException(LedgerError.Damaged, $"{LedgerRules.Describe(row.Entry)}: the index does not lead to it.");
        }
    }

    public SessionRow? FindSession(Digest sessionId, LedgerRole role) => Single(ReadSession, Prepare(
        $"{SessionColumns} WHERE session_id = $1 AND role = $2", sessionId.Bytes.ToArray(), (long)role));

    public List<SessionRow> FindUnsettled(PublicKey counterparty, LedgerRole role, int limit) => Rows(ReadSession, Prepare(
        $"{SessionColumns} WHERE counterparty = $1 AND role = $2 AND state <> 3 ORDER BY ordinal LIMIT $3", counterparty.Bytes.ToArray(), (long)role, (long)limit));

    public List<SessionRow> ReadSessionsAfter(long ordinal, int limit) => Rows(ReadSession, Prepare(
        $"{SessionColumns} WHERE ordinal > $1 ORDER BY ordinal LIMIT $2", ordinal, (long)limit));

    public ReceiptRow? FindReceipt(long session, uint leg, ulong sequence) => Single(ReadReceipt, Prepare(
        $"{ReceiptColumns} WHERE r.session = $1 AND r.leg = $2 AND r.sequence = $3", session, (long)leg, (long)sequence));

    public ReceiptRow? FindLatestReceipt(long session) => Single(ReadReceipt, Prepare(
        $"{ReceiptColumns} WHERE r.session = $1 ORDER BY r.leg DESC, r.sequence DESC LIMIT 1", session));

    public List<ReceiptRow> ReadReceiptsAfter(long ordinal, int limit) => Rows(ReadReceipt, Prepare(
        $"{ReceiptColumns} WHERE r.ordinal > $1 ORDER BY r.ordinal LIMIT $2", ordinal, (long)limit));

    public List<ReceiptRow> ReadReceiptsAfter(Digest sessionId, long ordinal, int limit) => Rows(ReadReceipt, Prepare(
        $"{ReceiptColumns} WHERE r.session IN (SELECT ordinal FROM session WHERE session_id = $1) AND r.ordinal > $2 ORDER BY r.ordinal LIMIT $3",
        sessionId.Bytes.ToArray(), ordinal, (long)limit));

    public List<SessionRow> ReadSessionsBefore(long ordinal, int limit) => Rows(ReadSession, Prepare(
        $"{SessionColumns} WHERE ordinal < $1 ORDER BY ordinal DESC LIMIT $2", ordinal, (long)limit));

    // The signs keep SQLite from looking for the session's receipts among all others, row by row from the newest.
    public List<ReceiptRow> ReadReceiptsBefore(Digest sessionId, long ordinal, int limit) => Rows(ReadReceipt, Prepare(
        $"{ReceiptColumns} WHERE r.session IN (SELECT ordinal FROM session WHERE session_id = $1) AND +r.ordinal < $2 ORDER BY +r.ordinal DESC LIMIT $3",
        sessionId.Bytes.ToArray(), ordinal, (long)limit));

    public void Insert(SessionRow row)
    {
        byte[] record = SessionRow.Encode(row.Record);
        Prepare("INSERT INTO session (ordinal, session_id, role, counterparty, state, receipts, head, record, checksum) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
            row.Ordinal, row.Record.SessionId.Bytes.ToArray(), (long)row.Record.Role, row.Record.Counterparty.Bytes.ToArray(), (long)row.Record.State,
            row.Receipts, row.Head.Bytes.ToArray(), record, row.Checksum(record)).ExecuteNonQuery();
    }

    public void Update(SessionRow row)
    {
        byte[] record = SessionRow.Encode(row.Record);
        Prepare("UPDATE session SET state = $1, receipts = $2, head = $3, record = $4, checksum = $5 WHERE ordinal = $6",
            (long)row.Record.State, row.Receipts, row.Head.Bytes.ToArray(), record, row.Checksum(record), row.Ordinal).ExecuteNonQuery();
    }

    public void Insert(ReceiptRow row)
    {
        (ReceiptBody body, ReceiptOpening opening, byte[] receipt) = (row.Entry.Receipt.Body, row.Entry.Opening, row.Entry.Receipt.Encode());
        Prepare("INSERT INTO receipt (ordinal, session, leg, sequence, up, down, receipt, checksum) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
            row.Ordinal, row.Session, (long)body.Leg, (long)body.Sequence, (long)opening.Up, (long)opening.Down, receipt,
            ReceiptRow.Checksum(row.Ordinal, row.Session, opening, receipt)).ExecuteNonQuery();
    }

    public void Update(ReceiptRow row)
    {
        byte[] receipt = row.Entry.Receipt.Encode();
        Prepare("UPDATE receipt SET receipt = $1, checksum = $2 WHERE ordinal = $3",
            receipt, ReceiptRow.Checksum(row.Ordinal, row.Session, row.Entry.Opening, receipt), row.Ordinal).ExecuteNonQuery();
    }

    private static SessionRow ReadSession(SqliteDataReader reader)
    {
        long ordinal = reader.GetInt64(0);
        byte[] encoded = Blob(reader, 7);
        if (SessionRow.TryDecode(encoded, out SessionRecord? record) && TryDigest(reader, 6, out Digest head))
        {
            var row = new SessionRow(ordinal, record, reader.GetInt64(5), head);
            if (row.Checksum(encoded).AsSpan().SequenceEqual(Blob(reader, 8))
                && Blob(reader, 1).AsSpan().SequenceEqual(record.SessionId.Bytes) && reader.GetInt64(2) == (long)record.Role
                && Blob(reader, 3).AsSpan().SequenceEqual(record.Counterparty.Bytes) && reader.GetInt64(4) == (long)record.State) return row;
        }

        throw new LedgerException(LedgerError.Damaged, $"Session {Convert.ToHexStringLower(Blob(reader, 1))} (row {ordinal}): the row is not as it was written.");
    }

    private static ReceiptRow ReadReceipt(SqliteDataReader reader)
    {
        (long ordinal, long session) = (reader.GetInt64(0), reader.GetInt64(1));
        var opening = new ReceiptOpening((ulong)reader.GetInt64(5), (ulong)reader.GetInt64(6));
        byte[] encoded = Blob(reader, 7);
        if (ReceiptRow.Checksum(ordinal, session, opening, encoded).AsSpan().SequenceEqual(Blob(reader, 8))
            && Receipt.TryDecodeUnchecked(encoded, out Receipt? receipt)
            && reader.GetInt64(3) == receipt.Body.Leg && reader.GetInt64(4) == (long)receipt.Body.Sequence
            && !reader.IsDBNull(2) && Blob(reader, 9).AsSpan().SequenceEqual(receipt.Body.SessionId.Bytes)
            && reader.GetInt64(2) is (long)LedgerRole.Provider or (long)LedgerRole.Consumer)
        {
            return new ReceiptRow(ordinal, session, new ReceiptEntry(receipt, opening, (LedgerRole)reader.GetInt64(2)));
        }

        throw new LedgerException(LedgerError.Damaged,
            $"Session {Convert.ToHexStringLower(Blob(reader, 9))}, leg {reader.GetInt64(3)}, sequence {reader.GetInt64(4)} (row {ordinal}): the row is not as it was written.");
    }

    private static bool TryDigest(SqliteDataReader reader, int column, out Digest digest)
    {
        byte[] bytes = Blob(reader, column);
        digest = bytes.Length == Digest.Size ? new Digest(bytes) : default;
        return bytes.Length == Digest.Size;
    }

    // A damaged file can hold any type in any column.
    private static byte[] Blob(SqliteDataReader reader, int column) => reader.GetValue(column) as byte[] ?? [];

    private static T? Single<T>(Func<SqliteDataReader, T> read, SqliteCommand command) where T : class
    {
        using SqliteDataReader reader = command.ExecuteReader();
        return reader.Read() ? Guarded(read, reader) : null;
    }

    private static List<T> Rows<T>(Func<SqliteDataReader, T> read, SqliteCommand command)
    {
        var rows = new List<T>();
        using SqliteDataReader reader = command.ExecuteReader();
        while (reader.Read()) rows.Add(Guarded(read, reader));
        return rows;
    }

    private static T Guarded<T>(Func<SqliteDataReader, T> read, SqliteDataReader reader)
    {
        try
        {
            return read(reader);
        }
        catch (Exception e) when (e is InvalidCastException or InvalidOperationException or FormatException or OverflowException)
        {
            throw new LedgerException(LedgerError.Damaged, "A row of the ledger holds values of another type than was written.", e);
        }
    }

    private SqliteCommand Prepare(string text, params ReadOnlySpan<object> values)
    {
        if (!_prepared.TryGetValue(text, out SqliteCommand? command))
        {
            command = Connection.CreateCommand();
            command.CommandText = text;
            for (int i = 0; i < values.Length; i++) command.Parameters.Add(new SqliteParameter($"${i + 1}", values[i]));
            _prepared.Add(text, command);
            return command;
        }

        for (int i = 0; i < values.Length; i++) command.Parameters[i].Value = values[i];
        return command;
    }
}
