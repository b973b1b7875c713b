namespace Overlay.Market;

/// <summary>What is asked and offered in a region at this moment, as far as this node has heard. Nobody vouches for it: whoever likes can ask for what it will not buy.</summary>
public sealed record RegionFigures
{
    /// <summary>The region; <see cref="Region.Anywhere"/> for what is asked without naming one.</summary>
    public required Region Region { get; init; }

    /// <summary>Demands that are still valid.</summary>
    public required int DemandCount { get; init; }

    /// <summary>What they ask for together.</summary>
    public required ByteSize Wanted { get; init; }

    /// <summary>The median of the highest prices that they would pay, in credits a GiB; null when none says one.</summary>
    public required decimal? MedianMaxPricePerGiB { get; init; }

    /// <summary>Providers whose offer is still valid.</summary>
    public required int OfferCount { get; init; }

    /// <summary>The median of their prices, in credits a GiB; null without offers.</summary>
    public required decimal? MedianPricePerGiB { get; init; }

    /// <summary>The lowest of their prices, in credits a GiB; null without offers.</summary>
    public required decimal? LowestPricePerGiB { get; init; }

    /// <summary>Of those providers, how many show attestations by witnesses (docs/market.md).</summary>
    public int AttestedCount { get; init; }

    /// <summary>The median of the shares of time in which witnesses reached them, from 0 to 1; null without attestations, as are the others.</summary>
    public double? MedianUptime { get; init; }

    /// <summary>The median of round trips through their exits, as witnesses saw them.</summary>
    public TimeSpan? MedianRoundTrip { get; init; }

    /// <summary>The median of the rates at which a few hundred kilobytes came from them, as witnesses saw them.</summary>
    public BitRate? MedianRateDown { get; init; }

    /// <summary>The median of the rates at which they went to them.</summary>
    public BitRate? MedianRateUp { get; init; }
}
