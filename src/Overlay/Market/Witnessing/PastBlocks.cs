using Microsoft.Extensions.Logging;
using Overlay.Diagnostics;
using Overlay.Proofs;
using Overlay.Proofs.Ledger;
using Overlay.Transport.Connections;

namespace Overlay.Market.Witnessing;

/// <summary>The blocks by which the witnesses of providers are found: what a provider shows, or what it last showed. Safe on several threads.</summary>
/// <param name="read">Reads a provider's chain.</param>
/// <param name="capacity">How many providers are remembered; beyond it those read longest ago are forgotten.</param>
/// <param name="time">The clock.</param>
/// <param name="logger">Where it is told.</param>
internal sealed class PastBlocks(PastBlock read, int capacity, TimeProvider time, ILogger logger)
{
    private static readonly TimeSpan s_readTime = TimeSpan.FromSeconds(15);

    private readonly Lock _lock = new();
    private readonly Dictionary<PublicKey, (Digest Block, ulong Epoch)> _known = [];

    /// <summary>A provider's block from before an epoch; null for one that does not show its chain, and never has.</summary>
    /// <param name="connection">To the provider; null when it does not answer.</param>
    /// <param name="provider">Whose.</param>
    /// <param name="epoch">The epoch.</param>
    /// <param name="cancellationToken">Gives up.</param>
    internal async ValueTask<Digest?> OfAsync(PeerConnection? connection, Watched provider, ulong epoch, CancellationToken cancellationToken)
    {
        if (connection is null) return Last(provider.Key);
        using var deadline = new CancellationTokenSource(s_readTime, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(deadline.Token, cancellationToken);
        try
        {
            Digest block = await read(connection, provider.Key, epoch, either.Token).ConfigureAwait(false);
            Note(provider.Key, block, epoch);
            return block;
        }
        catch (Exception e) when (e is IOException or InvalidOperationException or LedgerException
            || (e is OperationCanceledException && !cancellationToken.IsCancellationRequested))
        {
            // A chain that was not read says nothing of what it holds.
            WitnessLog.ChainNotShown(logger, provider.Peer, e.Message);
            return Last(provider.Key);
        }
    }

    private Digest? Last(PublicKey provider)
    {
        lock (_lock) return _known.TryGetValue(provider, out (Digest Block, ulong Epoch) known) ? known.Block : null;
    }

    private void Note(PublicKey provider, Digest block, ulong epoch)
    {
        lock (_lock)
        {
            if (_known.Count >= capacity && !_known.ContainsKey(provider)) _known.Remove(_known.MinBy(known => known.Value.Epoch).Key);
            _known[provider] = (block, epoch);
        }
    }
}
