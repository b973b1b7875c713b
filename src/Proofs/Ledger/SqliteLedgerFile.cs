using System.Buffers.Binary;
using Microsoft.Data.Sqlite;

namespace Overlay.Proofs.Ledger;

/// <summary>Makes, recognises, locks and opens ledger files.</summary>
internal static class SqliteLedgerFile
{
    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    /// <summary>Takes the writer's lock: a file beside the ledger, held open. The operating system lets go of it with the process, however that ends.</summary>
    /// <remarks>SQLite's own exclusive mode would shut readers out too.</remarks>
    /// <exception cref="LedgerException">Somebody has it.</exception>
    public static FileStream Lock(string path)
    {
        try
        {
            return new FileStream(path + ".lock", Options(FileMode.OpenOrCreate));
        }
        catch (IOException e) when (File.Exists(path + ".lock"))
        {
            throw new LedgerException(LedgerError.InUse, $"The ledger {path} is open for writing elsewhere. Only one node can use it at a time.", e);
        }
    }

    /// <summary>Makes an empty ledger under <paramref name="path"/> if no file is there.</summary>
    /// <remarks>The caller holds the lock. The file is made whole under another name first, so that a crash never leaves half a ledger behind.</remarks>
    public static void CreateIfMissing(string path)
    {
        if (File.Exists(path)) return;
        string draft = path + ".new";
        foreach (string leftover in (ReadOnlySpan<string>)[draft, draft + "-wal", draft + "-shm", draft + "-journal"]) File.Delete(leftover);
        new FileStream(draft, Options(FileMode.CreateNew)).Dispose();
        using (SqliteConnection connection = Connect(draft, SqliteOpenMode.ReadWrite))
        {
            SqliteLedgerSchema.Migrate(connection, 0);
            SqliteLedgerSchema.Execute(connection, "PRAGMA journal_mode = WAL");
        }

        File.Move(draft, path);
    }

    /// <summary>Renames a ledger with its log to the first name that is free. The caller holds the lock.</summary>
    /// <returns>The new name.</returns>
    public static string SetAside(string path)
    {
        int number = 1;
        while (File.Exists($"{path}.damaged-{number}")) number++;
        string aside = $"{path}.damaged-{number}";
        // The log first: a crash between the two leaves the file where it is still found to be damaged.
        foreach (string suffix in (ReadOnlySpan<string>)["-wal", "-shm", ""])
            if (File.Exists(path + suffix)) File.Move(path + suffix, aside + suffix);
        return aside;
    }

    /// <summary>Makes the folder of a ledger, for its owner only, if it is not there.</summary>
    public static void CreateFolder(string path)
    {
        string folder = Path.GetDirectoryName(path)!;
        if (OperatingSystem.IsWindows()) Directory.CreateDirectory(folder);
        else Directory.CreateDirectory(folder, OwnerOnly | UnixFileMode.UserExecute);
    }

    /// <summary>Reads a file's schema version from its first bytes, without SQLite, which could change a file that is not ours.</summary>
    /// <exception cref="LedgerException">The file is no ledger.</exception>
    /// <remarks>
    /// SQLite file format, section 1.3; all numbers are big-endian:
    /// <code>
    ///  0            16        60              64      68               72
    ///  | magic text | …       | user_version  | …     | application_id | …
    /// </code>
    /// Both numbers are in the file itself from its creation on; only rows are ever in the write-ahead log alone.
    /// </remarks>
    public static uint ReadVersion(string path)
    {
        Span<byte> header = stackalloc byte[100];
        using var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
        if (file.ReadAtLeast(header, header.Length, throwOnEndOfStream: false) < header.Length || !header.StartsWith("SQLite format 3\0"u8))
            throw new LedgerException(LedgerError.Format, $"{path} is not a ledger: it is no SQLite database.");
        uint applicationId = BinaryPrimitives.ReadUInt32BigEndian(header[68..]);
        if (applicationId != SqliteLedgerSchema.ApplicationId)
            throw new LedgerException(LedgerError.Format, $"{path} is not a ledger: it is another program's database (application id {applicationId:x8}).");
        uint version = BinaryPrimitives.ReadUInt32BigEndian(header[60..]);
        if (version is 0 or > SqliteLedgerSchema.Version)
        {
            throw new LedgerException(LedgerError.Format,
                $"{path} is a ledger of version {version}; this build knows versions 1 to {SqliteLedgerSchema.Version}.");
        }

        return version;
    }

    /// <summary>Refuses a file that is shorter than its header says, unless a log beside it may hold the rest.</summary>
    /// <remarks>SQLite file format, section 1.3: page size at 16, two bytes (1 for 65,536); pages at 28, four bytes.</remarks>
    /// <exception cref="LedgerException">It was cut off.</exception>
    public static void ThrowIfCut(string path)
    {
        if (new FileInfo(path + "-wal") is { Exists: true, Length: > 0 }) return;
        Span<byte> header = stackalloc byte[100];
        using var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
        file.ReadExactly(header);
        uint pageSize = BinaryPrimitives.ReadUInt16BigEndian(header[16..]);
        long expected = (pageSize == 1 ? 65_536 : pageSize) * (long)BinaryPrimitives.ReadUInt32BigEndian(header[28..]);
        if (file.Length < expected) throw new LedgerException(LedgerError.Damaged, $"The ledger {path} is damaged: it was {expected} bytes long and has {file.Length}.");
    }

    /// <summary>Opens a connection that nothing else shares.</summary>
    public static SqliteConnection Connect(string path, SqliteOpenMode mode)
    {
        var connection = new SqliteConnection(new SqliteConnectionStringBuilder { DataSource = path, Mode = mode, Pooling = false, DefaultTimeout = 5 }.ToString());
        try
        {
            connection.Open();
            // FULL: the log is flushed at every commit. fullfsync makes that reach the medium on macOS; elsewhere it does nothing.
            SqliteLedgerSchema.Execute(connection, "PRAGMA synchronous = FULL; PRAGMA fullfsync = ON; PRAGMA trusted_schema = OFF; PRAGMA cell_size_check = ON");
            return connection;
        }
        catch
        {
            connection.Dispose();
            throw;
        }
    }

    /// <summary>The first thing that SQLite itself finds wrong with the file, or null.</summary>
    /// <param name="connection">An open connection.</param>
    /// <param name="pragma"><c>quick_check</c>, or <c>integrity_check</c>, which also compares every index with its table.</param>
    public static string? FindDamage(SqliteConnection connection, string pragma)
    {
        using SqliteCommand command = connection.CreateCommand();
        command.CommandText = $"PRAGMA {pragma}(1)";
        return command.ExecuteScalar() is string answer and not "ok" ? answer.ReplaceLineEndings(" ") : null;
    }

    /// <summary>What a failure of SQLite means to a ledger's user.</summary>
    public static LedgerException Translate(SqliteException e, string path) => e.SqliteErrorCode is SqliteCorrupt or SqliteNotADatabase
        ? new LedgerException(LedgerError.Damaged, $"The ledger {path} is damaged: {e.Message}", e)
        : new LedgerException(LedgerError.Storage, $"The ledger {path} could not be read or written: {e.Message}", e);

    public const int SqliteBusy = 5;
    public const int SqliteCorrupt = 11;
    public const int SqliteNotADatabase = 26;

    private static FileStreamOptions Options(FileMode mode)
    {
        var options = new FileStreamOptions { Mode = mode, Access = FileAccess.ReadWrite, Share = FileShare.None };
        if (!OperatingSystem.IsWindows()) options.UnixCreateMode = OwnerOnly;
        return options;
    }
}
