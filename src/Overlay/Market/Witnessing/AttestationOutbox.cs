using Microsoft.Extensions.Logging;
using Overlay.Diagnostics;
using Overlay.Proofs.Claims;

namespace Overlay.Market.Witnessing;

/// <summary>Hands an attestation to the provider that it is about.</summary>
internal delegate ValueTask HandOver(Attestation attestation, Watched provider, CancellationToken cancellationToken);

/// <summary>Attestations that their providers have not taken yet: told again, to several at once, after pauses that grow, until the next epoch is over. Words
/// are added on any thread; one caller at a time hands over.</summary>
/// <param name="handOver">Does it once.</param>
/// <param name="firstPause">Until one that was not taken is told again, the first time; then twice as long each time.</param>
/// <param name="time">The clock.</param>
/// <param name="logger">Where it is told.</param>
internal sealed class AttestationOutbox(HandOver handOver, TimeSpan firstPause, TimeProvider time, ILogger logger)
{
    // Dead providers hold nobody else up for long.
    internal const int MaxAtOnce = 8;

    // So that whoever comes back within the time still has it.
    internal static readonly TimeSpan LongestPause = TimeSpan.FromMinutes(15);

    private static readonly TimeSpan s_pushTime = TimeSpan.FromSeconds(15);

    private readonly Lock _lock = new();
    private readonly List<Waiting> _waiting = [];

    internal int Count
    {
        get
        {
            lock (_lock) return _waiting.Count;
        }
    }

    internal void Add(Attestation attestation, Watched provider)
    {
        lock (_lock) _waiting.Add(new Waiting(attestation, provider) { At = time.GetUtcNow(), Pause = firstPause });
    }

    /// <summary>Tells what is due, and forgets what came too late.</summary>
    internal async Task HandOverAsync(CancellationToken cancellationToken)
    {
        DateTimeOffset now = time.GetUtcNow();
        ulong epoch = WitnessDuty.EpochOf(now);
        Waiting[] due;
        lock (_lock)
        {
            _waiting.RemoveAll(waiting => waiting.Attestation.Body.Epoch + 1 < epoch);
            due = [.. _waiting.Where(waiting => waiting.At <= now)];
        }

        await Parallel.ForEachAsync(due, new ParallelOptions { MaxDegreeOfParallelism = MaxAtOnce, CancellationToken = cancellationToken }, TellAsync)
            .ConfigureAwait(false);
    }

    private async ValueTask TellAsync(Waiting waiting, CancellationToken cancellationToken)
    {
        using var deadline = new CancellationTokenSource(s_pushTime, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(deadline.Token, cancellationToken);
        try
        {
            await handOver(waiting.Attestation, waiting.Provider, either.Token).ConfigureAwait(false);
            lock (_lock) _waiting.Remove(waiting);
        }
        catch (Exception e) when (e is IOException or InvalidOperationException
            || (e is OperationCanceledException && !cancellationToken.IsCancellationRequested))
        {
            WitnessLog.NotHandedOver(logger, waiting.Provider.Peer, e.Message);
            waiting.At = time.GetUtcNow() + waiting.Pause;
            waiting.Pause = waiting.Pause * 2 < LongestPause ? waiting.Pause * 2 : LongestPause;
        }
    }

    private sealed class Waiting(Attestation attestation, Watched provider)
    {
        internal Attestation Attestation => attestation;

        internal Watched Provider => provider;

        internal DateTimeOffset At { get; set; }

        internal TimeSpan Pause { get; set; }
    }
}
