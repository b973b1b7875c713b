using Overlay.Transport.Connections;
using Overlay.Transport.Identity;

namespace Overlay.Transport;

/// <summary>The established connections by peer, and which of several is used for new streams.</summary>
/// <remarks>
/// Two peers that dial each other at once get two connections. Both sides must then prefer the same one, or each could give up the other's. The order is
/// therefore made only of what both know: the connection that the peer with the smaller id dialled comes first, then the smaller handshake hash.
/// Safe on several threads.
/// </remarks>
internal sealed class ConnectionTable(PeerId self)
{
    private readonly Lock _lock = new();
    private readonly Dictionary<PeerId, List<MuxedPeerConnection>> _byPeer = [];
    private int _count;

    internal int Count
    {
        get
        {
            lock (_lock) return _count;
        }
    }

    internal IReadOnlyList<MuxedPeerConnection> All
    {
        get
        {
            lock (_lock) return [.. _byPeer.Values.SelectMany(list => list)];
        }
    }

    /// <summary>The connection that both sides prefer, or null.</summary>
    internal MuxedPeerConnection? FindPreferred(PeerId peer)
    {
        lock (_lock) return _byPeer.TryGetValue(peer, out List<MuxedPeerConnection>? list) ? list[0] : null;
    }

    /// <summary>Adds a connection. How many there may be is the resource budget's matter, which has admitted it.</summary>
    internal void Add(MuxedPeerConnection connection)
    {
        lock (_lock)
        {
            if (!_byPeer.TryGetValue(connection.RemotePeer, out List<MuxedPeerConnection>? list)) _byPeer.Add(connection.RemotePeer, list = []);
            list.Add(connection);
            list.Sort(Compare);
            _count++;
        }
    }

    internal void Remove(MuxedPeerConnection connection)
    {
        lock (_lock)
        {
            if (!_byPeer.TryGetValue(connection.RemotePeer, out List<MuxedPeerConnection>? list) || !list.Remove(connection)) return;
            if (list.Count == 0) _byPeer.Remove(connection.RemotePeer);
            _count--;
        }
    }

    /// <summary>Of two connections that came of a simultaneous dial, the one to give up; null if there are none such.</summary>
    internal MuxedPeerConnection? FindSurplus(MuxedPeerConnection added)
    {
        lock (_lock)
        {
            if (!_byPeer.TryGetValue(added.RemotePeer, out List<MuxedPeerConnection>? list)) return null;
            MuxedPeerConnection? other = list.Find(connection => connection.Direction != added.Direction);
            if (other is null) return null;
            return Compare(added, other) > 0 ? added : other;
        }
    }

    private int Compare(MuxedPeerConnection a, MuxedPeerConnection b)
    {
        int byDialler = DialledBySmaller(b).CompareTo(DialledBySmaller(a));
        return byDialler != 0 ? byDialler : a.HandshakeHash.Span.SequenceCompareTo(b.HandshakeHash.Span);
    }

    private bool DialledBySmaller(MuxedPeerConnection connection) =>
        connection.Direction == Direction.Outbound == (self < connection.RemotePeer);
}
