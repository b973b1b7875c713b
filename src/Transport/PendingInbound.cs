using System.Net;
using System.Net.Sockets;
using Overlay.Transport.Connections;
using Overlay.Transport.Identity;

namespace Overlay.Transport;

/// <summary>Inbound connections whose handshake is not done. When there are too many, the oldest of the network that has most of them gives way.</summary>
/// <remarks>
/// An honest handshake takes a few round trips, one that was opened to block others takes until the deadline: so the oldest is the least likely to be
/// honest, and whoever opens many pushes out their own. Refusing newcomers instead would let a few silent sockets shut everybody out. The networks are
/// those of 24 bits of IPv4 and 48 of IPv6, what one customer is commonly given. Safe on several threads.
/// </remarks>
internal sealed class PendingInbound(int maxCount)
{
    // Those that gave way hold their memory until their tasks have run, which takes a while on a busy machine.
    private const int MaxEndingFactor = 4;

    private readonly Lock _lock = new();
    private readonly List<Pending> _pending = [];
    private int _ending;

    /// <summary>Takes a connection in; another may have to give way, which breaks it at once.</summary>
    /// <returns>False when too many of those that gave way have not ended yet: the newcomer is one too many. Its own network meets that limit first.</returns>
    internal bool TryAdd(ByteConnection connection, [System.Diagnostics.CodeAnalysis.NotNullWhen(true)] out Pending? added)
    {
        added = null;
        Pending? givesWay = null;
        lock (_lock)
        {
            if (_ending >= MaxEndingFactor * maxCount) return false;
            string network = NetworkOf(connection.RemoteAddress);
            if (_pending.Count >= maxCount)
            {
                givesWay = FindOldestOfLargest();
                if (_ending >= maxCount && givesWay.Network == network) return false;
                _pending.Remove(givesWay);
                givesWay.GaveWay = true;
                _ending++;
            }

            _pending.Add(added = new Pending(connection, network));
        }

        givesWay?.Connection.Abort();
        return true;
    }

    /// <summary>The handshake is over, in whatever way.</summary>
    internal void Remove(Pending pending)
    {
        lock (_lock)
        {
            if (!_pending.Remove(pending)) _ending--;
        }
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

        /// <summary>It was broken to make room.</summary>
        internal bool GaveWay { get; set; }
    }
}
