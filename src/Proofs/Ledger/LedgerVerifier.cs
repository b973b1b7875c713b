using System.Threading.Channels;

namespace Overlay.Proofs.Ledger;

/// <summary>Checks a whole ledger offline: every signature, commitment, hash, sequence, leg and total, and the file beneath them.</summary>
/// <remarks>
/// Checks for a ledger's owner. It proves that the counterparties signed what is there; it cannot prove that nothing was taken away together with all
/// traces of it, since whoever can write the file can write its checksums.
/// </remarks>
public static class LedgerVerifier
{
    /// <summary>Checks the ledger in a file, as it is at this moment. A node may have it open.</summary>
    /// <returns>A verdict; whatever is wrong with the file is in it and not thrown.</returns>
    public static async Task<LedgerVerdict> VerifyFileAsync(string path, CancellationToken cancellationToken)
    {
        try
        {
            SqliteLedgerStore store = await SqliteLedgerStore.OpenReadOnlyAsync(path, cancellationToken).ConfigureAwait(false);
            await using (store.ConfigureAwait(false))
                return await VerifyAsync(store, cancellationToken).ConfigureAwait(false);
        }
        catch (LedgerException e)
        {
            return new LedgerAudit().Conclude(e.Message);
        }
    }

    /// <summary>Checks a ledger to which nothing is written meanwhile.</summary>
    /// <returns>A verdict; whatever is wrong with the ledger is in it and not thrown.</returns>
    /// <remarks>On all processors; each does some 10,000 receipts a second, nearly all of it signatures and commitments in batches. Memory grows with the number of sessions.</remarks>
    public static async Task<LedgerVerdict> VerifyAsync(ILedgerStore store, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(store);
        var audit = new LedgerAudit();
        try
        {
            var file = store as SqliteLedgerStore;
            if (file is not null && await file.FindDamageAsync(cancellationToken).ConfigureAwait(false) is { } damage) return audit.Conclude(damage);
            await foreach (SessionRecord session in store.ReadSessionsAsync(cancellationToken).ConfigureAwait(false)) audit.Add(session);
            if (await CheckReceiptsAsync(store, audit, cancellationToken).ConfigureAwait(false) is { } fault) return audit.Conclude(fault);
            if (file is not null && await file.FindMissingAsync(audit.Find, cancellationToken).ConfigureAwait(false) is { } missing) return audit.Conclude(missing);
            return audit.Conclude(audit.FindUnfinished() ?? await FindBlockFaultAsync(store, audit, cancellationToken).ConfigureAwait(false));
        }
        catch (LedgerException e)
        {
            return audit.Conclude(e.Message);
        }
    }

    // The chain of blocks, their signatures and roots, and that each finished leg stands in one block or in none.
    private static async Task<string?> FindBlockFaultAsync(ILedgerStore store, LedgerAudit audit, CancellationToken cancellationToken)
    {
        LedgerBlock? latest = null;
        var legs = new HashSet<(Digest, LedgerRole, uint)>();
        await foreach (LedgerBlock block in store.ReadBlocksAsync(0, cancellationToken).ConfigureAwait(false))
        {
            IReadOnlyList<ReceiptEntry> receipts = await store.FindSealedAsync(block.Body.Sequence, cancellationToken).ConfigureAwait(false);
            // What stood in an adopted block was lost with it; one that this ledger has sealed is never empty.
            bool adopted = receipts.Count == 0 && await store.IsAdoptedAsync(block.Body.Sequence, cancellationToken).ConfigureAwait(false);
            if ((adopted ? LedgerRules.ObjectToAdopted(latest, block) : LedgerRules.ObjectToBlock(latest, block)) is { } objection) return $"Block {block.Body.Sequence}: {objection}.";
            latest = block;
            if (!block.HasValidSignature()) return $"Block {block.Body.Sequence}: its signature does not hold.";
            if (!adopted && !LedgerRules.Covers(block, receipts)) return $"Block {block.Body.Sequence}: its root is not that of the receipts kept as its own.";
            foreach (ReceiptEntry entry in receipts)
                if (LedgerRules.ObjectToLeaf(entry, entry, !legs.Add(Leg(entry))) is { } leaf) return $"{LedgerRules.Describe(entry)}: in block {block.Body.Sequence}, {leaf}.";
        }

        foreach (ReceiptEntry entry in await store.FindUnsealedAsync(int.MaxValue, cancellationToken).ConfigureAwait(false))
            if (LedgerRules.ObjectToLeaf(entry, entry, !legs.Add(Leg(entry))) is { } leaf) return $"{LedgerRules.Describe(entry)}: waits for a block, but {leaf}.";
        return legs.Count == audit.FinishedCount ? null : $"{audit.FinishedCount} legs are finished, but {legs.Count} stand in blocks or wait for one.";
    }

    private static (Digest SessionId, LedgerRole Role, uint Leg) Leg(ReceiptEntry entry) => (entry.Receipt.Body.SessionId, entry.Role, entry.Receipt.Body.Leg);

    // This method reads and follows the chains; pages go to as many tasks as there are processors, which do the curve's work. The first fault in the ledger's
    // order is told, whichever was found first.
    private static async Task<string?> CheckReceiptsAsync(ILedgerStore store, LedgerAudit audit, CancellationToken cancellationToken)
    {
        int workers = Environment.ProcessorCount;
        var pages = Channel.CreateBounded<LedgerPage>(new BoundedChannelOptions(2 * workers) { SingleWriter = true });
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        Task<LedgerPage?>[] checking = [.. Enumerable.Range(0, workers).Select(_ => Task.Run(() => CheckAsync(pages.Reader, stop), CancellationToken.None))];
        string? fault = null;
        long faultAt = long.MaxValue;
        try
        {
            var page = new LedgerPage(0);
            try
            {
                await foreach (ReceiptEntry entry in store.ReadReceiptsAsync(null, stop.Token).ConfigureAwait(false))
                {
                    fault = audit.Add(entry, out SessionRecord? session);
                    if (fault is not null) break;
                    page.Add(entry, session!);
                    if (page.Count < LedgerPage.Size) continue;
                    await pages.Writer.WriteAsync(page, stop.Token).ConfigureAwait(false);
                    page = new LedgerPage(page.First + page.Count);
                }
            }
            catch (LedgerException e)
            {
                fault = e.Message;
            }

            // Where reading ended; what stands before may hold a fault that is told first.
            if (fault is not null) faultAt = page.First + page.Count;
            if (page.Count != 0) await pages.Writer.WriteAsync(page, stop.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            // A page with a fault has stopped the reading.
        }
        finally
        {
            pages.Writer.TryComplete();
        }

        foreach (LedgerPage? bad in await Task.WhenAll(checking).ConfigureAwait(false))
            if (bad is not null && bad.FaultAt < faultAt) (fault, faultAt) = (bad.Fault, bad.FaultAt);
        cancellationToken.ThrowIfCancellationRequested();
        if (fault is not null) audit.CountOnly(Math.Min(faultAt, audit.ReceiptCount));
        return fault;
    }

    // Answers the first page with a fault that this task came upon; pages come in order, so that all earlier ones are in some task's hands by then.
    private static async Task<LedgerPage?> CheckAsync(ChannelReader<LedgerPage> pages, CancellationTokenSource stop)
    {
        await foreach (LedgerPage page in pages.ReadAllAsync(CancellationToken.None).ConfigureAwait(false))
        {
            page.Check();
            if (page.Fault is null) continue;
            await stop.CancelAsync().ConfigureAwait(false);
            return page;
        }

        return null;
    }
}
