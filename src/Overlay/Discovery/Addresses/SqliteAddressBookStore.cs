using Microsoft.Data.Sqlite;
using Overlay.Transport.Identity;

namespace Overlay.Discovery.Addresses;

/// <summary>An address book in one SQLite file, readable by its owner alone.</summary>
/// <remarks>
/// A file that is damaged is made anew: everything in it can be learned again. One of another program is never touched. One process writes; others may
/// read the list of connections meanwhile (<see cref="ReadConnections"/>).
/// </remarks>
internal sealed class SqliteAddressBookStore : IAddressBookStore
{
    private readonly string _path;
    private readonly FileStream _lock;
    private readonly SqliteConnection _connection;

    private SqliteAddressBookStore(string path, FileStream @lock, SqliteConnection connection)
    {
        _path = path;
        _lock = @lock;
        _connection = connection;
    }

    public int DamagedCount { get; private set; }

    /// <summary>Opens a book for reading and writing; makes it if there is none, or none that can be read.</summary>
    /// <exception cref="AddressBookException">The file is in use, another program's, of a later version, or cannot be read or written.</exception>
    internal static SqliteAddressBookStore Open(string path)
    {
        path = Path.GetFullPath(path);
        FileStream @lock = SqliteAddressBookFile.Lock(path);
        try
        {
            return new SqliteAddressBookStore(path, @lock, SqliteAddressBookFile.OpenOrCreate(path));
        }
        catch (Exception e)
        {
            @lock.Dispose();
            if (e is SqliteException or IOException or UnauthorizedAccessException)
                throw e as AddressBookException ?? new AddressBookException($"The address book {path} cannot be opened: {e.Message}", e);
            throw;
        }
    }

    public ValueTask<IReadOnlyList<PeerEntry>> LoadAsync(int maxCount, CancellationToken cancellationToken) => new(Task.Run<IReadOnlyList<PeerEntry>>(
        () => Guarded(() =>
        {
            var entries = new List<PeerEntry>();
            using SqliteCommand peers = Command("SELECT peer, record, last_reached FROM peer ORDER BY last_reached DESC, peer LIMIT $1", (long)maxCount);
            using SqliteDataReader rows = peers.ExecuteReader();
            while (rows.Read())
            {
                if (TryReadPeer(rows) is { } entry) entries.Add(entry);
                else DamagedCount++;
            }

            return entries;
        }),
        cancellationToken));

    public ValueTask SaveAsync(IReadOnlyList<PeerEntry> changed, IReadOnlyList<PeerId> removed, CancellationToken cancellationToken) => Transact(
        () =>
        {
            foreach (PeerEntry entry in changed)
            {
                byte[] peer = entry.Peer.Bytes.ToArray();
                Run("INSERT OR REPLACE INTO peer (peer, record, last_reached) VALUES ($1, $2, $3)", peer, entry.Record.ToArray(), Seconds(entry.LastReached));
                Run("DELETE FROM address WHERE peer = $1", peer);
                foreach (AddressEntry address in entry.Addresses)
                {
                    Run("INSERT INTO address (peer, address, origin, told_from, expires, last_reached, failures) VALUES ($1, $2, $3, $4, $5, $6, $7)",
                        peer, address.Address.Bytes.ToArray(), (long)address.Origin, (long)(address.ToldFrom ?? 0), address.Expires.ToUnixTimeSeconds(),
                        Seconds(address.LastReached), (long)address.Failures);
                }
            }

            foreach (PeerId gone in removed)
            {
                Run("DELETE FROM address WHERE peer = $1", gone.Bytes.ToArray());
                Run("DELETE FROM peer WHERE peer = $1", gone.Bytes.ToArray());
            }
        },
        cancellationToken);

    public ValueTask SaveConnectionsAsync(IReadOnlyList<NetworkPeer> connected, CancellationToken cancellationToken) => Transact(
        () =>
        {
            Run("DELETE FROM connection");
            foreach (NetworkPeer peer in connected)
            {
                Run("INSERT INTO connection (peer, source, since, direction, address, latency, agent) VALUES ($1, $2, $3, $4, $5, $6, $7)",
                    peer.PeerId.Bytes.ToArray(), (long)peer.Source, peer.ConnectedSince is { } since ? since.ToUnixTimeMilliseconds() : DBNull.Value,
                    peer.Direction is { } direction ? (long)direction : DBNull.Value, peer.Address?.Bytes.ToArray() ?? (object)DBNull.Value,
                    peer.Latency is { } latency ? (long)latency.TotalMicroseconds : DBNull.Value, peer.AgentVersion);
            }
        },
        cancellationToken);

    /// <summary>The connections of the node that has the book open; null when none has.</summary>
    /// <exception cref="AddressBookException">The file cannot be read.</exception>
    internal static IReadOnlyList<NetworkPeer>? ReadConnections(string path)
    {
        path = Path.GetFullPath(path);
        if (!File.Exists(path) || !SqliteAddressBookFile.IsLocked(path)) return null;
        try
        {
            using SqliteConnection connection = SqliteAddressBookFile.Connect(path, SqliteOpenMode.ReadOnly);
            return SqliteConnectionRows.Read(connection);
        }
        catch (SqliteException e)
        {
            throw new AddressBookException($"The address book {path} cannot be read: {e.Message}", e);
        }
    }

    public ValueTask DisposeAsync()
    {
        _connection.Dispose();
        _lock.Dispose();
        return ValueTask.CompletedTask;
    }

    private PeerEntry? TryReadPeer(SqliteDataReader row)
    {
        if (row.GetValue(0) is not byte[] key || !PeerId.TryFromBytes(key, out PeerId? peer)) return null;
        byte[] envelope = row.GetValue(1) as byte[] ?? [];
        SignedPeerRecord? record = null;
        // The record is passed on to others, so it is looked at as one that came from a peer.
        if (envelope.Length > 0 && (!SignedPeerRecord.TryOpen(envelope, out record) || record.PeerId != peer)) DamagedCount++;
        var addresses = new List<AddressEntry>();
        using SqliteCommand command = Command("SELECT address, origin, told_from, expires, last_reached, failures FROM address WHERE peer = $1", key);
        using SqliteDataReader rows = command.ExecuteReader();
        while (rows.Read())
        {
            if (TryReadAddress(rows) is { } address) addresses.Add(address);
            else DamagedCount++;
        }

        return new PeerEntry(peer, addresses, record?.Envelope ?? default, record?.Sequence ?? 0, Time(row.GetValue(2)));
    }

    private static AddressEntry? TryReadAddress(SqliteDataReader row)
    {
        if (row.GetValue(0) is not byte[] bytes || !Multiaddr.TryFromBytes(bytes, out Multiaddr? address) || !AddressScopes.HasTransport(address)) return null;
        if (row.GetValue(1) is not (long and >= (long)AddressOrigin.Told and <= (long)AddressOrigin.Owner)) return null;
        if (row.GetValue(2) is not (long and >= 0 and <= (long)AddressScope.Public)) return null;
        if (Time(row.GetValue(3)) is not { } expires || row.GetValue(5) is not (long and >= 0 and <= 1000)) return null;
        AddressScope? distance = row.GetInt64(2) == 0 ? null : (AddressScope)row.GetInt64(2);
        if (!AddressScopes.MayDial(address, distance)) return null;
        return new AddressEntry(address, (AddressOrigin)row.GetInt64(1), distance, expires, Time(row.GetValue(4)), (int)row.GetInt64(5));
    }

    private static object Seconds(DateTimeOffset? time) => time is { } known ? known.ToUnixTimeSeconds() : DBNull.Value;

    // Year 9999 is the last that a DateTimeOffset can say.
    private static DateTimeOffset? Time(object seconds) =>
        seconds is long known and >= 0 and < 253_402_300_799 ? DateTimeOffset.FromUnixTimeSeconds(known) : null;

    private ValueTask Transact(Action write, CancellationToken cancellationToken) => new(Task.Run(
        () => Guarded(() =>
        {
            Run("BEGIN IMMEDIATE");
            try
            {
                write();
                Run("COMMIT");
            }
            catch
            {
                Run("ROLLBACK");
                throw;
            }

            return true;
        }),
        cancellationToken));

    private T Guarded<T>(Func<T> work)
    {
        try
        {
            return work();
        }
        catch (Exception e) when (e is SqliteException or InvalidCastException or InvalidOperationException)
        {
            throw new AddressBookException($"The address book {_path} cannot be read or written: {e.Message}", e);
        }
    }

    private void Run(string text, params ReadOnlySpan<object> values)
    {
        using SqliteCommand command = Command(text, values);
        command.ExecuteNonQuery();
    }

    private SqliteCommand Command(string text, params ReadOnlySpan<object> values)
    {
        SqliteCommand command = _connection.CreateCommand();
        command.CommandText = text;
        for (int i = 0; i < values.Length; i++) command.Parameters.Add(new SqliteParameter($"${i + 1}", values[i]));
        return command;
    }
}
