using Microsoft.Extensions.Logging;
using Overlay.Diagnostics;
using Overlay.Proofs;
using Overlay.Proofs.Claims;
using Overlay.Sessions;
using Overlay.Transport.Connections;

namespace Overlay.Market.Witnessing;

/// <summary>What providers show of their witnesses, asked along with their offers and remembered for ten minutes. Safe on several threads.</summary>
internal sealed class AttestationAsking(MarketLimits limits, TimeProvider time, ILogger logger)
{
    private static readonly TimeSpan s_holds = TimeSpan.FromMinutes(10), s_askTime = TimeSpan.FromSeconds(1);

    private readonly Lock _lock = new();
    private readonly Dictionary<PublicKey, (AttestedFigures? Figures, DateTimeOffset Until)> _known = [];
    private readonly Queue<PublicKey> _order = new();

    internal int Count
    {
        get
        {
            lock (_lock) return _known.Count;
        }
    }

    /// <summary>The figures of the provider at the other end; null when it shows nothing. Never fails, and takes a second at most.</summary>
    internal async Task<AttestedFigures?> OfAsync(PeerConnection connection, CancellationToken cancellationToken)
    {
        if (SessionLink.ProvedKey(connection) is not { } provider) return null;
        lock (_lock)
        {
            if (_known.TryGetValue(provider, out (AttestedFigures? Figures, DateTimeOffset Until) known) && time.GetUtcNow() < known.Until)
                return known.Figures;
        }

        AttestedFigures? figures = await AskAsync(connection, provider, cancellationToken).ConfigureAwait(false);
        if (figures is null && cancellationToken.IsCancellationRequested) return null;
        lock (_lock)
        {
            if (!_known.ContainsKey(provider)) _order.Enqueue(provider);
            // Who has nothing to show yet may have soon.
            _known[provider] = (figures, time.GetUtcNow() + (figures is null ? s_holds / 10 : s_holds));
            while (_order.Count > limits.MaxProviders) _known.Remove(_order.Dequeue());
        }

        return figures;
    }

    /// <summary>Of what a provider shows, what counts: of the last epochs, and three of each.</summary>
    internal static AttestedFigures? FiguresOf(IReadOnlyList<Attestation> shown, ulong now, int epochs) => AttestedFigures.Of(
        [
            .. shown.Where(attestation => attestation.Body.Epoch <= now && now - attestation.Body.Epoch < (ulong)epochs)
                .GroupBy(attestation => attestation.Body.Epoch)
                    .SelectMany(epoch => epoch.DistinctBy(attestation => attestation.Body.Witness).Take(WitnessDuty.WitnessCount)),
        ], now);

    private async ValueTask<AttestedFigures?> AskAsync(PeerConnection connection, PublicKey provider, CancellationToken cancellationToken)
    {
        ulong now = WitnessDuty.EpochOf(time.GetUtcNow());
        ulong first = now - Math.Min(now, (ulong)limits.AttestationEpochs - 1);
        using var deadline = new CancellationTokenSource(s_askTime, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(deadline.Token, cancellationToken);
        try
        {
            return FiguresOf(await AttestationClient.AskAsync(connection, provider, first, either.Token).ConfigureAwait(false), now, limits.AttestationEpochs);
        }
        catch (Exception e) when (e is IOException or OperationCanceledException or ObjectDisposedException or InvalidOperationException)
        {
            // Older builds do not speak it.
            WitnessLog.NotShown(logger, connection.RemotePeer, e.Message);
            return null;
        }
    }
}
