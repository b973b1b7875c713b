using System.Runtime.CompilerServices;
using System.Security.Cryptography;
using Microsoft.Extensions.Logging;
using Overlay.Diagnostics;
using Overlay.Discovery.Addresses;
using Overlay.Discovery.Bootstrap;
using Overlay.Discovery.Mdns;
using Overlay.Discovery.Reachability;
using Overlay.Transport;
using Overlay.Transport.Connections;
using Overlay.Transport.Identify;
using Overlay.Transport.Identity;

namespace Overlay.Discovery;

/// <summary>Finds peers on the local network, by the ways in that the owner named, and again where they were found before; keeps connections with
/// them.</summary>
/// <remarks>Safe on several threads. Works by itself from the node's start to its end.</remarks>
internal sealed class PeerFinder : IAsyncDisposable
{
    /// <summary>The address book's file in the data folder.</summary>
    internal const string AddressBookFile = "peers.db";

    private readonly PeerHost _host;
    private readonly AddressBook _book;
    private readonly HashSet<Multiaddr> _owners; // addresses that end in /p2p/…
    private readonly PeerTable _table = new();
    private readonly Changes _changes = new();
    private readonly ScopedDialer _dialer;
    private readonly AddressBookKeeper _keeper;
    private readonly FinderLoop _loop;
    private readonly LatencyLoop _latency;
    private readonly ReachabilityService? _reachability;
    private readonly MdnsService? _mdns;

    private PeerFinder(PeerHost host, DiscoveryOptions options, AddressBook book, IAddressBookStore store, PeerFinderParts parts)
    {
        _host = host;
        _book = book;
        _owners = [.. options.Bootstrap.Concat(options.PersistentPeers).Select(Multiaddr.Parse).Where(address => address.PeerId is not null)];
        ILogger logger = parts.Loggers.CreateLogger("Overlay");
        // Whoever listens only on loopback, or nowhere, is of no use to the network around.
        bool isOpen = parts.IsOpen ?? host.ListenAddresses.Any(address => AddressScopes.Of(address) is AddressScope.Lan or AddressScope.Public);
        _dialer = new ScopedDialer(host, parts.HostNames, parts.Time);
        host.AnnouncedAddresses = AddressesFor;
        // Before the loop, which tells it of every peer.
        if (options.Reachability is { } reachability && isOpen)
            _reachability = new ReachabilityService(host, reachability, TellReachability, parts.Time, parts.NewRandom(), parts.Loggers);
        var bootstrap = new BootstrapPeers(
            [.. options.Bootstrap.Select(Multiaddr.Parse)], new DnsAddrResolver(parts.TextRecords, options.DnsAddr), parts.NewRandom());
        _keeper = new AddressBookKeeper(book, store, options.AddressBook, () => _table.Snapshot, parts.Time, logger);
        _loop = new FinderLoop(host, options, book, _table, _dialer, bootstrap, TakeIdentified, _changes.Tell, parts.Time, parts.NewRandom(), logger);
        _latency = new LatencyLoop(host, _table, parts.Time);
        if (options.Mdns is { } mdns && isOpen && parts.OpenMulticast(mdns, logger) is { } multicast)
            _mdns = new MdnsService(multicast, host.PeerId, mdns, () => host.ListenAddresses, TakeHeard, parts.Time, parts.NewRandom(), logger);
        if (parts.Meters is { } meters)
            DiscoveryMetrics.Create(meters, () => _table.Connected.Count, () => book.Count, Refusals, () => _reachability?.Server?.ServedCount ?? 0);
    }

    /// <summary>Peers with a connection, the longest connected first, then those that are only seen on the local network. A snapshot.</summary>
    public IReadOnlyList<NetworkPeer> Peers => _table.Snapshot;

    /// <summary>Whether and where others can dial this node, as far as is known.</summary>
    public ReachabilityReport Reachability => _reachability?.Report ?? new ReachabilityReport(ReachabilityVerdict.Unknown, [], []);

    /// <summary>What other parts of the node want to hear: a peer, where it is, how it was found, and from how far away that was told.</summary>
    internal Action<PeerId, IReadOnlyList<Multiaddr>, PeerSource, AddressScope>? PeerLearned { get; set; }

    /// <summary>Told when <see cref="Reachability"/> has become another.</summary>
    internal Action<ReachabilityReport>? ReachabilityChanged { get; set; }

    /// <summary>Changes among the peers: first everybody who is there already, then whoever comes and goes, until cancelled or the node stops.</summary>
    /// <remarks>A slow reader misses what has passed meanwhile: a peer that came and went between two elements does not appear.</remarks>
    public async IAsyncEnumerable<PeerChange> WatchPeersAsync([EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        var seen = new Dictionary<PeerId, NetworkPeer>();
        using Changes.Reader reader = _changes.Read();
        while (await reader.WaitAsync(cancellationToken).ConfigureAwait(false))
        {
            IReadOnlyList<NetworkPeer> now = Peers;
            foreach (PeerChange change in PeerChanges.Between(seen, now)) yield return change;
            seen = now.ToDictionary(peer => peer.PeerId);
        }
    }

    /// <summary>The peers of the node that runs on a data folder, in another process say, as it told them last.</summary>
    /// <returns>Null when no node runs there.</returns>
    /// <exception cref="OverlayException">The folder cannot be read.</exception>
    public static IReadOnlyList<NetworkPeer>? ReadRunning(string dataDirectory)
    {
        ArgumentException.ThrowIfNullOrEmpty(dataDirectory);
        try
        {
            return SqliteAddressBookStore.ReadConnections(Path.Combine(dataDirectory, AddressBookFile));
        }
        catch (AddressBookException e)
        {
            throw new OverlayException(OverlayError.DataDirectory, e.Message, e);
        }
    }

    /// <summary>The addresses known of a peer that may be dialled now, best first: where it was last reached, then what it says of itself.</summary>
    public IReadOnlyList<Multiaddr> FindAddresses(PeerId peer)
    {
        ArgumentNullException.ThrowIfNull(peer);
        return [.. _book.Find(peer).Select(entry => entry.Address)];
    }

    /// <summary>Returns a connection to a peer whose addresses are known, dialling it if there is none.</summary>
    /// <exception cref="ConnectionException">It could not be reached, or no address of it is known.</exception>
    public ValueTask<PeerConnection> ConnectAsync(PeerId peer, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(peer);
        return _dialer.ConnectAsync(peer, [.. _book.Find(peer).Select(entry => (entry.Address, entry.ToldFrom))], cancellationToken);
    }

    /// <summary>Takes addresses that somebody at a distance told of a peer. Those that may not be dialled from there are left out.</summary>
    internal void Learn(PeerId peer, IReadOnlyList<Multiaddr> addresses, AddressScope toldFrom)
    {
        if (peer != _host.PeerId && _book.Add(peer, addresses, AddressOrigin.Told, toldFrom) > 0) _loop.Wake();
    }

    /// <summary>Of addresses that somebody on the Internet told, those that may be dialled from here, names replaced by what they stand for now. Those that the
    /// owner wrote down, the peer's name included, are the owner's word whoever repeats them, and lead anywhere.</summary>
    internal ValueTask<IReadOnlyList<Multiaddr>> ResolveToldAsync(IReadOnlyList<Multiaddr> addresses, CancellationToken cancellationToken) =>
        _dialer.ResolveAsync([.. addresses.Select(address => (address, _owners.Contains(address) ? null : (AddressScope?)AddressScope.Public))], cancellationToken);

    /// <summary>Takes addresses of a peer that another one told, and dials it if there is no connection with it.</summary>
    /// <param name="peer">The peer.</param>
    /// <param name="addresses">Where it is said to be. Those that may not be dialled from as far as <paramref name="toldBy"/> are left out.</param>
    /// <param name="toldBy">The connection on which that was heard.</param>
    /// <param name="cancellationToken">Gives up waiting.</param>
    /// <exception cref="ConnectionException">It could not be reached, or no address may be dialled.</exception>
    internal async ValueTask<PeerConnection> ConnectAsync(PeerId peer, IReadOnlyList<Multiaddr> addresses, PeerConnection toldBy,
        CancellationToken cancellationToken)
    {
        AddressScope distance = AddressScopes.Of(toldBy.RemoteAddress) ?? AddressScope.Public;
        IEnumerable<(Multiaddr, AddressScope?)> known = _book.Find(peer).Select(entry => (entry.Address, entry.ToldFrom));
        _table.Expect(peer, PeerSource.Network);
        try
        {
            PeerConnection connection = await _dialer.ConnectAsync(
                peer, [.. known, .. addresses.Select(address => (address, (AddressScope?)distance))], cancellationToken).ConfigureAwait(false);
            _loop.TakeConnections();
            return connection;
        }
        finally
        {
            _table.ExpectNoMore(peer);
        }
    }

    /// <summary>Reads the address book and begins.</summary>
    /// <param name="host">The host, listening already; it is the caller's.</param>
    /// <param name="options">How to find peers.</param>
    /// <param name="store">Where the book is kept; then the finder's.</param>
    /// <param name="parts">What it works with.</param>
    /// <param name="cancellationToken">Gives up.</param>
    internal static async Task<PeerFinder> StartAsync(
        PeerHost host, DiscoveryOptions options, IAddressBookStore store, PeerFinderParts parts, CancellationToken cancellationToken)
    {
        var book = new AddressBook(options.AddressBook, parts.Time);
        try
        {
            book.Restore(await store.LoadAsync(options.AddressBook.MaxPeerCount, cancellationToken).ConfigureAwait(false));
        }
        catch (AddressBookException e)
        {
            DiscoveryLog.BookNotKept(parts.Loggers.CreateLogger("Overlay"), e.Message);
        }

        if (store.DamagedCount > 0) DiscoveryLog.BookDamaged(parts.Loggers.CreateLogger("Overlay"), store.DamagedCount);
        return new PeerFinder(host, options, book, store, parts);
    }

    /// <summary>Says goodbye to the local network, dials nobody any more and writes the book. The node's business; the connections are the host's.</summary>
    public async ValueTask DisposeAsync()
    {
        if (_mdns is not null) await _mdns.DisposeAsync().ConfigureAwait(false);
        await _loop.DisposeAsync().ConfigureAwait(false);
        await _latency.DisposeAsync().ConfigureAwait(false);
        if (_reachability is not null) await _reachability.DisposeAsync().ConfigureAwait(false);
        await _keeper.DisposeAsync().ConfigureAwait(false);
        _changes.Complete();
    }

    /// <summary>What a peer is told of this node's addresses: those that mean the same where it is, and beyond the LAN those that others have
    /// confirmed.</summary>
    private IReadOnlyList<Multiaddr> AddressesFor(PeerConnection connection)
    {
        IReadOnlyList<Multiaddr> listening = _host.ListenAddresses;
        // On no network of IP addresses, in memory say, there is nothing to choose.
        if (AddressScopes.Of(connection.RemoteAddress) is not { } distance) return listening;
        return [.. listening.Where(own => AddressScopes.MayTell(own, distance)).Concat(Reachability.Confirmed).DistinctBy(address => address.WithoutPeerId())];
    }

    private void TakeIdentified(PeerConnection connection, PeerInfo info)
    {
        if (info.ObservedAddress is { } observed) _reachability?.Observe(connection, observed);
        if (PeerLearned is not { } told) return;
        PeerSource source = _table.Connected.GetValueOrDefault(info.PeerId, PeerSource.Inbound);
        told(info.PeerId, FindAddresses(info.PeerId), source, AddressScopes.Of(connection.RemoteAddress) ?? AddressScope.Public);
    }

    private void TakeHeard(IReadOnlyList<MdnsPeer> heard)
    {
        _table.Lan = heard;
        _changes.Tell();
        _loop.Wake();
        if (PeerLearned is not { } told) return;
        foreach (MdnsPeer peer in heard) told(peer.Peer, peer.Addresses, PeerSource.Mdns, AddressScope.Lan);
    }

    private IEnumerable<(string Part, string Reason, long Count)> Refusals()
    {
        yield return ("book", "refused", _book.RefusedCount);
        yield return ("dial", "scope", _dialer.RefusedCount);
        if (_reachability?.Server is { } server) yield return ("autonat", "refused", server.RefusedCount);
        if (_mdns is null) yield break;
        foreach ((MdnsRefusal reason, long count) in _mdns.Refusals) yield return ("mdns", NameOf(reason), count);
    }

    // Names of their own, so that a renamed member does not rename a series on somebody's dashboard.
    private static string NameOf(MdnsRefusal reason) => reason switch
    {
        MdnsRefusal.Rate => "rate",
        MdnsRefusal.Source => "source",
        MdnsRefusal.Malformed => "malformed",
        MdnsRefusal.Address => "address",
        MdnsRefusal.Capacity => "capacity",
        _ => "other",
    };

    private void TellReachability()
    {
        ReachabilityChanged?.Invoke(Reachability);
        _host.AnnounceAddresses();
    }
}
