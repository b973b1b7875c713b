using System.Runtime.CompilerServices;
using Overlay.Market;
using Overlay.Market.Buying;
using Overlay.Market.Choosing;
using Overlay.Market.Demanding;

namespace Overlay;

/// <summary>What is asked and offered in the network, and by whom (docs/market.md).</summary>
/// <remarks>Safe on several threads.</remarks>
public sealed class OverlayMarket
{
    private readonly MarketBoard _board;
    private readonly MarketExits _exits;
    private readonly DemandWatch? _watch;
    private readonly TimeProvider _time;

    internal OverlayMarket(MarketBoard board, MarketExits exits, DemandWatch? watch, TimeProvider time)
    {
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
