using System.Net;
using System.Net.Sockets;
using Google.Protobuf;
using Overlay.Discovery.Addresses;
using Overlay.Transport.Identity;

namespace Overlay.Discovery.Reachability;

/// <summary>Which requests a server serves, and which address it dials. No I/O, no clock; safe on several threads.</summary>
internal sealed class AutoNatServerRules(ReachabilityOptions options, Func<AddressFamily, bool> canDial)
{
    // Peers whose own rate is remembered; beyond it the one that came first is forgotten, and the rate of all holds still.
    private const int MaxPeerCount = 1024;

    private readonly Lock _lock = new();
    private readonly RateLimit _all = new(options.RequestsPerMinute, options.RequestsPerMinute / 60.0);
    private readonly RateLimit _paid = new(options.PaidRequestsPerMinute, options.PaidRequestsPerMinute / 60.0);
    private readonly OrderedDictionary<PeerId, RateLimit> _peers = [];
    private int _running;

    /// <summary>Counts a request in; false when it is one too many. Each one that was let in is counted out by <see cref="Leave"/>.</summary>
    internal bool TryEnter(PeerId peer, DateTimeOffset now)
    {
        lock (_lock)
        {
            if (_running >= options.MaxParallelRequests) return false;
            if (!_peers.TryGetValue(peer, out RateLimit? own))
            {
                if (_peers.Count >= MaxPeerCount) _peers.RemoveAt(0);
                _peers.Add(peer, own = new RateLimit(options.RequestsPerMinuteAndPeer, options.RequestsPerMinuteAndPeer / 60.0));
            }

            if (!own.TryTake(now) || !_all.TryTake(now)) return false;
            _running++;
            return true;
        }
    }

    internal void Leave()
    {
        lock (_lock) _running--;
    }

    /// <summary>Counts a request that needs a dial to another host than the asker's.</summary>
    internal bool TryEnterPaid(DateTimeOffset now)
    {
        lock (_lock) return _paid.TryTake(now);
    }

    /// <summary>The first address of a request that may be dialled, and its place; null when there is none.</summary>
    internal (int Index, Multiaddr Address)? Choose(IReadOnlyList<ByteString> addresses)
    {
        for (int i = 0; i < Math.Min(addresses.Count, options.MaxAddressCount); i++)
            if (Multiaddr.TryFromBytes(addresses[i].Span, out Multiaddr? address) && MayDial(address)) return (i, address.WithoutPeerId());
        return null;
    }

    /// <summary>Whether a dial to an address may hit somebody else than the peer that asks for it.</summary>
    internal static bool NeedsPayment(Multiaddr address, Multiaddr asker) =>
        address.HostAddress is not { } target || !target.Equals(asker.HostAddress);

    // Domain names are not dialled: what they stand for is the asker's to decide, and to change.
    private bool MayDial(Multiaddr address) =>
        AddressScopes.HasTransport(address) && address.HostAddress is { } ip && canDial(ip.AddressFamily)
        && (options.AllowPrivateAddresses ? AddressScopes.Of(ip) is not null : AddressScopes.Of(ip) == AddressScope.Public);
}
