using System.Runtime.CompilerServices;
using Overlay.Market;
using Overlay.Market.Buying;
using Overlay.Market.Choosing;
using Overlay.Market.Demanding;
using Overlay.Market.Witnessing;
using Overlay.Proofs;
using Overlay.Proofs.Claims;
using Overlay.Transport.Connections;
using Overlay.Transport.Identity;

namespace Overlay;

/// <summary>What is asked and offered in the network, and by whom (docs/market.md).</summary>
/// <remarks>Safe on several threads.</remarks>
public sealed class OverlayMarket
{
    private readonly MarketBoard _board;
    private readonly MarketExits _exits;
    private readonly DemandWatch? _watch;
    private readonly Func<PeerId, CancellationToken, ValueTask<PeerConnection>> _connect;
    private readonly MarketLimits _limits;
    private readonly TimeProvider _time;

    internal OverlayMarket(
        MarketBoard board, MarketExits exits, DemandWatch? watch, Func<PeerId, CancellationToken, ValueTask<PeerConnection>> connect,
            MarketLimits limits, TimeProvider time)
    {
        _connect = connect;
        _limits = limits;
        _board = board;
        _exits = exits;
        _watch = watch;
        _time = time;
    }

    /// <summary>What is asked and offered at this moment, by region, as far as this node has heard: demand of the regions that it follows, offers that it was told. A snapshot.</summary>
    public IReadOnlyList<RegionFigures> Regions => _board.Snapshot(_time.GetUtcNow());

    /// <summary>Follows the demand of a region from now on, for <see cref="Regions"/>. A node that shares follows its own.</summary>
    /// <exception cref="InvalidOperationException">The node does not gossip.</exception>
    public void Follow(Region region) =>
        (_watch ?? throw new InvalidOperationException($"This node does not gossip: {nameof(OverlayOptions)}.{nameof(OverlayOptions.Gossip)} is not set.")).Watch(region);

    /// <summary>Asks the providers that the DHT knows for their terms, for <see cref="MarketOptions.SearchTime"/> at most. Tells nobody else what is wanted.</summary>
    /// <param name="wish">What they must offer.</param>
    /// <param name="cancellationToken">Gives up waiting.</param>
    /// <returns>All that offer it now, best first by <see cref="MarketOptions.Ranking"/>.</returns>
    public Task<IReadOnlyList<ExitCandidate>> FindExitsAsync(ExitWish wish, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(wish);
        return _exits.SurveyAsync(wish, cancellationToken);
    }

    /// <summary>What witnesses have handed to this node about itself in the last epochs, ascending; nothing on a node that gives no service. A
    /// snapshot.</summary>
    public IReadOnlyList<Attestation> OwnAttestations => Desk?.Find(0) ?? [];

    /// <summary>What takes attestations; null on a node that neither gives service nor is a witness.</summary>
    internal AttestationDesk? Desk { get; set; }

    /// <summary>Asks for the attestations of a provider in the last epochs (<see cref="MarketLimits.AttestationEpochs"/>). <see cref="AttestedFigures.Of"/>
    /// puts them together.</summary>
    /// <param name="provider">Of whom.</param>
    /// <param name="witness">Who is asked: a witness gives what it has made itself, good or bad. Null for the provider, which chooses what to give.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <returns>Ascending by epoch and witness, their signatures checked.</returns>
    /// <exception cref="ArgumentException">The provider's key is not Ed25519.</exception>
    /// <exception cref="OverlayException">Whoever is asked cannot be reached, or does not answer so.</exception>
    public async Task<IReadOnlyList<Attestation>> FindAttestationsAsync(PeerId provider, PeerId? witness = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(provider);
        PublicKey key = WitnessDuty.KeyOf(provider) ?? throw new ArgumentException($"{provider} has no Ed25519 key.", nameof(provider));
        ulong now = WitnessDuty.EpochOf(_time.GetUtcNow());
        PeerId asked = witness ?? provider;
        try
        {
            PeerConnection connection = await _connect(asked, cancellationToken).ConfigureAwait(false);
            return await AttestationClient.AskAsync(connection, key, now - Math.Min(now, (ulong)_limits.AttestationEpochs - 1), cancellationToken)
                .ConfigureAwait(false);
        }
        catch (Exception e) when (e is IOException and not OverlayException or InvalidOperationException)
        {
            throw new OverlayException(OverlayError.ProviderUnreachable, $"{asked} does not tell its attestations: {e.Message}", e) { Peer = asked };
        }
    }

    /// <summary>The same as often as asked for: <see cref="Regions"/> now, and again after each interval, until cancelled.</summary>
    /// <param name="interval">Time between two; above zero.</param>
    /// <param name="cancellationToken">Ends the enumeration.</param>
    public async IAsyncEnumerable<IReadOnlyList<RegionFigures>> WatchAsync(TimeSpan interval, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(interval, TimeSpan.Zero);
        using var timer = new PeriodicTimer(interval, _time);
        do yield return Regions;
        while (await timer.WaitForNextTickAsync(cancellationToken).ConfigureAwait(false));
    }
}
