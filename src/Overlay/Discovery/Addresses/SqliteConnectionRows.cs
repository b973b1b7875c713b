using Microsoft.Data.Sqlite;
using Overlay.Transport.Connections;
using Overlay.Transport.Identity;

namespace Overlay.Discovery.Addresses;

/// <summary>The rows in which a running node says with whom it is connected.</summary>
internal static class SqliteConnectionRows
{
    internal static IReadOnlyList<NetworkPeer> Read(SqliteConnection connection)
    {
        var peers = new List<NetworkPeer>();
        using SqliteCommand command = connection.CreateCommand();
        command.CommandText = "SELECT peer, source, since, direction, address, latency, agent FROM connection ORDER BY since IS NULL, since";
        using SqliteDataReader row = command.ExecuteReader();
        while (row.Read())
            if (TryRead(row) is { } peer) peers.Add(peer);
        return peers;
    }

    private static NetworkPeer? TryRead(SqliteDataReader row)
    {
        if (row.GetValue(0) is not byte[] key || !PeerId.TryFromBytes(key, out PeerId? peer)) return null;
        if (row.GetValue(1) is not (long and >= (long)PeerSource.Inbound and <= (long)PeerSource.Network)) return null;
        return new NetworkPeer
        {
            PeerId = peer,
            Source = (PeerSource)row.GetInt64(1),
            ConnectedSince = row.GetValue(2) is long and >= 0 and < 253_402_300_799_000 ? DateTimeOffset.FromUnixTimeMilliseconds(row.GetInt64(2)) : null,
            Direction = row.GetValue(3) is long and (1 or 2) ? (Direction)row.GetInt64(3) : null,
            Address = row.GetValue(4) is byte[] bytes && Multiaddr.TryFromBytes(bytes, out Multiaddr? address) ? address : null,
            Latency = row.GetValue(5) is long and >= 0 and < 1_000_000_000 ? TimeSpan.FromMicroseconds(row.GetInt64(5)) : null,
            AgentVersion = row.GetValue(6) as string ?? "",
        };
    }
}
