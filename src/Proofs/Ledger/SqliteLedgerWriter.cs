using System.Threading.Channels;
using Microsoft.Data.Sqlite;

namespace Overlay.Proofs.Ledger;

/// <summary>The one that writes a ledger file. Everything queued while a transaction was being made durable goes into the next one together.</summary>
/// <remarks>
/// A single long-running task owns the connection and all fields but the queue. It blocks on the disk, which is why it has a thread of its own.
/// Each caller hears of its write only after COMMIT has returned. A write that contradicts the ledger is refused before it has changed anything, so its
/// neighbours in the transaction go through. A transaction that fails fails all its callers and every later one: after a failed flush nobody can tell what
/// the file holds, except by opening it again.
/// </remarks>
internal sealed class SqliteLedgerWriter : IAsyncDisposable
{
    private const int QueueCount = 1024;
    private const int BatchCount = 256;

    private readonly Channel<Write> _queue = Channel.CreateBounded<Write>(new BoundedChannelOptions(QueueCount) { SingleReader = true });
    private readonly SqliteLedgerStatements _statements;
    private readonly ReceiptWatchers _watchers;
    private readonly string _path;
    private readonly Task _loop;
    private long _lastSession;
    private long _lastReceipt;
    private volatile LedgerException? _fault;

    public SqliteLedgerWriter(SqliteLedgerStatements statements, ReceiptWatchers watchers, string path)
    {
        _statements = statements;
        _watchers = watchers;
        _path = path;
        (_lastSession, _lastReceipt) = statements.ReadLastOrdinals();
        _loop = Task.Factory.StartNew(Run, CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
    }

    /// <summary>Why nothing is written any more, or null.</summary>
    public LedgerException? Fault => _fault;

    public Task WriteAsync(SessionRecord session, ReceiptEntry? entry, CancellationToken cancellationToken) =>
        QueueAsync(new Write(write => Apply(write, session), entry), cancellationToken);

    public Task WriteAsync(LedgerBlock block, IReadOnlyList<ReceiptEntry> receipts, CancellationToken cancellationToken) =>
        QueueAsync(new Write(_ => Apply(block, receipts), null), cancellationToken);

    public Task AdoptAsync(IReadOnlyList<LedgerBlock> blocks, CancellationToken cancellationToken) => QueueAsync(new Write(_ => Adopt(blocks), null), cancellationToken);

    public Task WritePeerBlockAsync(LedgerBlock block, CancellationToken cancellationToken) => QueueAsync(new Write(_ => ApplyPeerBlock(block), null), cancellationToken);

    public Task WriteAsync(ForkProof proof, CancellationToken cancellationToken) => QueueAsync(new Write(_ => _statements.Save(proof), null), cancellationToken);

    private async Task QueueAsync(Write write, CancellationToken cancellationToken)
    {
        try
        {
            await _queue.Writer.WriteAsync(write, cancellationToken).ConfigureAwait(false);
        }
        catch (ChannelClosedException)
        {
            throw new LedgerException(LedgerError.NotWritable, $"The ledger {_path} has been closed.");
        }

        await write.Done.Task.ConfigureAwait(false);
    }

    /// <summary>Writes what is queued, then ends. The statements stay open.</summary>
    public async ValueTask DisposeAsync()
    {
        _queue.Writer.TryComplete();
        await _loop.ConfigureAwait(false);
    }

    private void Run()
    {
        var batch = new List<Write>(BatchCount);
        while (_queue.Reader.WaitToReadAsync().AsTask().GetAwaiter().GetResult())
        {
            batch.Clear();
            while (batch.Count < BatchCount && _queue.Reader.TryRead(out Write? write)) batch.Add(write);
            LedgerException? failure = _fault ?? TryCommit(batch);
            foreach (Write write in batch)
            {
                if ((failure ?? write.Refusal) is { } refusal)
                {
                    // A fresh exception for each caller: one instance thrown on several threads would mix their stack traces.
                    write.Done.SetException(new LedgerException(refusal.Reason, refusal.Message, refusal.InnerException));
                    continue;
                }

                if (write.IsNews) _watchers.Publish(write.Entry!);
                write.Done.SetResult();
            }
        }
    }

    private LedgerException? TryCommit(List<Write> batch)
    {
        try
        {
            _statements.Begin();
        }
        catch (SqliteException e) when (e.SqliteErrorCode == SqliteLedgerFile.SqliteBusy)
        {
            // Nothing was begun, so nothing is in doubt: the next write may succeed.
            return new LedgerException(LedgerError.Storage, $"The ledger {_path} is locked by another program.", e);
        }
        catch (Exception e)
        {
            return _fault = Fail(e);
        }

        try
        {
            foreach (Write write in batch)
            {
                try
                {
                    write.Apply(write);
                }
                catch (LedgerException e)
                {
                    write.Refusal = e;
                }
            }

            _statements.Commit();
            return null;
        }
        catch (Exception e)
        {
            _fault = Fail(e);
            try
            {
                _statements.Rollback();
            }
            catch (Exception rollback) when (rollback is SqliteException or InvalidOperationException)
            {
                // SQLite has already rolled back by itself, as it does when the disk is full. Either way nothing more is written.
            }

            return _fault;
        }
    }

    /// <summary>Reads and judges first, writes last: an exception of the ledger's own leaves the transaction as it was.</summary>
    private void Apply(Write write, SessionRecord session)
    {
        SessionRow? row = _statements.FindSession(session.SessionId, session.Role);
        if (row is not null && LedgerRules.ObjectToSession(row.Record, session) is { } change) throw LedgerRules.Contradiction(session, change);
        if (write.Entry is not { } entry)
        {
            if (row is null) _statements.Insert(new SessionRow(++_lastSession, session, 0, default));
            else _statements.Update(row with { Record = session });
            return;
        }

        if (row is null) throw LedgerRules.Contradiction(entry, "the session is unknown");
        if (_statements.FindReceipt(row.Ordinal, entry.Receipt.Body.Leg, entry.Receipt.Body.Sequence) is { } kept)
        {
            if (LedgerRules.ObjectToRepetition(kept.Entry, entry) is { } other) throw LedgerRules.Contradiction(entry, other);
            write.IsNews = LedgerRules.Improves(kept.Entry, entry);
            if (write.IsNews) _statements.Update(kept with { Entry = entry });
            if (write.IsNews && entry.Receipt.Body.Final) _statements.InsertFinished(kept.Ordinal);
            _statements.Update(row with { Record = session });
            return;
        }

        if (LedgerRules.ObjectToReceipt(row.Record, entry) is { } objection) throw LedgerRules.Contradiction(entry, objection);
        if (row.Record.State == SessionState.Closed) throw LedgerRules.Contradiction(entry, "the session is closed");
        ReceiptEntry? last = row.Receipts == 0 ? null : _statements.FindLatestReceipt(row.Ordinal)?.Entry;
        if (LedgerRules.ObjectToSuccessor(last, entry) is { } successor) throw LedgerRules.Contradiction(entry, successor);
        _statements.Insert(new ReceiptRow(++_lastReceipt, row.Ordinal, entry));
        _statements.Update(row with { Record = session, Receipts = row.Receipts + 1, Head = entry.Receipt.Hash });
        write.IsNews = entry.Receipt.IsCountersigned;
        if (write.IsNews && entry.Receipt.Body.Final) _statements.InsertFinished(_lastReceipt);
    }

    private void Apply(LedgerBlock block, IReadOnlyList<ReceiptEntry> receipts)
    {
        if (LedgerRules.ObjectToBlock(_statements.FindLatestBlock(), block) is { } objection) throw LedgerRules.Contradiction(block, objection);
        var ordinals = new List<long>(receipts.Count);
        var seen = new HashSet<long>();
        foreach (ReceiptEntry receipt in receipts)
        {
            SessionRow? session = _statements.FindSession(receipt.Receipt.Body.SessionId, receipt.Role);
            ReceiptRow? kept = session is null ? null : _statements.FindReceipt(session.Ordinal, receipt.Receipt.Body.Leg, receipt.Receipt.Body.Sequence);
            bool isSealed = kept is not null && (!seen.Add(kept.Ordinal) || _statements.IsSealed(kept.Ordinal));
            if (LedgerRules.ObjectToLeaf(receipt, kept?.Entry, isSealed) is { } leaf) throw LedgerRules.Contradiction(receipt, leaf);
            ordinals.Add(kept!.Ordinal);
        }

        _statements.Insert(block, ordinals);
    }

    private void Adopt(IReadOnlyList<LedgerBlock> blocks)
    {
        LedgerRules.ThrowIfNotAdoptable(_statements.FindLatestBlock(), blocks);
        foreach (LedgerBlock block in blocks) _statements.InsertAdopted(block);
    }

    private void ApplyPeerBlock(LedgerBlock block)
    {
        if (LedgerRules.ObjectToPeerBlock(_statements.FindPeerBlockHash(block.Body.Author, block.Body.Sequence), block) is { } objection)
            throw LedgerRules.Contradiction(block, objection);
        _statements.SavePeerBlock(block);
    }

    private LedgerException Fail(Exception e) => new(LedgerError.ReadOnly,
        $"The ledger {_path} takes no more writes until it is opened again, because one failed: {e.Message}", e);

    private sealed class Write(Action<Write> apply, ReceiptEntry? entry)
    {
        /// <summary>Judges and writes; run by the loop.</summary>
        public Action<Write> Apply { get; } = apply;

        public ReceiptEntry? Entry { get; } = entry;

        /// <summary>Why this write alone was refused. Set by the loop, as is <see cref="IsNews"/>.</summary>
        public LedgerException? Refusal { get; set; }

        /// <summary>Whether the receipt became countersigned by this write.</summary>
        public bool IsNews { get; set; }

        public TaskCompletionSource Done { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);
    }
}
