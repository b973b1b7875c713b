using System.Net;
using Overlay.Discovery.Addresses;
using Overlay.Transport.Identity;

namespace Overlay.Discovery.Mdns;

/// <summary>The peers that were heard, by the name of their instance, until their answers run out. No clock; not safe on several threads.</summary>
internal sealed class MdnsSightings(PeerId self, MdnsOptions options)
{
    // An answer is asked for again after these shares of its life (RFC 6762, section 5.2).
    private static readonly double[] s_refreshPoints = [0.8, 0.9, 0.95];
    private static readonly TimeSpan s_longestLife = TimeSpan.FromMinutes(75);
    private static readonly TimeSpan s_goodbye = TimeSpan.FromSeconds(1); // RFC 6762, section 10.1

    private readonly Dictionary<(int Link, DnsName Instance), Sighting> _sightings = [];

    internal int Count => _sightings.Count;

    /// <summary>Every peer once, with what all its answers say.</summary>
    internal IReadOnlyList<MdnsPeer> Peers =>
        [.. _sightings.Values.GroupBy(s => s.Peer)
            .Select(group => new MdnsPeer(group.Key, [.. group.SelectMany(s => s.Addresses).Distinct().Take(options.MaxAddressesPerPeer)]))];

    /// <summary>Takes what an instance says of itself.</summary>
    /// <returns>Null when all was well, else why something was left out.</returns>
    internal MdnsRefusal? Add(MdnsLink link, DnsName instance, DnsText text, uint ttlSeconds, DateTimeOffset now)
    {
        (IReadOnlyList<Multiaddr> told, int unreadable) = MdnsRecords.ReadText(text);
        PeerId? peer = told.Select(address => address.PeerId).FirstOrDefault(named => named is not null);
        if (peer is null) return told.Count + unreadable > 0 ? MdnsRefusal.Address : null;
        if (peer == self) return null;
        Multiaddr[] usable = [.. told.Where(address => address.PeerId == peer && IsUsable(link, address)).Select(a => a.WithoutPeerId()).Distinct()];
        Multiaddr[] taken = [.. usable.Take(options.MaxAddressesPerPeer)];
        if (taken.Length == 0) return MdnsRefusal.Address;
        if (!_sightings.ContainsKey((link.Id, instance)) && _sightings.Count >= options.MaxPeerCount) return MdnsRefusal.Capacity;
        TimeSpan life = TimeSpan.FromSeconds(Math.Clamp(ttlSeconds, 1, s_longestLife.TotalSeconds));
        _sightings[(link.Id, instance)] = new Sighting(peer, taken, now, life);
        return taken.Length < told.Count + unreadable ? MdnsRefusal.Address : null;
    }

    internal bool Knows(int link, DnsName instance) => _sightings.ContainsKey((link, instance));

    /// <summary>The instance says goodbye; somebody else may still contradict that within a second.</summary>
    internal void Withdraw(int link, DnsName instance, DateTimeOffset now)
    {
        if (_sightings.TryGetValue((link, instance), out Sighting? sighting))
            _sightings[(link, instance)] = sighting with { Heard = now, Life = s_goodbye, Refreshes = int.MaxValue };
    }

    internal void Forget(int link)
    {
        foreach ((int Link, DnsName Instance) key in _sightings.Keys.Where(key => key.Link == link).ToList()) _sightings.Remove(key);
    }

    /// <summary>Forgets what has run out.</summary>
    internal void Advance(DateTimeOffset now)
    {
        foreach ((int Link, DnsName Instance) key in _sightings.Where(pair => pair.Value.Expires <= now).Select(pair => pair.Key).ToList())
            _sightings.Remove(key);
    }

    /// <summary>When the link's peers should be asked for again so that none is forgotten that is still there; null when none is known.</summary>
    internal DateTimeOffset? RefreshAt(int link) =>
        _sightings.Where(pair => pair.Key.Link == link && pair.Value.RefreshAt is not null).Select(pair => pair.Value.RefreshAt).Min();

    internal DateTimeOffset? NextExpiry => _sightings.Count == 0 ? null : _sightings.Values.Min(s => s.Expires);

    /// <summary>A question for all was sent: who does not answer is asked again later.</summary>
    internal void Asked(int link, DateTimeOffset now)
    {
        foreach (((int Link, DnsName Instance) key, Sighting sighting) in _sightings.ToList())
        {
            if (key.Link != link || sighting.RefreshAt is not { } due || due > now) continue;
            _sightings[key] = sighting with { Refreshes = sighting.Refreshes + 1 };
        }
    }

    /// <summary>What is known with more than half of its life left, to go into a question so that it is not answered again (section 7.1).</summary>
    internal IEnumerable<(DnsName Instance, uint TtlSeconds)> KnownAnswers(int link, DateTimeOffset now) => _sightings
        .Where(pair => pair.Key.Link == link && pair.Value.Expires - now > pair.Value.Life / 2)
        .Select(pair => (pair.Key.Instance, (uint)(pair.Value.Expires - now).TotalSeconds));

    // On the LAN, and for a public address on this very link: who answers here may not aim this node at somebody else's host.
    private static bool IsUsable(MdnsLink link, Multiaddr address)
    {
        if (!AddressScopes.HasTransport(address) || address.HostAddress is not { } ip) return false;
        return AddressScopes.Of(ip) switch
        {
            AddressScope.Lan => true,
            AddressScope.Public => link.IsNeighbour(ip),
            _ => false,
        };
    }

    private sealed record Sighting(PeerId Peer, IReadOnlyList<Multiaddr> Addresses, DateTimeOffset Heard, TimeSpan Life)
    {
        internal int Refreshes { get; init; }

        internal DateTimeOffset Expires => Heard + Life;

        internal DateTimeOffset? RefreshAt => Refreshes < s_refreshPoints.Length ? Heard + Life * s_refreshPoints[Refreshes] : null;
    }
}
