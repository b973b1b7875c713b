using Overlay.Proofs;
using Overlay.Proofs.Ledger;
using Overlay.Sharing;

namespace Overlay.Node.Dashboard;

/// <summary>A running <see cref="OverlayNode"/> as the dashboard sees it. Owns the tally, which begins when somebody looks for the first time.</summary>
internal sealed class OverlayDashboardNode(OverlayNode node, SharingOptions? sharing, TimeProvider time) : IDashboardNode, IAsyncDisposable
{
    private static readonly TimeSpan s_claimsInterval = TimeSpan.FromSeconds(30);

    private readonly DateTimeOffset _startedAt = time.GetUtcNow();
    private readonly Lazy<LedgerTally> _tally = new(() => new LedgerTally(node.Ledger.Store));
    private IReadOnlyCollection<ulong> _claimed = [];
    private DateTimeOffset _claimsReadAt = DateTimeOffset.MinValue;

    public IOwnerControls? Controls { get; } = node.Sharing is { } shared ? new OwnerControls(shared) : null;

    public async ValueTask<DashboardLook> LookAsync(CancellationToken cancellationToken)
    {
        DateTimeOffset now = time.GetUtcNow();
        IReadOnlyList<ServedSession> sessions = node.Sharing?.Sessions ?? [];
        LedgerTotals totals = await _tally.Value.ReadAsync([.. sessions.Select(session => session.Id)], cancellationToken);
        // A file for each hour: not to be listed every second.
        if (now - _claimsReadAt >= s_claimsInterval) (_claimed, _claimsReadAt) = (node.Ledger.ClaimedEpochs, now);
        return new DashboardLook
        {
            PeerId = node.PeerId.ToString(),
            Addresses = [.. node.Addresses.Select(address => address.ToString())],
            StartedAt = _startedAt,
            Sharing = sharing,
            Sessions = sessions,
            Peers = node.Discovery.Peers,
            Reachability = node.Discovery.Reachability.Verdict,
            Regions = node.Market.Regions,
            Totals = totals,
            Claimed = _tally.Value.SealedIn(_claimed),
            Paces = EarningPaces.Of(_tally.Value.FirstEarningEpoch, now, _tally.Value.EarnedSince),
            Refusals = node.Sharing is { } given ? Newest(given.Refusals) : null,
            Caps = Controls?.Caps,
            IsPaused = Controls?.IsPaused ?? false,
            ControlState = Controls?.State,
        };
    }

    // Alike and in a row are told together.
    private static List<Refusal> Newest(IReadOnlyList<TargetRefusal> refusals)
    {
        var newest = new List<Refusal>();
        foreach (TargetRefusal refusal in refusals.Reverse())
        {
            string what = $"{refusal.Host}:{refusal.Port}";
            if (newest.Count > 0 && newest[^1].What == what && newest[^1].Reason == refusal.Reason) newest[^1] = newest[^1] with { Count = newest[^1].Count + 1 };
            else if (newest.Count == DashboardState.MaxRows) break;
            else newest.Add(new Refusal(refusal.At, what, refusal.Reason));
        }

        return newest;
    }

    public ValueTask<IReadOnlyList<LedgerRow<SessionRecord>>> FindSessionsAsync(long? before, int limit, CancellationToken cancellationToken) =>
        node.Ledger.Store.FindNewestSessionsAsync(before, limit, cancellationToken);

    public ValueTask<IReadOnlyList<LedgerRow<ReceiptEntry>>> FindReceiptsAsync(Digest sessionId, long? before, int limit, CancellationToken cancellationToken) =>
        node.Ledger.Store.FindNewestReceiptsAsync(sessionId, before, limit, cancellationToken);

    public async ValueTask DisposeAsync()
    {
        if (_tally.IsValueCreated) await _tally.Value.DisposeAsync();
    }
}
