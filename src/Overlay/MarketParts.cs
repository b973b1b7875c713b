using Microsoft.Extensions.Logging;
using Overlay.Diagnostics;
using Overlay.Gossip;
using Overlay.Market;
using Overlay.Market.Buying;
using Overlay.Market.Demanding;
using Overlay.Market.Messages;
using Overlay.Market.Regions;
using Overlay.Market.Reputation;
using Overlay.Market.Selling;
using Overlay.Market.Witnessing;
using Overlay.Proofs;
using Overlay.Proofs.Ledger;
using Overlay.Sessions;
using Overlay.Transport;
using Overlay.Transport.Connections;
using Overlay.Transport.Identity;

namespace Overlay;

/// <summary>What buys and sells for a node, put together: it hears demand, answers it, tells its own, and knows the providers.</summary>
internal sealed class MarketParts : IAsyncDisposable
{
    private static readonly TimeSpan s_priceInterval = TimeSpan.FromMinutes(1);

    private readonly MarketBoard _board;
    private readonly DemandWatch? _watch;
    private readonly DemandTelling? _telling;
    private readonly ReputationSource _reputation;
    private readonly RegionRule _regions;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly CancellationTokenSource _stopping = new();
    private DemandAnswering? _answering;
    private Task _following = Task.CompletedTask;

    /// <param name="identity">The node's key.</param>
    /// <param name="host">Its connections.</param>
    /// <param name="gossip">Its gossip; null where it has none, and then only the DHT finds providers.</param>
    /// <param name="ledger">What it has signed, and what it keeps of others.</param>
    /// <param name="sessions">Asks providers for their terms.</param>
    /// <param name="lookup">Finds providers in the DHT; null where the node is not in it.</param>
    /// <param name="find">Finds where a peer is.</param>
    /// <param name="dialable">Of addresses told from afar, those that may be dialled; null for all.</param>
    /// <param name="options">The node's options.</param>
    /// <param name="time">The clock.</param>
    /// <param name="logger">Where it is told.</param>
    internal MarketParts(
        PeerIdentity identity, PeerHost host, GossipNode? gossip, ILedgerStore ledger, ConsumerSessions sessions, ProviderLookup? lookup, PeerLookup find,
        DialableAddresses? dialable, OverlayOptions options, TimeProvider time, ILogger logger)
    {
        _time = time;
        _logger = logger;
        _board = new MarketBoard(options.Market.Limits);
        _regions = new RegionRule(options.Market.GeoIpFile is { } file ? GeoIpFile.Open(file, logger) : null, options.Market.OwnRegion);
        var attestations = new AttestationAsking(options.Market.Limits, time, logger);
        if (gossip is not null)
        {
            _watch = new DemandWatch(gossip, new DemandGate(options.Market.Limits), _board, time);
            _telling = new DemandTelling(identity, host, gossip, dialable, options.Market, options.Transport, attestations, time, logger);
            _telling.Start();
        }

        TellDemand? tell = _telling is null ? null : _telling.RunAsync;
        var search = new ProviderSearch(host, sessions, _board, lookup, find, tell, dialable, attestations, _regions, options.Market, time, logger);
        _reputation = new ReputationSource(new PublicKey(identity.PublicKey.Data.Span), ledger, new ReputationOptions(), time, logger);
        Exits = new MarketExits(search, options.Market, time, logger, _reputation.WordOf);
        Face = new OverlayMarket(_board, Exits, _watch, (peer, token) => ConnectAsync(host, find, peer, token), options.Market.Limits, time);
    }

    /// <summary>The providers that are known and found.</summary>
    internal MarketExits Exits { get; }

    /// <summary>What a host sees of it.</summary>
    internal OverlayMarket Face { get; }

    /// <summary>Answers demand from now on, and lets the price follow it.</summary>
    internal void Sell(
        ProviderSessions sharing, SharingOptions shared, PeerHost host, PeerIdentity identity, DialableAddresses? dialable, OverlayOptions options, int maxSessions)
    {
        var offers = new ProviderOffers(sharing, shared.OpenPorts);
        if (_watch is not null)
        {
            DemandAnswering answering = _answering = new DemandAnswering(
                host, identity, offers, _board, dialable, options.Market.Limits, options.Transport, _time, _logger);
            _watch.Heard = answering.Take;
            _watch.Watch(shared.Region);
            _watch.Watch(Region.Anywhere);
        }

        if (shared.MaxPricePerGiB is not { } ceiling) return;
        if (ceiling < shared.PricePerGiB)
            throw new ArgumentException($"MaxPricePerGiB {ceiling} must not be below PricePerGiB {shared.PricePerGiB}.", nameof(shared));
        var follower = new PriceFollower(Price.ToMicroCredits(shared.PricePerGiB), Price.ToMicroCredits(ceiling));
        _following = Task.Run(() => FollowAsync(follower, sharing, shared.Region, new PublicKey(identity.PublicKey.Data.Span), maxSessions));
    }

    public async ValueTask DisposeAsync()
    {
        await _stopping.CancelAsync().ConfigureAwait(false);
        if (_watch is not null)
        {
            _watch.Heard = null;
            await _watch.DisposeAsync().ConfigureAwait(false);
        }

        if (_answering is not null) await _answering.DisposeAsync().ConfigureAwait(false);
        await Exits.DisposeAsync().ConfigureAwait(false);
        await _reputation.DisposeAsync().ConfigureAwait(false);
        _telling?.Dispose();
        await _following.ConfigureAwait(false);
        _regions.Dispose();
        _stopping.Dispose();
    }

    private static async ValueTask<PeerConnection> ConnectAsync(PeerHost host, PeerLookup find, PeerId peer, CancellationToken cancellationToken) =>
        host.FindConnection(peer)
            ?? await host.ConnectAsync(peer, await find(peer, cancellationToken).ConfigureAwait(false), cancellationToken).ConfigureAwait(false);

    private async Task FollowAsync(PriceFollower follower, ProviderSessions sharing, Region region, PublicKey self, int maxSessions)
    {
        using var timer = new PeriodicTimer(s_priceInterval, _time);
        try
        {
            while (await timer.WaitForNextTickAsync(_stopping.Token).ConfigureAwait(false))
            {
                DateTimeOffset now = _time.GetUtcNow();
                ulong before = follower.Current;
                ulong price = follower.Look(sharing.Live.Count, maxSessions, _board.HighestAsked(region, now), _board.MedianOffered(region, self, now));
                if (price == before) continue;
                // Sessions keep the price of their offer; offers from here on have the new one.
                sharing.Terms = sharing.Terms with { PricePerGiB = price };
                MarketLog.PriceChanged(_logger, price);
            }
        }
        catch (OperationCanceledException)
        {
            // The node stops.
        }
    }
}
