using System.Runtime.CompilerServices;
using Microsoft.Extensions.Logging;
using Overlay.Counterparties;
using Overlay.Discovery;
using Overlay.Market;
using Overlay.Market.Buying;
using Overlay.Market.Witnessing;
using Overlay.Proofs;
using Overlay.Proofs.Ledger;
using Overlay.Transport;
using Overlay.Transport.Connections;
using Overlay.Transport.Identify;
using Overlay.Transport.Identity;

namespace Overlay;

/// <summary>A node's part in attestations, put together: it takes those about itself where it gives service, shows what it holds, and makes some where it is
/// a witness.</summary>
internal sealed class WitnessParts : IAsyncDisposable
{
    private const int MaxAddresses = 8;

    private readonly IDisposable _handler;
    private readonly WitnessLoop? _loop;

    private WitnessParts(IDisposable handler, WitnessLoop? loop)
    {
        _handler = handler;
        _loop = loop;
    }

    /// <summary>Begins, behind discovery.</summary>
    /// <exception cref="OverlayException">The witness's target cannot be served.</exception>
    /// <exception cref="ArgumentException">A witness is wanted, and the node is not in the DHT.</exception>
    internal static async Task<WitnessParts> StartAsync(
        PeerIdentity identity, PeerHost host, ILedgerStore ledger, OverlayDiscovery discovery, MarketParts market, DialableAddresses? dialable,
        OverlayOptions options, TimeProvider time, ILogger logger, CancellationToken cancellationToken)
    {
        bool isInDht = options.Discovery.Kademlia is not null;
        if (options.Market.Witness is not null && !isInDht)
        {
            throw new ArgumentException(
                $"A witness needs the DHT, and {nameof(DiscoveryOptions)}.{nameof(DiscoveryOptions.Kademlia)} is not set.", nameof(options));
        }

        var roster = new WitnessRoster(isInDht ? token => discovery.FindProvidersAsync(WitnessDuty.RosterKey, token) : null, time, logger);
        MarketLimits limits = options.Market.Limits;
        var book = new AttestationBook(limits.AttestationEpochs, limits.AttestationEpochs * (options.Market.Witness?.MaxProvidersPerEpoch ?? 1));
        var desk = new AttestationDesk(
            new PublicKey(identity.PublicKey.Data.Span), book, roster, (epoch, token) => BlockBefore.FindAsync(ledger, epoch, token),
            options.Sharing is not null, options.DataDirectory, limits, time, logger);
        await desk.LoadAsync(cancellationToken).ConfigureAwait(false);
        WitnessLoop? loop = options.Market.Witness is not { } witness
            ? null
            : new WitnessLoop(
                identity, host, witness, options.Transport, roster, book, token => SurveyAsync(discovery, market.Exits, dialable, token),
                (connection, provider, epoch, token) => PastBlockAsync(connection, provider, epoch, time, token),
                (look, key, kept) => Furnish(look, key, kept, time), token => discovery.ProvideAsync(WitnessDuty.RosterKey, token), time, logger);
        market.Face.Desk = desk;
        IDisposable handler = host.Protocols.Handle(MarketNames.Attestation, desk.HandleAsync, maxStreamsPerConnection: 4);
        loop?.Start();
        return new WitnessParts(handler, loop);
    }

    public async ValueTask DisposeAsync()
    {
        _handler.Dispose();
        if (_loop is not null) await _loop.DisposeAsync().ConfigureAwait(false);
    }

    /// <summary>Those of whom there was an offer, and all that the DHT has.</summary>
    private static async IAsyncEnumerable<Watched> SurveyAsync(
        OverlayDiscovery discovery, MarketExits exits, DialableAddresses? dialable, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        foreach (Exit exit in exits.Known())
            if (WitnessDuty.KeyOf(exit.Peer) is { } key) yield return new Watched(key, exit.Peer, exit.Addresses);
        await foreach (PeerInfo provider in discovery.FindProvidersAsync(Region.Anywhere, cancellationToken).ConfigureAwait(false))
        {
            if (WitnessDuty.KeyOf(provider.PeerId) is not { } key) continue;
            IReadOnlyList<Multiaddr> told = [.. provider.ListenAddresses.Take(MaxAddresses)];
            IReadOnlyList<Multiaddr> addresses = dialable is null ? told : await dialable(told, cancellationToken).ConfigureAwait(false);
            if (addresses.Count > 0) yield return new Watched(key, provider.PeerId, addresses);
        }
    }

    private static void Furnish(PeerHost look, PublicKey key, ILedgerStore ledger, TimeProvider time)
    {
        var exchange = new ExchangeOptions();
        look.Protocols.Handle(LedgerProtocol.Name, new LedgerServer(key, ledger, exchange, time).HandleAsync, exchange.MaxStreamsPerConnection);
    }

    private static async ValueTask<Digest> PastBlockAsync(PeerConnection connection, PublicKey provider, ulong epoch, TimeProvider time,
        CancellationToken cancellationToken)
    {
        PeerStream stream = await connection.OpenStreamAsync(LedgerProtocol.Name, cancellationToken).ConfigureAwait(false);
        await using ConfiguredAsyncDisposable disposing = stream.ConfigureAwait(false);
        Digest block = await BlockBefore.FindAsync(new LedgerQuery(stream, new ExchangeOptions(), time), provider, epoch, cancellationToken)
            .ConfigureAwait(false);
        await stream.Output.CompleteAsync().ConfigureAwait(false);
        return block;
    }
}
