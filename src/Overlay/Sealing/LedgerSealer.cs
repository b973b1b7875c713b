using Microsoft.Extensions.Logging;
using Overlay.Diagnostics;
using Overlay.Proofs.Ledger;

namespace Overlay.Sealing;

/// <summary>Makes and signs the next block.</summary>
/// <param name="previous">The newest block, or null before the first.</param>
/// <param name="receipts">The final receipts that are to stand in it, in the order of its tree.</param>
/// <param name="heads">The newest blocks seen of other chains.</param>
/// <param name="now">The block's time.</param>
internal delegate SealedBlock BlockMaker(SealedBlock? previous, IReadOnlyList<ReceiptEntry> receipts, IReadOnlyList<ChainHead> heads, DateTimeOffset now);

/// <summary>Seals finished legs into blocks: by amount, by time, and what is left when it is stopped. The only one that writes a ledger's chain.</summary>
/// <remarks>One loop owns the rule and makes the blocks. A ledger that cannot be written ends it: nothing more is signed then.</remarks>
internal sealed class LedgerSealer : IAsyncDisposable
{
    private readonly ILedgerStore _store;
    private readonly BlockMaker _make;
    private readonly SealingOptions _options;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly SealingRule _rule;
    private readonly CancellationTokenSource _stop = new();
    private readonly Task _loop;
    private int _disposed;

    internal LedgerSealer(ILedgerStore store, BlockMaker make, SealingOptions options, TimeProvider time, ILogger logger)
    {
        _store = store;
        _make = make;
        _options = options;
        _time = time;
        _logger = logger;
        _rule = new SealingRule(options);
        _loop = RunAsync();
    }

    /// <summary>Seals what is left, then ends. The ledger stays open.</summary>
    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _disposed, 1) != 0) return;
        await _stop.CancelAsync().ConfigureAwait(false);
        await _loop.ConfigureAwait(false);
        _stop.Dispose();
    }

    private async Task RunAsync()
    {
        await Task.Yield();
        try
        {
            using var timer = new PeriodicTimer(_options.Interval, _time);
            try
            {
                do await SealDueAsync(stopping: false).ConfigureAwait(false);
                while (await timer.WaitForNextTickAsync(_stop.Token).ConfigureAwait(false));
            }
            catch (OperationCanceledException)
            {
                // Stopped: one last look.
            }

            await SealDueAsync(stopping: true).ConfigureAwait(false);
        }
        catch (LedgerException e)
        {
            SealingLog.Failed(_logger, e.Message);
        }
    }

    private async Task SealDueAsync(bool stopping)
    {
        while (true)
        {
            IReadOnlyList<ReceiptEntry> waiting = await _store.FindUnsealedAsync(_options.MaxLegs, CancellationToken.None).ConfigureAwait(false);
            UInt128 size = 0;
            foreach (ReceiptEntry entry in waiting) size += entry.Opening.Total;
            DateTimeOffset now = _time.GetUtcNow();
            if (!_rule.IsDue(waiting.Count, size, now) && !(stopping && waiting.Count != 0)) return;

            SealedBlock? previous = await _store.FindLatestBlockAsync(CancellationToken.None).ConfigureAwait(false);
            IReadOnlyList<ChainHead> heads = await _store.FindHeadsAsync(_options.MaxHeads, CancellationToken.None).ConfigureAwait(false);
            SealedBlock block = _make(previous, waiting, heads, now);
            // Not to be cancelled: a block that is signed twice differently would be a fork.
            await _store.SaveBlockAsync(block, waiting, CancellationToken.None).ConfigureAwait(false);
            _rule.Sealed();
            SealingLog.Sealed(_logger, block.Sequence, waiting.Count);
        }
    }
}
