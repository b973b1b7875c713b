using System.Net;
using System.Net.Sockets;
using Overlay.Discovery.Addresses;
using Overlay.Transport.Identity;

namespace Overlay.Discovery.Reachability;

/// <summary>Where others say that they see this node. One address counts when peers of several IP groups name it. No clock; not safe on several
/// threads.</summary>
/// <remarks>
/// Whoever dialled this node sees the very address that it dialled. Whom this node dialled sees a port that is of no use to others; the IP address goes
/// with the ports that this node listens on. A peer that lies adds one group's voice to an address that nobody else names.
/// </remarks>
internal sealed class ObservedAddresses(ReachabilityOptions options)
{
    private const int MaxKeyCount = 64, MaxGroupCount = 32;

    private readonly Dictionary<IPEndPoint, Dictionary<string, DateTimeOffset>> _seen = [];

    /// <summary>Addresses of which anybody spoke.</summary>
    internal int Count => _seen.Count;

    /// <summary>A peer says where it sees this node.</summary>
    /// <param name="observer">The peer's own IP address.</param>
    /// <param name="observed">Where it sees this node.</param>
    /// <param name="wasDialled">Whether the peer dialled this node, and not the other way.</param>
    /// <param name="now">The time.</param>
    internal void Add(IPAddress observer, Multiaddr observed, bool wasDialled, DateTimeOffset now)
    {
        if (!AddressScopes.HasTransport(observed) || !observed.TryGetIPEndPoint(out IPEndPoint? seen)) return;
        if (!Counts(seen.Address) || !Counts(observer)) return;
        // Port 0 stands for: whatever this node listens on.
        IPEndPoint key = wasDialled ? seen : new IPEndPoint(seen.Address, 0);
        if (!_seen.TryGetValue(key, out Dictionary<string, DateTimeOffset>? groups))
        {
            if (_seen.Count >= MaxKeyCount) _seen.Remove(_seen.MinBy(pair => (pair.Value.Count, pair.Value.Values.Max())).Key);
            _seen.Add(key, groups = []);
        }

        string group = AddressScopes.GroupOf(observer);
        if (groups.Count < MaxGroupCount || groups.ContainsKey(group)) groups[group] = now + options.ObservationLifetime;
    }

    /// <summary>Addresses that enough groups name now.</summary>
    /// <param name="listenPorts">The TCP ports that this node listens on, by family.</param>
    /// <param name="now">The time.</param>
    internal IReadOnlyList<Multiaddr> Confirmed(ILookup<AddressFamily, int> listenPorts, DateTimeOffset now)
    {
        var confirmed = new List<Multiaddr>();
        foreach ((IPEndPoint key, Dictionary<string, DateTimeOffset> groups) in _seen.ToList())
        {
            foreach (string old in groups.Where(pair => pair.Value <= now).Select(pair => pair.Key).ToList()) groups.Remove(old);
            if (groups.Count == 0) _seen.Remove(key);
            if (groups.Count < options.MinObservers) continue;
            IEnumerable<int> ports = key.Port != 0 ? [key.Port] : listenPorts[key.AddressFamily];
            confirmed.AddRange(ports.Select(port => Multiaddr.FromIPEndPoint(new IPEndPoint(key.Address, port))));
        }

        return [.. confirmed.Distinct()];
    }

    private bool Counts(IPAddress address) => options.AllowPrivateAddresses ? AddressScopes.Of(address) is not null
        : AddressScopes.Of(address) == AddressScope.Public;
}
