using Overlay.Proofs.Ledger;

namespace Overlay.Sealing;

/// <summary>When finished legs are sealed into a block. Immutable; change with <c>with</c>.</summary>
internal sealed record SealingOptions
{
    /// <summary>A block is sealed once the legs that wait amount to this many bytes: 64 MiB. Small sessions wait for company, so that a block of one does not tell what it was.</summary>
    public long Size { get; init => field = value > 0 ? value : throw new ArgumentOutOfRangeException(nameof(Size), value, "Size must be above zero."); } = 64 << 20;

    /// <summary>A block is sealed this long after the first leg began to wait, however little it is: 1 h.</summary>
    public TimeSpan Patience { get; init => field = Positive(value, nameof(Patience)); } = TimeSpan.FromHours(1);

    /// <summary>How long after its start a node seals nothing unless a counterparty has told what it knows of the node's own chain: 1 h. It would fork if its ledger
    /// had been put back from a backup.</summary>
    public TimeSpan Caution { get; init => field = Positive(value, nameof(Caution)); } = TimeSpan.FromHours(1);

    /// <summary>How often the ledger is looked at: every 10 s.</summary>
    public TimeSpan Interval { get; init => field = Positive(value, nameof(Interval)); } = TimeSpan.FromSeconds(10);

    /// <summary>Most legs in one block: 4,096. More go into the next.</summary>
    public int MaxLegs { get; init => field = value > 0 ? value : throw new ArgumentOutOfRangeException(nameof(MaxLegs), value, "MaxLegs must be above zero."); } = 4096;

    /// <summary>Most heads of other chains that a block names: 64.</summary>
    public int MaxHeads
    {
        get;
        init => field = value is >= 0 and <= LedgerBlockBody.MaxHeadCount
            ? value
            : throw new ArgumentOutOfRangeException(nameof(MaxHeads), value, $"MaxHeads must be 0 to {LedgerBlockBody.MaxHeadCount}.");
    } = LedgerBlockBody.MaxHeadCount;

    private static TimeSpan Positive(TimeSpan value, string option) =>
        value > TimeSpan.Zero ? value : throw new ArgumentOutOfRangeException(option, value, $"{option} must be above zero.");
}
