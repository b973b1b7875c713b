using System.Runtime.CompilerServices;

namespace Overlay.Proofs.Ledger;

/// <summary>A ledger that lives as long as its process: for tests, and for nodes that only try things out.</summary>
/// <remarks>Keeps every rule that <see cref="SqliteLedgerStore"/> keeps, except that nothing is durable. Safe on several threads.</remarks>
public sealed class InMemoryLedgerStore : ILedgerStore
{
    private readonly Lock _lock = new(); // guards everything below
    private readonly Dictionary<(Digest, LedgerRole), Kept> _sessions = [];
    private readonly List<Kept> _sessionOrder = [];
    private readonly List<ReceiptEntry> _receipts = [];
    private readonly ReceiptWatchers _watchers = new();
    private bool _closed;

    /// <summary>Null: memory does not fail.</summary>
    public LedgerException? Fault => null;

    /// <inheritdoc/>
    public ValueTask SaveSessionAsync(SessionRecord session, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(session);
        cancellationToken.ThrowIfCancellationRequested();
        lock (_lock)
        {
            ThrowIfClosed();
            if (_sessions.TryGetValue((session.SessionId, session.Role), out Kept? kept))
            {
                if (LedgerRules.ObjectToSession(kept.Record, session) is { } objection) throw LedgerRules.Contradiction(session, objection);
                kept.Record = session;
            }
            else
            {
                kept = new Kept { Record = session };
                _sessions.Add((session.SessionId, session.Role), kept);
                _sessionOrder.Add(kept);
            }
        }

        return ValueTask.CompletedTask;
    }

    /// <inheritdoc/>
    public ValueTask SaveReceiptAsync(ReceiptEntry entry, SessionRecord session, CancellationToken cancellationToken)
    {
        LedgerRules.ThrowIfMismatched(entry, session);
        cancellationToken.ThrowIfCancellationRequested();
        lock (_lock)
        {
            ThrowIfClosed();
            if (!_sessions.TryGetValue((session.SessionId, session.Role), out Kept? kept))
                throw LedgerRules.Contradiction(entry, "the session is unknown");
            if (LedgerRules.ObjectToSession(kept.Record, session) is { } change) throw LedgerRules.Contradiction(session, change);

            bool isNews;
            if (kept.Positions.TryGetValue((entry.Receipt.Body.Leg, entry.Receipt.Body.Sequence), out int position))
            {
                if (LedgerRules.ObjectToRepetition(_receipts[position], entry) is { } other) throw LedgerRules.Contradiction(entry, other);
                isNews = LedgerRules.Improves(_receipts[position], entry);
                if (isNews) _receipts[position] = entry;
            }
            else
            {
                if (LedgerRules.ObjectToReceipt(kept.Record, entry) is { } objection) throw LedgerRules.Contradiction(entry, objection);
                if (kept.Record.State == SessionState.Closed) throw LedgerRules.Contradiction(entry, "the session is closed");
                ReceiptEntry? last = kept.Last is { } index ? _receipts[index] : null;
                if (LedgerRules.ObjectToSuccessor(last, entry) is { } successor) throw LedgerRules.Contradiction(entry, successor);
                kept.Last = _receipts.Count;
                kept.Positions.Add((entry.Receipt.Body.Leg, entry.Receipt.Body.Sequence), _receipts.Count);
                _receipts.Add(entry);
                isNews = entry.Receipt.IsCountersigned;
            }

            kept.Record = session;
            if (isNews) _watchers.Publish(entry);
        }

        return ValueTask.CompletedTask;
    }

    /// <inheritdoc/>
    public ValueTask<SessionRecord?> FindSessionAsync(Digest sessionId, LedgerRole role, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        lock (_lock) return ValueTask.FromResult(_sessions.GetValueOrDefault((sessionId, role))?.Record);
    }

    /// <inheritdoc/>
    public ValueTask<IReadOnlyList<SessionRecord>> FindUnsettledAsync(PublicKey counterparty, LedgerRole role, int limit, CancellationToken cancellationToken)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(limit);
        cancellationToken.ThrowIfCancellationRequested();
        lock (_lock)
        {
            return ValueTask.FromResult<IReadOnlyList<SessionRecord>>(
            [
                .. _sessionOrder.Select(kept => kept.Record)
                    .Where(record => record.Counterparty == counterparty && record.Role == role && record.State != SessionState.Closed)
                    .Take(limit),
            ]);
        }
    }

    /// <inheritdoc/>
    public ValueTask<ReceiptEntry?> FindLatestReceiptAsync(Digest sessionId, LedgerRole role, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        lock (_lock)
            return ValueTask.FromResult(_sessions.GetValueOrDefault((sessionId, role))?.Last is { } index ? _receipts[index] : null);
    }

    /// <inheritdoc/>
    public async IAsyncEnumerable<SessionRecord> ReadSessionsAsync([EnumeratorCancellation] CancellationToken cancellationToken)
    {
        SessionRecord[] all;
        lock (_lock) all = [.. _sessionOrder.Select(kept => kept.Record)];
        await Task.CompletedTask.ConfigureAwait(false);
        foreach (SessionRecord session in all)
        {
            cancellationToken.ThrowIfCancellationRequested();
            yield return session;
        }
    }

    /// <inheritdoc/>
    public async IAsyncEnumerable<ReceiptEntry> ReadReceiptsAsync(Digest? sessionId, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        ReceiptEntry[] all;
        lock (_lock) all = [.. _receipts.Where(entry => sessionId is not { } wanted || entry.Receipt.Body.SessionId == wanted)];
        await Task.CompletedTask.ConfigureAwait(false);
        foreach (ReceiptEntry entry in all)
        {
            cancellationToken.ThrowIfCancellationRequested();
            yield return entry;
        }
    }

    /// <inheritdoc/>
    public IAsyncEnumerable<ReceiptEntry> WatchAsync(CancellationToken cancellationToken) => _watchers.WatchAsync(cancellationToken);

    /// <summary>Ends the watchers' streams and refuses later writes; what is kept can still be read.</summary>
    public ValueTask DisposeAsync()
    {
        lock (_lock) _closed = true;
        _watchers.Close();
        return ValueTask.CompletedTask;
    }

    private void ThrowIfClosed()
    {
        if (_closed) throw new LedgerException(LedgerError.NotWritable, "The ledger has been closed.");
    }

    private sealed class Kept
    {
        public required SessionRecord Record { get; set; }

        // Indexes into _receipts, which only grows.
        public int? Last { get; set; }

        public Dictionary<(uint Leg, ulong Sequence), int> Positions { get; } = [];
    }
}
