using Overlay.Market.Choosing;
using Overlay.Market.Witnessing;

namespace Overlay.Market;

/// <summary>How a node buys and sells. Immutable; change with <c>with</c>.</summary>
public sealed record MarketOptions
{
    /// <summary>Whether what this node asks for is signed with a key made for it alone and answered at a port of its own, so that those who hear it do not learn which node asks. True.
    /// The provider that is chosen learns it all the same.</summary>
    public bool AnonymousDemand { get; init; } = true;

    /// <summary>How long a demand is valid. 2 min. 10 s to 10 min.</summary>
    public TimeSpan DemandLifetime { get; init => field = OptionChecks.InRange(value, TimeSpan.FromSeconds(10), TimeSpan.FromMinutes(10)); } = TimeSpan.FromMinutes(2);

    /// <summary>How long a search for providers goes on before it gives up. 10 s. 100 ms to 5 min.</summary>
    public TimeSpan SearchTime { get; init => field = OptionChecks.InRange(value, TimeSpan.FromMilliseconds(100), TimeSpan.FromMinutes(5)); } = TimeSpan.FromSeconds(10);

    /// <summary>How long a search waits for better offers once it has one that fits. 300 ms. Up to 1 min.</summary>
    public TimeSpan SettleTime { get; init => field = OptionChecks.InRange(value, TimeSpan.Zero, TimeSpan.FromMinutes(1)); } = TimeSpan.FromMilliseconds(300);

    /// <summary>How long a provider is left alone that could not be used, the first time; twice as long each further time, up to an hour. 10 s. 1 s to 1 h.</summary>
    public TimeSpan ProviderRest { get; init => field = OptionChecks.InRange(value, TimeSpan.FromSeconds(1), TimeSpan.FromHours(1)); } = TimeSpan.FromSeconds(10);

    /// <summary>Who of several providers is taken. Null for <see cref="ExitRanking"/>.</summary>
    public IExitRanking? Ranking { get; init; }

    /// <summary>Takes part as a witness, as these say: buys a little of providers and signs what it saw. Needs the DHT, and a target that exits can reach.
    /// Null: it does not.</summary>
    public WitnessOptions? Witness { get; init; }

    /// <summary>A GeoIP file in MaxMind's form (<c>.mmdb</c>, countries or cities): an offer whose region it contradicts is not taken. Null: there is none.
    /// Read when the node starts.</summary>
    public string? GeoIpFile { get; init; }

    /// <summary>Where this node stands, for it to see that an exit is too near for the region that it names. <see cref="Region.Anywhere"/>, the default,
    /// where that is not said.</summary>
    public Region OwnRegion { get; init; } = Region.Anywhere;

    /// <summary>What others may take of this node's memory and work.</summary>
    public MarketLimits Limits { get; init => field = value ?? throw new ArgumentNullException(nameof(Limits)); } = new();
}
