namespace Overlay.Market;

/// <summary>What others may take of a node's memory and work by demand and offers. Immutable; change with <c>with</c>.</summary>
public sealed record MarketLimits
{
    /// <summary>Demands of one key at once; more are passed over. 4. 1 to 1,000.</summary>
    public int DemandBurstPerKey { get; init => field = OptionChecks.InRange(value, 1, 1000); } = 4;

    /// <summary>Demands of one key in a minute after that. 2. 1 to 1,000.</summary>
    public int DemandsPerMinutePerKey { get; init => field = OptionChecks.InRange(value, 1, 1000); } = 2;

    /// <summary>Demands from one neighbour at once, whoever made them; more are passed over. 64. 1 to 100,000.</summary>
    public int DemandBurstPerConnection { get; init => field = OptionChecks.InRange(value, 1, 100_000); } = 64;

    /// <summary>Demands from one neighbour in a minute after that. 600. 1 to 1 M.</summary>
    public int DemandsPerMinutePerConnection { get; init => field = OptionChecks.InRange(value, 1, 1 << 20); } = 600;

    /// <summary>Keys and neighbours whose demand is counted; beyond it those heard of longest ago are forgotten. 4,096. 16 to 1 M.</summary>
    public int MaxCounted { get; init => field = OptionChecks.InRange(value, 16, 1 << 20); } = 4096;

    /// <summary>Demands that are remembered for the figures of a region; beyond it the oldest are forgotten. 4,096. 16 to 1 M.</summary>
    public int MaxDemands { get; init => field = OptionChecks.InRange(value, 16, 1 << 20); } = 4096;

    /// <summary>Regions with figures. 300: there are some 250 codes. 1 to 1,000.</summary>
    public int MaxRegions { get; init => field = OptionChecks.InRange(value, 1, 1000); } = 300;

    /// <summary>Offers that a provider makes at once. 20. 1 to 1,000.</summary>
    public int AnswerBurst { get; init => field = OptionChecks.InRange(value, 1, 1000); } = 20;

    /// <summary>Offers that a provider makes in a minute after that; each is a dial. 120. 1 to 100,000.</summary>
    public int AnswersPerMinute { get; init => field = OptionChecks.InRange(value, 1, 100_000); } = 120;

    /// <summary>Offers that a provider makes at once to addresses of one network (IPv4 /24, IPv6 /56; all names together), of which anybody can name anybody's. 4. 1 to 1,000.</summary>
    public int AnswerBurstPerNetwork { get; init => field = OptionChecks.InRange(value, 1, 1000); } = 4;

    /// <summary>Offers that a provider makes to addresses of one network in a minute after that. 12. 1 to 100,000.</summary>
    public int AnswersPerMinutePerNetwork { get; init => field = OptionChecks.InRange(value, 1, 100_000); } = 12;

    /// <summary>Offers under way at once. 8. 1 to 100.</summary>
    public int MaxAnswersAtOnce { get; init => field = OptionChecks.InRange(value, 1, 100); } = 8;

    /// <summary>Demands that wait to be answered; more are passed over. 64. 1 to 10,000.</summary>
    public int MaxAnswersWaiting { get; init => field = OptionChecks.InRange(value, 1, 10_000); } = 64;

    /// <summary>Offers that a consumer takes for one demand. 64. 1 to 1,000.</summary>
    public int MaxOffersPerDemand { get; init => field = OptionChecks.InRange(value, 1, 1000); } = 64;

    /// <summary>Providers that a consumer asks at once for their terms. 8. 1 to 64.</summary>
    public int MaxAsksAtOnce { get; init => field = OptionChecks.InRange(value, 1, 64); } = 8;

    /// <summary>Providers asked in one search. 64. 1 to 1,000.</summary>
    public int MaxAsksPerSearch { get; init => field = OptionChecks.InRange(value, 1, 1000); } = 64;

    /// <summary>Providers that are remembered; beyond it those used longest ago are forgotten. 1,024. 16 to 100,000.</summary>
    public int MaxProviders { get; init => field = OptionChecks.InRange(value, 16, 100_000); } = 1024;

    /// <summary>Epochs (hours) whose attestations are kept, shown and counted, the present one among them. 24. 1 to 48.</summary>
    public int AttestationEpochs { get; init => field = OptionChecks.InRange(value, 1, 48); } = 24;

    /// <summary>Attestations that one peer hands over or asks for at once; more are refused. 8. 1 to 1,000.</summary>
    public int AttestationBurst { get; init => field = OptionChecks.InRange(value, 1, 1000); } = 8;

    /// <summary>Attestations that one peer hands over or asks for in a minute after that. 6. 1 to 1,000.</summary>
    public int AttestationsPerMinute { get; init => field = OptionChecks.InRange(value, 1, 1000); } = 6;
}
