using Microsoft.Data.Sqlite;

namespace Overlay.Proofs.Ledger;

/// <summary>Tables, version and marks of a ledger file. Described for other readers in docs/protocols/ledger-files.md.</summary>
internal static class SqliteLedgerSchema
{
    /// <summary><c>PRAGMA application_id</c>: "OVLG".</summary>
    public const uint ApplicationId = 0x4F564C47;

    /// <summary><c>PRAGMA user_version</c> that this build writes.</summary>
    public const uint Version = 2;

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
    ];

    /// <summary>Brings a file from <paramref name="version"/> to <see cref="Version"/>, each step in a transaction of its own.</summary>
    public static void Migrate(SqliteConnection connection, uint version)
    {
        for (uint from = version; from < Version; from++)
        {
            Execute(connection, "BEGIN IMMEDIATE");
            foreach (string statement in s_migrations[from]) Execute(connection, statement);
            Execute(connection, $"PRAGMA application_id = {ApplicationId}");
            Execute(connection, $"PRAGMA user_version = {from + 1}");
            Execute(connection, "COMMIT");
        }
    }

    /// <summary>What differs between the file's tables and those of this version, or null.</summary>
    public static string? FindDifference(SqliteConnection connection)
    {
        var expected = s_migrations.SelectMany(step => step).ToHashSet(StringComparer.Ordinal);
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
