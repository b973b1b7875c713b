using Microsoft.Extensions.Logging;
using Overlay.Diagnostics;
using Overlay.Proofs;
using Overlay.Proofs.Ledger;
using Overlay.Proofs.Merkle;

namespace Overlay.Sealing;

/// <summary>Seals finished legs into blocks: by amount, by time, and what is left when it is stopped. The only one that writes a ledger's chain.</summary>
/// <remarks>One loop owns the rule and makes the blocks. A ledger that cannot be written ends it: nothing more is signed then.</remarks>
internal sealed class LedgerSealer : IAsyncDisposable
{
    private readonly ILedgerStore _store;
    private readonly ISigner _signer;
    private readonly SealingOptions _options;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly SealingRule _rule;
    private readonly CancellationTokenSource _stop = new();
    private readonly SemaphoreSlim _chain = new(1, 1); // held by whoever adds to the chain
    private readonly Task _loop;
    private readonly DateTimeOffset _startedAt;
    private volatile bool _isConfirmed;
    private volatile bool _halted;
    private int _disposed;

    /// <param name="store">The ledger.</param>
    /// <param name="signer">The chain's author.</param>
    /// <param name="options">When to seal.</param>
    /// <param name="time">The clock.</param>
    /// <param name="logger">Where logs go.</param>
    /// <param name="isNewKey">Whether the author's key was made for this run: then there is no chain elsewhere that this one could contradict.</param>
    internal LedgerSealer(ILedgerStore store, ISigner signer, SealingOptions options, TimeProvider time, ILogger logger, bool isNewKey = false)
    {
        _isConfirmed = isNewKey;
        _store = store;
        _signer = signer;
        _options = options;
        _time = time;
        _logger = logger;
        _rule = new SealingRule(options);
        _startedAt = time.GetUtcNow();
        _loop = RunAsync();
    }

    /// <summary>Seals what is left, then ends. The ledger stays open.</summary>
    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _disposed, 1) != 0) return;
        await _stop.CancelAsync().ConfigureAwait(false);
        await _loop.ConfigureAwait(false);
        _stop.Dispose();
        _chain.Dispose();
    }

    /// <summary>Takes blocks of the own chain back that were lost: the next one sealed follows them.</summary>
    /// <exception cref="LedgerException">The ledger cannot be written, or the blocks do not follow what is kept.</exception>
    internal async ValueTask AdoptAsync(IReadOnlyList<LedgerBlock> blocks)
    {
        await _chain.WaitAsync().ConfigureAwait(false);
        try
        {
            await _store.AdoptBlocksAsync(blocks, CancellationToken.None).ConfigureAwait(false);
            SealingLog.Adopted(_logger, blocks[0].Body.Sequence, blocks[^1].Body.Sequence);
        }
        finally
        {
            _chain.Release();
        }
    }

    /// <summary>A counterparty has told what it knows of the own chain, and nothing speaks against going on from here.</summary>
    internal void Confirm() => _isConfirmed = true;

    /// <summary>Seals no more: another block would only be more evidence against this node.</summary>
    internal void Stop(string reason)
    {
        if (_halted) return;
        _halted = true;
        SealingLog.Stopped(_logger, reason);
    }

    private async Task RunAsync()
    {
        await Task.Yield();
        try
        {
            if (await _store.HasForkedAsync(_signer.PublicKey, CancellationToken.None).ConfigureAwait(false))
                Stop("This node has signed two different blocks in one place. Others refuse its key; start with a new one.");
            using var timer = new PeriodicTimer(_options.Interval, _time);
            try
            {
                do await TrySealDueAsync().ConfigureAwait(false);
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

    // A file that another program holds for a moment is no reason to seal no more: nothing was begun. Any other failure ends the loop.
    private async Task TrySealDueAsync()
    {
        try
        {
            await SealDueAsync(stopping: false).ConfigureAwait(false);
        }
        catch (LedgerException e) when (e.Reason == LedgerError.Storage && _store.Fault is null)
        {
            SealingLog.PutOff(_logger, e.Message);
        }
    }

    private async Task SealDueAsync(bool stopping)
    {
        // A ledger that was put back from a backup does not know it; a counterparty may. What is not sealed now waits for the next start.
        if (!_isConfirmed && _time.GetUtcNow() - _startedAt < _options.Caution) return;
        await _chain.WaitAsync().ConfigureAwait(false);
        try
        {
            while (!_halted && await SealNextAsync(stopping).ConfigureAwait(false)) { }
        }
        finally
        {
            _chain.Release();
        }
    }

    private async Task<bool> SealNextAsync(bool stopping)
    {
        IReadOnlyList<ReceiptEntry> waiting = await _store.FindUnsealedAsync(_options.MaxLegs, CancellationToken.None).ConfigureAwait(false);
        UInt128 size = 0;
        foreach (ReceiptEntry entry in waiting) size += entry.Opening.Total;
        DateTimeOffset now = _time.GetUtcNow();
        if (!_rule.IsDue(waiting.Count, size, now) && !(stopping && waiting.Count != 0)) return false;

        LedgerBlock block = await MakeAsync(waiting, now).ConfigureAwait(false);
        // Not to be cancelled: a block that is signed twice differently would be a fork.
        await _store.SaveBlockAsync(block, waiting, CancellationToken.None).ConfigureAwait(false);
        _rule.Sealed();
        SealingLog.Sealed(_logger, block.Body.Sequence, waiting.Count);
        return true;
    }

    private async ValueTask<LedgerBlock> MakeAsync(IReadOnlyList<ReceiptEntry> receipts, DateTimeOffset now)
    {
        LedgerBlock? previous = await _store.FindLatestBlockAsync(CancellationToken.None).ConfigureAwait(false);
        IReadOnlyList<LedgerHead> heads = await _store.FindHeadsAsync(_options.MaxHeads, CancellationToken.None).ConfigureAwait(false);
        // A clock that was set back holds the chain's time still; a block may not be older than the one before it.
        ulong time = Math.Max((ulong)Math.Max(0, now.ToUnixTimeSeconds()), previous?.Body.Time ?? 0);
        return LedgerBlock.Seal(
            new LedgerBlockBody
            {
                Author = _signer.PublicKey,
                Sequence = previous is null ? 0 : previous.Body.Sequence + 1,
                PreviousBlockHash = previous?.Hash ?? default,
                Epoch = Math.Max(time / 3600, previous?.Body.Epoch ?? 0),
                ReceiptsRoot = new MerkleTree([.. receipts.Select(entry => LedgerBlock.LeafHash(entry.Receipt))]).Root,
                ReceiptCount = (uint)receipts.Count,
                Heads = [.. heads.Where(head => head.Author != _signer.PublicKey).OrderBy(head => head.Author)],
                Time = time,
            },
            _signer);
    }
}
