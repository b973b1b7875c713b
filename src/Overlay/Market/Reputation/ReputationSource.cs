using Microsoft.Extensions.Logging;
using Overlay.Diagnostics;
using Overlay.Proofs;
using Overlay.Proofs.Ledger;
using Overlay.Transport.Identity;

namespace Overlay.Market.Reputation;

/// <summary>Others' word of providers, out of this node's ledger: its own receipts, and the blocks that it keeps of others. Safe on several threads.</summary>
/// <remarks>
/// A peer's credit is what this node has used and paid for, as far as it is sealed in a block. What others have used of this node counts for nothing: anybody can do that as much as it likes.
/// Two others have a relation when a kept block of each names a head of the other. Read again on demand, when <see cref="ReputationOptions.RefreshInterval"/> has passed.
/// </remarks>
internal sealed class ReputationSource(PublicKey self, ILedgerStore ledger, ReputationOptions options, TimeProvider time, ILogger logger) : IAsyncDisposable
{
    // As many chains as a ledger keeps of others.
    private const int MaxChains = 1024;

    // Unsettled sessions of one peer that are looked at.
    private const int MaxUnsettled = 64;

    private readonly Lock _lock = new();
    private readonly CancellationTokenSource _stopping = new();
    private readonly Dictionary<PublicKey, ulong> _served = [];
    private ulong _nextBlock;
    private ReputationGraph _graph = ReputationGraph.Empty;
    private Task _refreshing = Task.CompletedTask;
    private long? _refreshedAt;

    /// <summary>The graph as it was last made.</summary>
    internal ReputationGraph Graph => Volatile.Read(ref _graph);

    /// <summary>Peers of whom it is remembered what they have served; at most twice <see cref="ReputationOptions.MaxNodes"/>, beyond which those who served least are forgotten.</summary>
    internal int Remembered => _served.Count;

    /// <summary>Others' word of a peer, see <see cref="ReputationGraph.WordOf"/>. Answers at once from what was last read, and has it read again in the background where that is too old.</summary>
    internal double? WordOf(PeerId peer)
    {
        _ = RefreshAsync();
        return peer.TryGetPublicKey(out PeerPublicKey? key) && key.Type == PeerKeyType.Ed25519 ? Graph.WordOf(new PublicKey(key.Data.Span)) : null;
    }

    /// <summary>Makes the graph anew if it is too old. Ends when it is made, or could not be, which leaves the one before.</summary>
    internal Task RefreshAsync()
    {
        lock (_lock)
        {
            bool isFresh = _refreshedAt is { } at && time.GetElapsedTime(at) < options.RefreshInterval;
            if (isFresh || !_refreshing.IsCompleted || _stopping.IsCancellationRequested) return _refreshing;
            _refreshedAt = time.GetTimestamp();
            return _refreshing = Task.Run(() => RebuildAsync(_stopping.Token));
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _stopping.CancelAsync().ConfigureAwait(false);
        Task last;
        lock (_lock) last = _refreshing;
        await last.ConfigureAwait(false);
        _stopping.Dispose();
    }

    private async Task RebuildAsync(CancellationToken cancellationToken)
    {
        try
        {
            await ReadReceiptsAsync(cancellationToken).ConfigureAwait(false);
            var forked = new HashSet<PublicKey>();
            List<OwnExperience> own = [];
            foreach ((PublicKey peer, ulong served) in _served.OrderByDescending(peer => peer.Value).ThenBy(peer => peer.Key).Take(options.MaxNodes))
            {
                if (await ledger.HasForkedAsync(peer, cancellationToken).ConfigureAwait(false)) forked.Add(peer);
                own.Add(new OwnExperience(peer, served, await CountDisputesAsync(peer, cancellationToken).ConfigureAwait(false)));
            }

            IEnumerable<(PublicKey, PublicKey)> relations = await ReadRelationsAsync(forked, [.. own.Select(known => known.Peer)], cancellationToken).ConfigureAwait(false);
            Volatile.Write(ref _graph, ReputationGraph.Build(self, own, relations, forked, options));
        }
        catch (OperationCanceledException)
        {
            // The node stops.
        }
#pragma warning disable CA1031 // Nobody awaits this but who puts the market away, and a word of others is nothing that may keep it from that.
        catch (Exception failure)
#pragma warning restore CA1031
        {
            MarketLog.ReputationFailed(logger, failure.Message);
        }
    }

    // Only blocks that were not read before: a ledger grows for years.
    private async Task ReadReceiptsAsync(CancellationToken cancellationToken)
    {
        await foreach (LedgerBlock block in ledger.ReadBlocksAsync(_nextBlock, cancellationToken).ConfigureAwait(false))
        {
            foreach (ReceiptEntry entry in await ledger.FindSealedAsync(block.Body.Sequence, cancellationToken).ConfigureAwait(false))
            {
                if (entry.Role != LedgerRole.Consumer) continue;
                PublicKey provider = entry.Receipt.Body.Provider;
                ulong before = _served.GetValueOrDefault(provider);
                _served[provider] = before + Math.Min(entry.Opening.Total, ulong.MaxValue - before);
            }

            _nextBlock = block.Body.Sequence + 1;
            if (_served.Count <= 2 * options.MaxNodes) continue;
            foreach ((PublicKey least, _) in _served.OrderByDescending(peer => peer.Value).ThenBy(peer => peer.Key).Skip(options.MaxNodes).ToArray()) _served.Remove(least);
        }
    }

    private async ValueTask<int> CountDisputesAsync(PublicKey peer, CancellationToken cancellationToken)
    {
        IReadOnlyList<SessionRecord> unsettled = await ledger.FindUnsettledAsync(peer, LedgerRole.Consumer, MaxUnsettled, cancellationToken).ConfigureAwait(false);
        return unsettled.Count(session => session.State == SessionState.Disputed);
    }

    // Those who have served this node most come first, so that strangers cannot fill the graph before them.
    private async Task<IEnumerable<(PublicKey, PublicKey)>> ReadRelationsAsync(HashSet<PublicKey> forked, HashSet<PublicKey> asked, CancellationToken cancellationToken)
    {
        IReadOnlyList<LedgerHead> heads = await ledger.FindHeadsAsync(MaxChains, cancellationToken).ConfigureAwait(false);
        PublicKey[] authors = [.. heads.Select(head => head.Author).OrderByDescending(author => _served.GetValueOrDefault(author)).ThenBy(author => author)];
        HashSet<PublicKey> kept = [.. authors];
        var named = new Dictionary<PublicKey, HashSet<PublicKey>>();
        foreach (PublicKey author in authors)
        {
            if (!asked.Contains(author) && await ledger.HasForkedAsync(author, cancellationToken).ConfigureAwait(false)) forked.Add(author);
            if (forked.Contains(author)) continue;

            IReadOnlyList<LedgerBlock> blocks = await ledger.FindPeerBlocksAsync(author, cancellationToken).ConfigureAwait(false);
            named[author] = [.. blocks.SelectMany(block => block.Body.Heads).Select(head => head.Author).Where(kept.Contains)];
        }

        // Each pair twice, and perhaps too many: the graph takes each once and so many as it may hold.
        return authors.Where(named.ContainsKey).SelectMany(author => named[author].Order()
            .Where(other => named.TryGetValue(other, out HashSet<PublicKey>? back) && back.Contains(author)).Select(other => (author, other)));
    }
}
