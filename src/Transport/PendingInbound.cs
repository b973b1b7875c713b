using System.Net;
using System.Net.Sockets;
using Overlay.Transport.Connections;
using Overlay.Transport.Identity;

namespace Overlay.Transport;

/// <summary>Inbound connections whose handshake is not done. When the budget has no room for one more, the oldest of the network that has most of them gives way.</summary>
/// <remarks>
/// An honest handshake takes a few round trips, one that was opened to block others takes until the deadline: so the oldest is the least likely to be
/// honest, and whoever opens many pushes out their own. Refusing newcomers instead would let a few silent sockets shut everybody out. The networks are
/// those of 24 bits of IPv4 and 48 of IPv6, what one customer is commonly given. Safe on several threads.
/// </remarks>
internal sealed class PendingInbound
{
    // Newcomers wait for the end of those that gave way, and hold a socket meanwhile: so many of one network, and so many in all.
    private const int MaxEndingOfLargest = 64;
    private const int MaxEnding = 256;

    private readonly Lock _lock = new();
    private readonly List<Pending> _pending = [];
    private int _ending;

    /// <summary>Takes a connection in whose handshake begins.</summary>
    internal Pending Add(ByteConnection connection)
    {
        var added = new Pending(connection, NetworkOf(connection.RemoteAddress));
        lock (_lock) _pending.Add(added);
        return added;
    }

    /// <summary>Breaks the oldest of the largest network to make room for a newcomer.</summary>
    /// <returns>Completes when it has ended and its room is free; null when there is none to break, or too many of the newcomer's own network wait already.</returns>
    internal Task? TryBreakOldest(ByteConnection newcomer)
    {
        Pending givesWay;
        lock (_lock)
        {
            if (_pending.Count == 0 || _ending >= MaxEnding) return null;
            givesWay = FindOldestOfLargest();
            if (_ending >= MaxEndingOfLargest && givesWay.Network == NetworkOf(newcomer.RemoteAddress)) return null;
            _pending.Remove(givesWay);
            givesWay.GaveWay = true;
            _ending++;
        }

        givesWay.Connection.Abort();
        return givesWay.Ended.Task;
    }

    /// <summary>The handshake is over, in whatever way.</summary>
    internal void Remove(Pending pending)
    {
        lock (_lock)
        {
            if (!_pending.Remove(pending)) _ending--;
        }

        pending.Ended.TrySetResult();
    }

    // In the order of arrival, so that the first of a network is its oldest.
    private Pending FindOldestOfLargest()
    {
        var counts = new Dictionary<string, int>(StringComparer.Ordinal);
        foreach (Pending pending in _pending) counts[pending.Network] = counts.GetValueOrDefault(pending.Network) + 1;
        int largest = counts.Values.Max();
        return _pending.Find(pending => counts[pending.Network] == largest)!;
    }

    private static string NetworkOf(Multiaddr address)
    {
        if (!address.TryGetIPEndPoint(out IPEndPoint? endPoint)) return address.ToString();
        IPAddress ip = endPoint.Address.IsIPv4MappedToIPv6 ? endPoint.Address.MapToIPv4() : endPoint.Address;
        return Convert.ToHexString(ip.GetAddressBytes().AsSpan(0, ip.AddressFamily == AddressFamily.InterNetwork ? 3 : 6));
    }

    /// <summary>One of them.</summary>
    internal sealed class Pending(ByteConnection connection, string network)
    {
        internal ByteConnection Connection => connection;

        internal string Network => network;

        internal TaskCompletionSource Ended { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        /// <summary>It was broken to make room.</summary>
        internal bool GaveWay { get; set; }
    }
}
