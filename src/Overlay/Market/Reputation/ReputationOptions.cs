namespace Overlay.Market.Reputation;

/// <summary>How far others' word goes, and what it may take of a node's memory and work. Immutable; change with <c>with</c>.</summary>
internal sealed record ReputationOptions
{
    /// <summary>Peers in the graph; those beyond it are left out. 4,096. 2 to 65,536.</summary>
    internal int MaxNodes { get; init => field = OptionChecks.InRange(value, 2, 65_536); } = 4096;

    /// <summary>Relations between others in the graph; those beyond it are left out. 65,536. 1 to 1 M.</summary>
    internal int MaxEdges { get; init => field = OptionChecks.InRange(value, 1, 1 << 20); } = 65_536;

    /// <summary>Steps from this node to the farthest peer of which word comes; the first is to those it has dealt with itself. 3, which is also the most. 1 for nobody's word.</summary>
    internal int Hops { get; init => field = OptionChecks.InRange(value, 1, 3); } = 3;

    /// <summary>Bytes of service received and paid for that are worth one unit of word. 64 MiB, as much as a block of the ledger covers. 1 to 1 T.</summary>
    internal long UnitBytes { get; init => field = OptionChecks.InRange(value, 1, 1L << 40); } = 64 << 20;

    /// <summary>Units that one peer's word is worth at most, however much it has served. 16. 1 to 1,024.</summary>
    internal int MaxUnits { get; init => field = OptionChecks.InRange(value, 1, 1024); } = 16;

    /// <summary>Percent of what a peer has been given that goes on to those it has dealt with. 50. 0 to 100.</summary>
    internal int PassedOn { get; init => field = OptionChecks.InRange(value, 0, 100); } = 50;

    /// <summary>The fraction of a unit below which word counts for nothing, so that it cannot be strewn over any number of keys: one in 16. 1 to 65,536.</summary>
    internal int LeastWord { get; init => field = OptionChecks.InRange(value, 1, 65_536); } = 16;

    /// <summary>How old the graph may be when it is asked for. 10 min. Above zero.</summary>
    internal TimeSpan RefreshInterval { get; init => field = value > TimeSpan.Zero ? value : throw new ArgumentOutOfRangeException(nameof(RefreshInterval), value, "RefreshInterval must be above zero."); } =
        TimeSpan.FromMinutes(10);
}
