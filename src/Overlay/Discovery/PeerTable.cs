using Overlay.Discovery.Mdns;
using Overlay.Transport;
using Overlay.Transport.Connections;
using Overlay.Transport.Identify;
using Overlay.Transport.Identity;

namespace Overlay.Discovery;

/// <summary>Who is connected, since when and how found, and who is seen on the local network. Safe on several threads; readers see snapshots.</summary>
internal sealed class PeerTable
{
    private readonly Lock _lock = new();
    private readonly Dictionary<PeerId, (NetworkPeer Peer, PeerConnection Connection)> _connected = [];
    private readonly Dictionary<PeerId, PeerSource> _sources = [];
    private IReadOnlyList<MdnsPeer> _lan = [];
    private IReadOnlyList<NetworkPeer> _snapshot = [];

    /// <summary>Everybody: those connected, the longest first, then those only seen.</summary>
    internal IReadOnlyList<NetworkPeer> Snapshot => Volatile.Read(ref _snapshot);

    /// <summary>How each connected peer was found.</summary>
    internal IReadOnlyDictionary<PeerId, PeerSource> Connected
    {
        get
        {
            lock (_lock) return _connected.ToDictionary(pair => pair.Key, pair => pair.Value.Peer.Source);
        }
    }

    internal IReadOnlyList<MdnsPeer> Lan
    {
        get
        {
            lock (_lock) return _lan;
        }
        set
        {
            lock (_lock)
            {
                _lan = value;
                Publish();
            }
        }
    }

    /// <summary>A peer is about to be dialled: should a connection with it come of that, this is how it was found.</summary>
    internal void Expect(PeerId peer, PeerSource source)
    {
        lock (_lock) _sources[peer] = source;
    }

    internal void ExpectNoMore(PeerId peer)
    {
        lock (_lock) _sources.Remove(peer);
    }

    /// <summary>Compares with the connections that stand now.</summary>
    /// <returns>Connections of which this is the first that is heard.</returns>
    internal IReadOnlyList<PeerConnection> Update(PeerHost host, DateTimeOffset now)
    {
        var added = new List<PeerConnection>();
        lock (_lock)
        {
            // Read under the lock: of two that come at once, the later must not put an older list in.
            HashSet<PeerId> present = [.. host.Connections.Select(connection => connection.RemotePeer)];
            foreach (PeerId gone in _connected.Keys.Where(peer => !present.Contains(peer)).ToList()) _connected.Remove(gone);
            foreach (PeerId peer in present)
            {
                if (host.FindConnection(peer) is not { } connection) continue;
                string agent = host.FindPeerInfo(connection) is PeerInfo info ? info.AgentVersion : "";
                if (_connected.TryGetValue(peer, out (NetworkPeer Peer, PeerConnection Connection) known))
                {
                    if (known.Connection != connection) added.Add(connection);
                    _connected[peer] = (Described(known.Peer, connection, agent), connection);
                    continue;
                }

                PeerSource source = _sources.GetValueOrDefault(peer, connection.Direction == Direction.Inbound ? PeerSource.Inbound : PeerSource.Dialled);
                if (source == PeerSource.Inbound && _lan.Any(seen => seen.Peer == peer)) source = PeerSource.Mdns;
                var found = new NetworkPeer { PeerId = peer, Source = source, ConnectedSince = now };
                _connected.Add(peer, (Described(found, connection, agent), connection));
                added.Add(connection);
            }

            Publish();
        }

        return added;
    }

    internal void SetLatency(PeerId peer, TimeSpan latency)
    {
        lock (_lock)
        {
            if (!_connected.TryGetValue(peer, out (NetworkPeer Peer, PeerConnection Connection) known)) return;
            _connected[peer] = (known.Peer with { Latency = latency }, known.Connection);
            Publish();
        }
    }

    private static NetworkPeer Described(NetworkPeer peer, PeerConnection connection, string agent) =>
        peer with { Direction = connection.Direction, Address = connection.RemoteAddress, AgentVersion = agent.Length > 0 ? agent : peer.AgentVersion };

    private void Publish() => Volatile.Write(ref _snapshot,
    [
        .. _connected.Values.Select(known => known.Peer).OrderBy(peer => peer.ConnectedSince).ThenBy(peer => peer.PeerId),
        .. _lan.Where(seen => !_connected.ContainsKey(seen.Peer))
            .Select(seen => new NetworkPeer { PeerId = seen.Peer, Source = PeerSource.Mdns, Address = seen.Addresses[0] }),
    ]);
}
