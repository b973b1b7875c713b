using Overlay.Discovery.Addresses;
using Overlay.Transport.Identity;

namespace Overlay.Discovery.Bootstrap;

/// <summary>The ways into the network that the owner named, by peer, with <c>/dnsaddr</c> names looked up when they are needed and kept for a while.</summary>
/// <remarks>
/// Used by one task at a time, but for <see cref="Peers"/>, which may be read on any thread. An address that the owner wrote is dialled wherever it leads. What a name server says is not: only public addresses are
/// taken from it, or whoever answers for it could aim this node at the owner's network.
/// </remarks>
internal sealed class BootstrapPeers
{
    private static readonly TimeSpan s_keep = TimeSpan.FromMinutes(10), s_retry = TimeSpan.FromSeconds(30);

    private readonly Multiaddr[] _names;
    private readonly (Multiaddr Address, AddressScope? ToldFrom)[] _direct;
    private readonly DnsAddrResolver _resolver;
    private readonly Random _random;
    private (Multiaddr Address, AddressScope? ToldFrom)[] _resolved = [];
    private DateTimeOffset _nextLookup;

    /// <param name="addresses">Addresses that name a peer, or begin with <c>/dnsaddr</c>.</param>
    /// <param name="resolver">Follows the latter.</param>
    /// <param name="random">Of the order, so that not every node asks the same peer first.</param>
    internal BootstrapPeers(IReadOnlyList<Multiaddr> addresses, DnsAddrResolver resolver, Random random)
    {
        _names = [.. addresses.Where(address => address.HostNameKind == MultiaddrProtocol.DnsAddr)];
        _direct = [.. addresses.Where(address => address.HostNameKind != MultiaddrProtocol.DnsAddr).Select(address => (address, (AddressScope?)null))];
        _resolver = resolver;
        _random = random;
        Arrange();
    }

    /// <summary>The peers that are known now, in an order of chance, each with its addresses.</summary>
    internal IReadOnlyList<(PeerId Peer, IReadOnlyList<(Multiaddr Address, AddressScope? ToldFrom)> Addresses)> Peers { get; private set; } = [];

    /// <summary>Whether names should be looked up before it is said that nobody is left to dial.</summary>
    internal bool NeedsLookup(DateTimeOffset now) => _names.Length > 0 && now >= _nextLookup;

    /// <summary>Looks the names up.</summary>
    /// <returns>Names that led nowhere.</returns>
    internal async ValueTask<IReadOnlyList<Multiaddr>> LookUpAsync(DateTimeOffset now, CancellationToken cancellationToken)
    {
        _nextLookup = now + s_retry;
        var found = new List<(Multiaddr, AddressScope?)>();
        var empty = new List<Multiaddr>();
        foreach (Multiaddr name in _names)
        {
            IReadOnlyList<Multiaddr> addresses = await _resolver.ResolveAsync(name, cancellationToken).ConfigureAwait(false);
            Multiaddr[] usable = [.. addresses.Where(AddressScopes.HasTransport)];
            if (usable.Length == 0) empty.Add(name);
            found.AddRange(usable.Select(address => (address, (AddressScope?)AddressScope.Public)));
        }

        // What was known still holds when the name servers are gone.
        if (found.Count == 0) return empty;
        _resolved = [.. found];
        _nextLookup = now + s_keep;
        Arrange();
        return empty;
    }

    private void Arrange()
    {
        (PeerId, IReadOnlyList<(Multiaddr, AddressScope?)>)[] peers =
            [.. _direct.Concat(_resolved).GroupBy(one => one.Address.PeerId!)
                .Select(group => (group.Key, (IReadOnlyList<(Multiaddr, AddressScope?)>)[.. group]))];
        _random.Shuffle(peers);
        Peers = peers;
    }
}
