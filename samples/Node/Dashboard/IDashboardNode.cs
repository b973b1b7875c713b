using Overlay.Discovery;
using Overlay.Discovery.Reachability;
using Overlay.Market;
using Overlay.Proofs;
using Overlay.Proofs.Ledger;
using Overlay.Sharing;

namespace Overlay.Node.Dashboard;

/// <summary>What the dashboard needs of a node.</summary>
internal interface IDashboardNode
{
    /// <summary>What the owner can change; null when nothing: the page then shows no controls.</summary>
    IOwnerControls? Controls { get; }

    /// <summary>The node as it is now. Called once a second; must cost next to nothing.</summary>
    ValueTask<DashboardLook> LookAsync(CancellationToken cancellationToken);

    /// <summary>Sessions of the ledger, the newest first.</summary>
    ValueTask<IReadOnlyList<LedgerRow<SessionRecord>>> FindSessionsAsync(long? before, int limit, CancellationToken cancellationToken);

    /// <summary>One session's receipts, the newest first.</summary>
    ValueTask<IReadOnlyList<LedgerRow<ReceiptEntry>>> FindReceiptsAsync(Digest sessionId, long? before, int limit, CancellationToken cancellationToken);
}

/// <summary>The owner's hand on the node.</summary>
internal interface IOwnerControls
{
    /// <summary>What holds now.</summary>
    OwnerCaps Caps { get; }

    /// <summary>Whether the owner has paused sharing.</summary>
    bool IsPaused { get; }

    /// <summary>What sharing is doing, in a few words; null where there is nothing to add.</summary>
    string? State { get; }

    /// <summary>From now on these hold.</summary>
    Task SetCapsAsync(OwnerCaps caps, CancellationToken cancellationToken);

    /// <summary>Takes no new sessions and holds up those there are, until resumed.</summary>
    Task PauseAsync(CancellationToken cancellationToken);

    /// <summary>Goes on.</summary>
    Task ResumeAsync(CancellationToken cancellationToken);
}

/// <summary>The most that the owner lets others have; null where there is no limit.</summary>
/// <param name="MaxUpload">Rate from this node to the network.</param>
/// <param name="MaxDownload">Rate from the network to this node.</param>
/// <param name="DailyQuota">Both ways in a day.</param>
/// <param name="MonthlyQuota">Both ways in a month.</param>
internal sealed record OwnerCaps(BitRate? MaxUpload, BitRate? MaxDownload, ByteSize? DailyQuota, ByteSize? MonthlyQuota);

/// <summary>Something that the node refused.</summary>
/// <param name="At">When.</param>
/// <param name="What">What was asked for.</param>
/// <param name="Reason">Why not.</param>
/// <param name="Count">How often, where alike are told together.</param>
internal sealed record Refusal(DateTimeOffset At, string What, string Reason, long Count = 1);

/// <summary>What was earned in the time behind.</summary>
/// <param name="Name">Which time, as one says it.</param>
/// <param name="Length">How long.</param>
/// <param name="Credits">How much.</param>
internal readonly record struct EarningPace(string Name, TimeSpan Length, decimal Credits);

/// <summary>A node at one moment, not yet worked out.</summary>
internal sealed record DashboardLook
{
    internal required string PeerId { get; init; }

    internal required IReadOnlyList<string> Addresses { get; init; }

    internal required DateTimeOffset StartedAt { get; init; }

    /// <summary>How it shares; null when it does not.</summary>
    internal SharingOptions? Sharing { get; init; }

    internal IReadOnlyList<ServedSession> Sessions { get; init; } = [];

    internal IReadOnlyList<NetworkPeer> Peers { get; init; } = [];

    internal ReachabilityVerdict Reachability { get; init; } = ReachabilityVerdict.Unknown;

    internal IReadOnlyList<RegionFigures> Regions { get; init; } = [];

    /// <summary>What the ledger adds up to; null before it is known.</summary>
    internal LedgerTotals? Totals { get; init; }

    /// <summary>Bytes served in epochs of which a claim was made.</summary>
    internal ulong Claimed { get; init; }

    internal IReadOnlyList<EarningPace> Paces { get; init; } = [];

    /// <summary>The newest refusals, the newest first; null where the node does not keep them.</summary>
    internal IReadOnlyList<Refusal>? Refusals { get; init; }

    /// <summary>What the owner can change; null when nothing.</summary>
    internal OwnerCaps? Caps { get; init; }

    internal bool IsPaused { get; init; }

    internal string? ControlState { get; init; }
}
