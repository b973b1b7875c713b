using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Overlay.Claiming;
using Overlay.Counterparties;
using Overlay.Diagnostics;
using Overlay.Gossip;
using Overlay.Proofs.Ledger;
using Overlay.Sealing;
using Overlay.Sessions;
using Overlay.Sharing;
using Overlay.Transport;
using Overlay.Transport.Connections;
using Overlay.Transport.Identify;
using Overlay.Transport.Identity;
using Overlay.Transport.Tcp;
using Overlay.Using;

namespace Overlay;

/// <summary>What a node is made of, put together in one place and taken apart in the opposite order.</summary>
internal sealed class OverlayParts : IAsyncDisposable
{
    private readonly PeerIdentity _identity;
    private readonly OverlayOptions _options;
    private readonly ILogger _logger;
    private readonly TimeProvider _time;
    private readonly SocketTraffic _traffic = new();
    private SharingParts? _sharing;
    private ExitSessions? _using;
    private LedgerSealer? _sealing;
    private LedgerExchange? _exchange;
    private DiscoveryParts? _discovery;
    private MarketParts? _market;
    private WitnessParts? _witness;

    private OverlayParts(OverlayOptions options, OverlayServices services, PeerIdentity identity, ILedgerStore ledger)
    {
        _options = options;
        _identity = identity;
        _time = services.TimeProvider ?? TimeProvider.System;
        _logger = (services.LoggerFactory ?? NullLoggerFactory.Instance).CreateLogger("Overlay");
        Ledger = ledger;
        Claims = new ClaimDesk(
            ledger, new IdentitySigner(identity), options.DataDirectory is { } folder ? OverlayLedger.FolderOf(folder) : new ClaimedEpochs(), _time,
            epoch => _market?.Face.OwnAttestations.Where(attestation => attestation.Body.Epoch == epoch) ?? []);
        Peers = new PeerHost(
            identity, options.Transport, options.Sharing is null ? null : [new TcpTransport(new TcpTransportOptions { Traffic = _traffic })], _time, services.LoggerFactory, services.MeterFactory);
    }

    internal PeerHost Peers { get; }

    internal ILedgerStore Ledger { get; }

    internal ClaimDesk Claims { get; }

    internal OverlayDiscovery Discovery => _discovery!.Face;

    internal OverlayMarket Market => _market!.Face;

    internal OverlaySharing? Sharing => _sharing?.Face;

    internal Socks5Listener? Socks { get; private set; }

    internal HttpProxyListener? HttpProxy { get; private set; }

    internal GossipNode? Gossip { get; private set; }

    internal ITargetConnector Connector(ExitWish? wish) => _using!.For(wish ?? _options.Wish);

    internal static async Task<OverlayParts> StartAsync(OverlayOptions options, OverlayServices services, CancellationToken cancellationToken)
    {
        PeerIdentity identity = OpenIdentity(options);
        OverlayParts? parts = null;
        ILedgerStore? ledger = null;
        try
        {
            ledger = await OpenLedgerAsync(options, cancellationToken).ConfigureAwait(false);
            parts = new OverlayParts(options, services, identity, ledger);
            await parts.StartAsync(services, cancellationToken).ConfigureAwait(false);
            return parts;
        }
        catch
        {
            if (parts is not null) await parts.DisposeAsync().ConfigureAwait(false);
            else
            {
                if (ledger is not null) await ledger.DisposeAsync().ConfigureAwait(false);
                identity.Dispose();
            }

            throw;
        }
    }

    /// <summary>Takes no more clients and streams, settles, and only then lets go of connections, ledger and key.</summary>
    public async ValueTask DisposeAsync()
    {
        if (Socks is not null) await Socks.DisposeAsync().ConfigureAwait(false);
        if (HttpProxy is not null) await HttpProxy.DisposeAsync().ConfigureAwait(false);
        if (_using is not null) await _using.DisposeAsync().ConfigureAwait(false);
        if (_witness is not null) await _witness.DisposeAsync().ConfigureAwait(false);
        if (_market is not null) await _market.DisposeAsync().ConfigureAwait(false);
        if (_sharing is not null)
        {
            using var deadline = new CancellationTokenSource(_options.CloseTimeout, _time);
            await _sharing.StopAsync(deadline.Token).ConfigureAwait(false);
            await _sharing.DisposeAsync().ConfigureAwait(false);
        }

        if (_exchange is not null) await _exchange.DisposeAsync().ConfigureAwait(false);
        // Behind the last receipts, so that they are sealed too.
        if (_sealing is not null) await _sealing.DisposeAsync().ConfigureAwait(false);

        if (_discovery is not null) await _discovery.DisposeAsync().ConfigureAwait(false);
        if (Gossip is not null) await Gossip.DisposeAsync().ConfigureAwait(false);
        await Peers.DisposeAsync().ConfigureAwait(false);
        await Ledger.DisposeAsync().ConfigureAwait(false);
        _identity.Dispose();
    }

    private async Task StartAsync(OverlayServices services, CancellationToken cancellationToken)
    {
        var signer = new IdentitySigner(_identity);
        var sessions = new SessionOptions { CloseTimeout = _options.CloseTimeout };
        var diagnostics = new SessionDiagnostics(_logger, services.MeterFactory is { } meters ? new SessionsMetrics(meters) : null);
        _sealing = new LedgerSealer(Ledger, signer, new SealingOptions(), _time, _logger, isNewKey: _options.DataDirectory is null);
        LedgerExchange exchange = Exchange(signer, _sealing);
        var consumer = new ConsumerSessions(signer, Ledger, sessions, _time, diagnostics, Peers, exchange);
        exchange.ForkFound = async key =>
        {
            await consumer.EndAsync(key).ConfigureAwait(false);
            using var deadline = new CancellationTokenSource(sessions.CloseTimeout, _time);
            if (_sharing is not null) await _sharing.Sessions.EndAsync(key, deadline.Token).ConfigureAwait(false);
        };
        if (_options.Gossip is { } gossip) Gossip = new GossipNode(_identity, Peers, gossip, _time, _logger, dialable: DialableAsync, meters: services.MeterFactory);
        // Gossip and the market may be told of peers before the node has looked for any.
        DialableAddresses? dialable = _options.Discovery.Kademlia is { AllowPrivateAddresses: true } ? null : DialableAsync;
        _market = new MarketParts(
            _identity, Peers, Gossip, Ledger, consumer, _options.Discovery.Kademlia is null ? null : LookUpProviders, FindPeerAsync, dialable, _options, _time, _logger);
        _using = new ExitSessions(Peers, _options.Providers.Count > 0 ? new FixedExits(_options.Providers.Select(Multiaddr.Parse)) : _market.Exits, consumer, _time, _logger);
        if (_options.Sharing is { } sharing)
        {
            ConsentKeeper consent = await ConsentKeeper.OpenAsync(sharing, _options.DataDirectory, signer, _time, _logger, cancellationToken).ConfigureAwait(false);
            _sharing = new SharingParts(
                sharing, signer, Ledger, sessions, _time, _logger, diagnostics, Peers, exchange, services.MeterFactory is { } made ? new SharingMetrics(made) : null, consent,
                _options.DataDirectory, _traffic);
        }

        try
        {
            foreach (string address in _options.Listen) await Peers.ListenAsync(Multiaddr.Parse(address), cancellationToken).ConfigureAwait(false);
            _discovery = await DiscoveryParts.StartAsync(Peers, _identity, _options, services, _time, _logger, cancellationToken).ConfigureAwait(false);
            if (_options.Sharing is { } shared)
            {
                _discovery.Announce(shared.Region);
                _market.Sell(_sharing!.Sessions, shared, Peers, _identity, dialable, _options, sessions.MaxSessions);
                _sharing.Watch(() => _discovery.StopAnnouncing(shared.Region));
            }

            if (_options.Sharing is not null || _options.Market.Witness is not null)
                _witness = await WitnessParts.StartAsync(_identity, Peers, Ledger, Discovery, _market, dialable, _options, _time, _logger,
                    cancellationToken).ConfigureAwait(false);
            if (_options.Socks is { } socks) Socks = Socks5Listener.Start(socks, wish => Connector(wish), _options.Wish, _time, _logger);
            if (_options.HttpProxy is { } http) HttpProxy = HttpProxyListener.Start(http, wish => Connector(wish), _options.Wish, _time, _logger);
        }
        catch (Exception e) when (e is ConnectionException or System.Net.Sockets.SocketException)
        {
            throw new OverlayException(OverlayError.ListenFailed, e.Message, e);
        }
    }

    private async ValueTask<IReadOnlyList<Multiaddr>> FindPeerAsync(PeerId peer, CancellationToken cancellationToken)
    {
        IReadOnlyList<Multiaddr> known = Discovery.FindAddresses(peer);
        if (known.Count > 0 || _options.Discovery.Kademlia is null) return known;
        IReadOnlyList<Multiaddr> told = (await Discovery.FindPeerAsync(peer, cancellationToken).ConfigureAwait(false))?.ListenAddresses ?? [];
        return _options.Discovery.Kademlia.AllowPrivateAddresses ? told : await DialableAsync(told, cancellationToken).ConfigureAwait(false);
    }

    private IAsyncEnumerable<PeerInfo> LookUpProviders(Region region, CancellationToken cancellationToken) => Discovery.FindProvidersAsync(region, cancellationToken);

    private ValueTask<IReadOnlyList<Multiaddr>> DialableAsync(IReadOnlyList<Multiaddr> told, CancellationToken cancellationToken) =>
        _discovery is { } discovery ? discovery.DialableAsync(told, cancellationToken) : ValueTask.FromResult<IReadOnlyList<Multiaddr>>([]);

    private LedgerExchange Exchange(IdentitySigner signer, LedgerSealer sealing)
    {
        var options = new ExchangeOptions();
        _exchange = new LedgerExchange(signer.PublicKey, Ledger, sealing, options, _time, _logger);
        Peers.Protocols.Handle(LedgerProtocol.Name, new LedgerServer(signer.PublicKey, Ledger, options, _time).HandleAsync, options.MaxStreamsPerConnection);
        return _exchange;
    }

    private static PeerIdentity OpenIdentity(OverlayOptions options)
    {
        if (options.DataDirectory is not { } folder) return PeerIdentity.Generate();
        try
        {
            return PeerIdentityFile.LoadOrCreate(Path.Combine(folder, OverlayFiles.Key));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new OverlayException(OverlayError.DataDirectory, e.Message, e);
        }
    }

    private static async Task<ILedgerStore> OpenLedgerAsync(OverlayOptions options, CancellationToken cancellationToken)
    {
        if (options.DataDirectory is not { } folder) return new InMemoryLedgerStore();
        try
        {
            return await SqliteLedgerStore.OpenAsync(Path.Combine(folder, OverlayFiles.Ledger), cancellationToken).ConfigureAwait(false);
        }
        catch (LedgerException e)
        {
            throw new OverlayException(OverlayError.DataDirectory, e.Message, e);
        }
    }
}
