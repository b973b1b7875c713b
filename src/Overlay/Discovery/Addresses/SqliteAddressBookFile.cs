using System.Buffers.Binary;
using Microsoft.Data.Sqlite;

namespace Overlay.Discovery.Addresses;

/// <summary>Makes, recognises, locks and opens the files of address books.</summary>
internal static class SqliteAddressBookFile
{
    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    // PRAGMA application_id: "OVLA".
    private const uint ApplicationId = 0x4F564C41;
    private const uint Version = 1;

    private static readonly string[] s_schema =
    [
        "CREATE TABLE peer (peer BLOB PRIMARY KEY, record BLOB NOT NULL, last_reached INTEGER) STRICT, WITHOUT ROWID",
        """
        CREATE TABLE address (
          peer BLOB NOT NULL,
          address BLOB NOT NULL,
          origin INTEGER NOT NULL,
          told_from INTEGER NOT NULL,
          expires INTEGER NOT NULL,
          last_reached INTEGER,
          failures INTEGER NOT NULL,
          PRIMARY KEY (peer, address)
        ) STRICT, WITHOUT ROWID
        """,
        """
        CREATE TABLE connection (
          peer BLOB PRIMARY KEY,
          source INTEGER NOT NULL,
          since INTEGER,
          direction INTEGER,
          address BLOB,
          latency INTEGER,
          agent TEXT NOT NULL
        ) STRICT, WITHOUT ROWID
        """,
        $"PRAGMA application_id = {ApplicationId}",
        $"PRAGMA user_version = {Version}",
    ];

    /// <summary>Takes the writer's lock: a file beside the book, held open. The operating system lets go of it with the process, however that ends.</summary>
    /// <exception cref="AddressBookException">Somebody has it, or it cannot be made.</exception>
    internal static FileStream Lock(string path)
    {
        try
        {
            return OpenLock(path, FileMode.OpenOrCreate);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new AddressBookException($"The address book {path} is open elsewhere or cannot be made: {e.Message}", e);
        }
    }

    /// <summary>Whether a process has the book open for writing.</summary>
    internal static bool IsLocked(string path)
    {
        if (!File.Exists(path + ".lock")) return false;
        try
        {
            OpenLock(path, FileMode.Open).Dispose();
            return false;
        }
        catch (IOException)
        {
            return true;
        }
    }

    /// <summary>Opens the book; makes it if it is missing or damaged. The caller holds the lock.</summary>
    /// <exception cref="AddressBookException">The file is not ours.</exception>
    internal static SqliteConnection OpenOrCreate(string path)
    {
        if (File.Exists(path))
        {
            ThrowIfNotOurs(path);
            try
            {
                return Use(Connect(path, SqliteOpenMode.ReadWrite), Check);
            }
            catch (SqliteException)
            {
                foreach (string part in FilesOf(path)) File.Delete(part);
            }
        }

        // Made whole under another name first, so that a crash never leaves half a book that no later start could tell from another program's file.
        string draft = path + ".new";
        foreach (string part in FilesOf(draft)) File.Delete(part);
        new FileStream(draft, Options(FileMode.CreateNew)).Dispose();
        Use(Connect(draft, SqliteOpenMode.ReadWrite), Create).Dispose();
        File.Move(draft, path);
        return Connect(path, SqliteOpenMode.ReadWrite);
    }

    private static string[] FilesOf(string path) => [path, path + "-wal", path + "-shm", path + "-journal"];

    /// <summary>Opens a connection that nothing else shares.</summary>
    internal static SqliteConnection Connect(string path, SqliteOpenMode mode) => Use(
        new SqliteConnection(new SqliteConnectionStringBuilder { DataSource = path, Mode = mode, Pooling = false, DefaultTimeout = 5 }.ToString()),
        connection =>
        {
            connection.Open();
            // NORMAL: a crash of the machine may take the last writes, never the file.
            Execute(connection, "PRAGMA synchronous = NORMAL; PRAGMA trusted_schema = OFF; PRAGMA cell_size_check = ON");
        });

    private static SqliteConnection Use(SqliteConnection connection, Action<SqliteConnection> step)
    {
        try
        {
            step(connection);
            return connection;
        }
        catch
        {
            connection.Dispose();
            throw;
        }
    }

    private static void Create(SqliteConnection connection)
    {
        Execute(connection, "PRAGMA journal_mode = WAL");
        Execute(connection, "BEGIN IMMEDIATE");
        foreach (string statement in s_schema) Execute(connection, statement);
        Execute(connection, "COMMIT");
    }

    // Connections that stood when the last node ended stand no more.
    private static void Check(SqliteConnection connection)
    {
        using SqliteCommand command = connection.CreateCommand();
        command.CommandText = "PRAGMA quick_check(1)";
        if (command.ExecuteScalar() is not "ok") throw new SqliteException("The file is damaged.", 11);
        Execute(connection, "DELETE FROM connection; SELECT peer, address, origin, told_from, expires, last_reached, failures FROM address LIMIT 0");
    }

    // SQLite file format, section 1.3: user_version at 60, application_id at 68, big-endian.
    private static void ThrowIfNotOurs(string path)
    {
        Span<byte> header = stackalloc byte[100];
        using var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
        int size = file.ReadAtLeast(header, header.Length, throwOnEndOfStream: false);
        if (size < header.Length || !header.StartsWith("SQLite format 3\0"u8))
            throw new AddressBookException($"{path} is no address book: it is no SQLite database.");
        uint id = BinaryPrimitives.ReadUInt32BigEndian(header[68..]), version = BinaryPrimitives.ReadUInt32BigEndian(header[60..]);
        if (id != ApplicationId) throw new AddressBookException($"{path} is no address book: it is another program's database (application id {id:x8}).");
        if (version > Version) throw new AddressBookException($"{path} is an address book of version {version}; this build knows version {Version}.");
    }

    private static void Execute(SqliteConnection connection, string statement)
    {
        using SqliteCommand command = connection.CreateCommand();
        command.CommandText = statement;
        command.ExecuteNonQuery();
    }

    private static FileStream OpenLock(string path, FileMode mode) => new(path + ".lock", Options(mode));

    private static FileStreamOptions Options(FileMode mode)
    {
        var options = new FileStreamOptions { Mode = mode, Access = FileAccess.ReadWrite, Share = FileShare.None };
        if (!OperatingSystem.IsWindows() && mode != FileMode.Open) options.UnixCreateMode = OwnerOnly;
        return options;
    }
}
