using Microsoft.Data.Sqlite;
using Overlay.Proofs.Receipts;

namespace Overlay.Proofs.Ledger;

/// <summary>Tables, version and marks of a ledger file. Described for other readers in docs/protocols/ledger-files.md.</summary>
internal static class SqliteLedgerSchema
{
    /// <summary><c>PRAGMA application_id</c>: "OVLG".</summary>
    public const uint ApplicationId = 0x4F564C47;

    /// <summary><c>PRAGMA user_version</c> that this build writes.</summary>
    public const uint Version = 4;

    private const string Drop = "DROP TABLE ";

    // Element n brings a file from version n to n + 1. An element that has been released never changes.
    private static readonly string[][] s_migrations =
    [
        [
            """
            CREATE TABLE session (
              ordinal INTEGER PRIMARY KEY,
              session_id BLOB NOT NULL,
              role INTEGER NOT NULL,
              counterparty BLOB NOT NULL,
              state INTEGER NOT NULL,
              receipts INTEGER NOT NULL,
              head BLOB NOT NULL,
              record BLOB NOT NULL,
              checksum BLOB NOT NULL,
              UNIQUE (session_id, role)
            ) STRICT
            """,
            "CREATE INDEX session_unsettled ON session (counterparty, role, ordinal) WHERE state <> 3",
            """
            CREATE TABLE receipt (
              ordinal INTEGER PRIMARY KEY,
              session INTEGER NOT NULL,
              leg INTEGER NOT NULL,
              sequence INTEGER NOT NULL,
              up INTEGER NOT NULL,
              down INTEGER NOT NULL,
              receipt BLOB NOT NULL,
              checksum BLOB NOT NULL,
              UNIQUE (session, leg, sequence)
            ) STRICT
            """,
        ],
        // Session records may carry a seed from here on: builds that know only version 1 could not read them.
        [],
        [
            // A row for each final receipt with both signatures: block and place stay null until it stands in a block.
            """
            CREATE TABLE finished (
              receipt INTEGER PRIMARY KEY,
              block INTEGER,
              place INTEGER,
              UNIQUE (block, place)
            ) STRICT
            """,
            "CREATE INDEX finished_unsealed ON finished (receipt) WHERE block IS NULL",
            """
            CREATE TABLE block (
              sequence INTEGER PRIMARY KEY,
              block BLOB NOT NULL,
              checksum BLOB NOT NULL
            ) STRICT
            """,
            """
            CREATE TABLE head (
              author BLOB PRIMARY KEY,
              sequence INTEGER NOT NULL,
              hash BLOB NOT NULL,
              heard INTEGER NOT NULL UNIQUE
            ) STRICT
            """,
        ],
        [
            // A hash alone proves nothing to its author or to anybody else: the blocks themselves are kept. No build ever wrote a head.
            "DROP TABLE head",
            """
            CREATE TABLE peer_block (
              author BLOB NOT NULL,
              sequence INTEGER NOT NULL,
              hash BLOB NOT NULL,
              block BLOB NOT NULL,
              heard INTEGER NOT NULL,
              checksum BLOB NOT NULL,
              UNIQUE (author, sequence)
            ) STRICT
            """,
            "CREATE INDEX peer_block_heard ON peer_block (heard, sequence)",
            """
            CREATE TABLE fork (
              ordinal INTEGER PRIMARY KEY,
              author BLOB NOT NULL UNIQUE,
              proof BLOB NOT NULL,
              checksum BLOB NOT NULL
            ) STRICT
            """,
            "CREATE TABLE adopted (sequence INTEGER PRIMARY KEY) STRICT",
        ],
    ];

    /// <summary>Brings a file from <paramref name="version"/> to <see cref="Version"/>, each step in a transaction of its own.</summary>
    public static void Migrate(SqliteConnection connection, uint version)
    {
        for (uint from = version; from < Version; from++)
        {
            Execute(connection, "BEGIN IMMEDIATE");
            foreach (string statement in s_migrations[from]) Execute(connection, statement);
            if (from == 2) FillFinished(connection);
            Execute(connection, $"PRAGMA application_id = {ApplicationId}");
            Execute(connection, $"PRAGMA user_version = {from + 1}");
            Execute(connection, "COMMIT");
        }
    }

    // What finished before there were blocks stands in none of them, but is to.
    private static void FillFinished(SqliteConnection connection)
    {
        using SqliteCommand read = connection.CreateCommand(), write = connection.CreateCommand();
        read.CommandText = "SELECT ordinal, receipt FROM receipt ORDER BY ordinal";
        write.CommandText = "INSERT INTO finished (receipt) VALUES ($1)";
        SqliteParameter ordinal = write.Parameters.Add("$1", SqliteType.Integer);
        using SqliteDataReader reader = read.ExecuteReader();
        while (reader.Read())
        {
            if (reader.GetValue(1) is not byte[] encoded || !Receipt.TryDecodeUnchecked(encoded, out Receipt? receipt))
                throw new LedgerException(LedgerError.Damaged, $"The receipt in row {reader.GetInt64(0)} cannot be read; the ledger was left in its old version.");
            if (!receipt.Body.Final || !receipt.IsCountersigned) continue;
            ordinal.Value = reader.GetInt64(0);
            write.ExecuteNonQuery();
        }
    }

    /// <summary>What differs between the file's tables and those of this version, or null.</summary>
    public static string? FindDifference(SqliteConnection connection)
    {
        var expected = new HashSet<string>(StringComparer.Ordinal);
        foreach (string statement in s_migrations.SelectMany(step => step))
        {
            if (!statement.StartsWith(Drop, StringComparison.Ordinal)) expected.Add(statement);
            else expected.RemoveWhere(made => made.StartsWith($"CREATE TABLE {statement[Drop.Length..]} ", StringComparison.Ordinal));
        }

        using SqliteCommand command = connection.CreateCommand();
        command.CommandText = "SELECT name, sql FROM sqlite_schema WHERE sql IS NOT NULL";
        using SqliteDataReader reader = command.ExecuteReader();
        while (reader.Read())
            if (!expected.Remove(reader.GetString(1))) return $"its \"{reader.GetString(0)}\" is not the one that was made";
        return expected.Count == 0 ? null : $"{expected.Count} of its tables and indexes are missing";
    }

    public static void Execute(SqliteConnection connection, string statement)
    {
        using SqliteCommand command = connection.CreateCommand();
        command.CommandText = statement;
        command.ExecuteNonQuery();
    }
}
