using Microsoft.Extensions.Logging;
using Overlay.Diagnostics;
using Overlay.Transport.Identify;
using Overlay.Transport.Identity;

namespace Overlay.Market.Witnessing;

/// <summary>Gives those who announce themselves as witnesses.</summary>
internal delegate IAsyncEnumerable<PeerInfo> WitnessLookup(CancellationToken cancellationToken);

/// <summary>Who takes part as a witness, as far as the DHT tells; asked again when it is older than ten minutes. Safe on several threads.</summary>
internal sealed class WitnessRoster(WitnessLookup? lookup, TimeProvider time, ILogger logger)
{
    internal const int MaxCount = 1024;

    private static readonly TimeSpan s_holds = TimeSpan.FromMinutes(10), s_emptyHolds = TimeSpan.FromSeconds(10), s_lookupTime = TimeSpan.FromSeconds(20);

    private IReadOnlyList<PeerId> _known = [];
    private DateTimeOffset _until = DateTimeOffset.MinValue;

    // One after another: whoever asks meanwhile has the same answer.
    private SemaphoreSlim Gate { get; } = new(1, 1);

    /// <summary>The roster; empty where nobody is known.</summary>
    internal async ValueTask<IReadOnlyList<PeerId>> GetAsync(CancellationToken cancellationToken)
    {
        if (lookup is null) return [];
        await Gate.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            if (time.GetUtcNow() < _until) return _known;
            IReadOnlyList<PeerId> found = await LookUpAsync(cancellationToken).ConfigureAwait(false);
            // An answer that is empty all at once is rather the network's fault than the witnesses'.
            if (found.Count > 0 || _known.Count == 0) _known = found;
            _until = time.GetUtcNow() + (found.Count > 0 ? s_holds : s_emptyHolds);
            return _known;
        }
        finally
        {
            Gate.Release();
        }
    }

    private async Task<IReadOnlyList<PeerId>> LookUpAsync(CancellationToken cancellationToken)
    {
        var found = new HashSet<PeerId>();
        using var deadline = new CancellationTokenSource(s_lookupTime, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(deadline.Token, cancellationToken);
        try
        {
            await foreach (PeerInfo peer in lookup!(either.Token).ConfigureAwait(false))
            {
                if (WitnessDuty.KeyOf(peer.PeerId) is not null) found.Add(peer.PeerId);
                if (found.Count == MaxCount) break;
            }
        }
        catch (Exception e) when (e is OverlayException or ObjectDisposedException
            || (e is OperationCanceledException && !cancellationToken.IsCancellationRequested))
        {
            WitnessLog.RosterFailed(logger, e.Message);
        }

        return [.. found];
    }
}
