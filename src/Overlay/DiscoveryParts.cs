using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Overlay.Diagnostics;
using Overlay.Discovery;
using Overlay.Discovery.Addresses;
using Overlay.Discovery.Bootstrap;
using Overlay.Discovery.Kademlia;
using Overlay.Transport;
using Overlay.Transport.Identity;

namespace Overlay;

/// <summary>What finds others for a node, put together: the finder, the DHT, and what the one tells the other.</summary>
internal sealed class DiscoveryParts : IAsyncDisposable
{
    private readonly PeerFinder _finder;
    private readonly KademliaDiscovery? _kademlia;
    private Task _announcing = Task.CompletedTask;

    private DiscoveryParts(PeerFinder finder, KademliaDiscovery? kademlia, PeerIdentity identity, TimeProvider time)
    {
        _finder = finder;
        _kademlia = kademlia;
        Face = new OverlayDiscovery(finder, kademlia, identity, time);
    }

    /// <summary>What a host sees of it.</summary>
    internal OverlayDiscovery Face { get; }

    /// <summary>Begins to look for others, behind listening: what the node listens on decides where it looks.</summary>
    internal static async Task<DiscoveryParts> StartAsync(
        PeerHost host, PeerIdentity identity, OverlayOptions options, OverlayServices services, TimeProvider time, ILogger logger, CancellationToken cancellationToken)
    {
        PeerFinder finder = await StartFinderAsync(host, options, services, time, logger, cancellationToken).ConfigureAwait(false);
        KademliaDiscovery? kademlia = null;
        if (options.Discovery.Kademlia is { } wanted)
        {
            // Whoever cannot be dialled is no help to others in the table.
            if (options.Listen.Count == 0) wanted = wanted with { Mode = KademliaMode.Client };
            kademlia = new KademliaDiscovery(
                host, wanted, () => OwnAddresses(host, finder), time, logger, services.MeterFactory is { } meters ? new KademliaMetrics(meters) : null,
                // In an isolated network every address is as good as the next.
                wanted.AllowPrivateAddresses ? null : finder.ResolveToldAsync);
        }

        var parts = new DiscoveryParts(finder, kademlia, identity, time);
        try
        {
            parts.Join(options.Discovery);
            return parts;
        }
        catch
        {
            await parts.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }

    // Who is there already, and whoever comes, is told to the DHT.
    private void Join(DiscoveryOptions options)
    {
        if (_kademlia is not { } kademlia) return;
        _finder.PeerLearned = (peer, addresses, _, _) => kademlia.Meet(peer, addresses);
        // A /dnsaddr name leads to peers of whom the finder tells as soon as it has reached them.
        kademlia.Start(options.Bootstrap.Select(Multiaddr.Parse), expectsPeers: options.Bootstrap.Count + options.PersistentPeers.Count != 0);
        foreach (NetworkPeer peer in _finder.Peers) kademlia.Meet(peer.PeerId, _finder.FindAddresses(peer.PeerId));
    }

    /// <inheritdoc cref="DialableAddresses"/>
    internal ValueTask<IReadOnlyList<Multiaddr>> DialableAsync(IReadOnlyList<Multiaddr> told, CancellationToken cancellationToken) => _finder.ResolveToldAsync(told, cancellationToken);

    /// <summary>Announces this node as an exit: under its region, and under the one for anywhere.</summary>
    internal void Announce(Region region)
    {
        if (_kademlia is null) return;
        _announcing = Task.WhenAll(new[] { region, Region.Anywhere }.Distinct().Select(place => _kademlia.ProvideAsync(OverlayDiscovery.KeyOf(place), CancellationToken.None)));
    }

    /// <summary>No longer announces it.</summary>
    internal void StopAnnouncing(Region region)
    {
        if (_kademlia is null) return;
        foreach (Region place in new[] { region, Region.Anywhere }.Distinct()) _kademlia.StopProviding(OverlayDiscovery.KeyOf(place));
    }

    public async ValueTask DisposeAsync()
    {
        _finder.PeerLearned = null;
        if (_kademlia is not null) await _kademlia.DisposeAsync().ConfigureAwait(false);
        await _announcing.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        await _finder.DisposeAsync().ConfigureAwait(false);
    }

    // What others have confirmed comes behind what the node knows by itself: a port that a router forwards, say.
    private static IReadOnlyList<Multiaddr> OwnAddresses(PeerHost host, PeerFinder finder) => [.. host.ListenAddresses.Concat(finder.Reachability.Confirmed).Distinct()];

    private static async Task<PeerFinder> StartFinderAsync(
        PeerHost host, OverlayOptions options, OverlayServices services, TimeProvider time, ILogger logger, CancellationToken cancellationToken)
    {
        var parts = new PeerFinderParts
        {
            Time = time,
            Loggers = services.LoggerFactory ?? NullLoggerFactory.Instance,
            Meters = services.MeterFactory,
            TextRecords = new DnsTextRecords(options.Discovery.DnsAddr.LookupTimeout),
        };
        IAddressBookStore store = OpenAddressBook(options, logger);
        try
        {
            return await PeerFinder.StartAsync(host, options.Discovery, store, parts, cancellationToken).ConfigureAwait(false);
        }
        catch
        {
            await store.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }

    // A node can do without what it knew of others; it cannot without its key and ledger.
    private static IAddressBookStore OpenAddressBook(OverlayOptions options, ILogger logger)
    {
        if (options.DataDirectory is not { } folder) return new InMemoryAddressBookStore();
        try
        {
            return SqliteAddressBookStore.Open(Path.Combine(folder, PeerFinder.AddressBookFile));
        }
        catch (AddressBookException e)
        {
            DiscoveryLog.BookNotKept(logger, e.Message);
            return new InMemoryAddressBookStore();
        }
    }
}
