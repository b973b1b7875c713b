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
    private readonly List<int> _finished = []; // indexes into _receipts
    private readonly Dictionary<int, BlockPlace> _places = []; // by the same
    private readonly List<LedgerBlock> _blocks = [];
    private readonly Dictionary<ulong, ReceiptEntry[]> _sealed = [];
    private readonly HashSet<ulong> _adopted = [];
    private readonly PeerChains _peers = new();
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
            int place = _receipts.Count;
            if (kept.Positions.TryGetValue((entry.Receipt.Body.Leg, entry.Receipt.Body.Sequence), out int position))
            {
                if (LedgerRules.ObjectToRepetition(_receipts[position], entry) is { } other) throw LedgerRules.Contradiction(entry, other);
                isNews = LedgerRules.Improves(_receipts[position], entry);
                if (isNews) _receipts[position] = entry;
                place = position;
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
            if (!isNews) return ValueTask.CompletedTask;
            if (entry.Receipt.Body.Final) _finished.Add(place);
            _watchers.Publish(entry);
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
    public ValueTask<IReadOnlyList<LedgerRow<SessionRecord>>> FindNewestSessionsAsync(long? before, int limit, CancellationToken cancellationToken)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(limit);
        return ReadAsync<IReadOnlyList<LedgerRow<SessionRecord>>>(
            () => [.. Newest(_sessionOrder, before).Take(limit).Select(row => new LedgerRow<SessionRecord>(row.Number, row.Value.Record))], cancellationToken);
    }

    /// <inheritdoc/>
    public ValueTask<IReadOnlyList<LedgerRow<ReceiptEntry>>> FindNewestReceiptsAsync(Digest sessionId, long? before, int limit, CancellationToken cancellationToken)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(limit);
        return ReadAsync<IReadOnlyList<LedgerRow<ReceiptEntry>>>(
            () => [.. Newest(_receipts, before).Where(row => row.Value.Receipt.Body.SessionId == sessionId).Take(limit)], cancellationToken);
    }

    /// <inheritdoc/>
    public ValueTask<IReadOnlyList<ReceiptEntry>> FindUnsealedAsync(int limit, CancellationToken cancellationToken)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(limit);
        cancellationToken.ThrowIfCancellationRequested();
        lock (_lock)
            return ValueTask.FromResult<IReadOnlyList<ReceiptEntry>>([.. _finished.Where(index => !_places.ContainsKey(index)).Order().Take(limit).Select(index => _receipts[index])]);
    }

    /// <inheritdoc/>
    public ValueTask SaveBlockAsync(LedgerBlock block, IReadOnlyList<ReceiptEntry> receipts, CancellationToken cancellationToken)
    {
        LedgerRules.ThrowIfNoBlock(block, receipts);
        cancellationToken.ThrowIfCancellationRequested();
        lock (_lock)
        {
            ThrowIfClosed();
            if (LedgerRules.ObjectToBlock(_blocks.Count == 0 ? null : _blocks[^1], block) is { } objection) throw LedgerRules.Contradiction(block, objection);
            var places = new Dictionary<int, BlockPlace>();
            foreach (ReceiptEntry receipt in receipts)
            {
                int? index = FindIndex(receipt);
                bool isSealed = index is { } known && (_places.ContainsKey(known) || places.ContainsKey(known));
                if (LedgerRules.ObjectToLeaf(receipt, index is { } at ? _receipts[at] : null, isSealed) is { } leaf) throw LedgerRules.Contradiction(receipt, leaf);
                places.Add(index!.Value, new BlockPlace(block.Body.Sequence, places.Count));
            }

            foreach ((int index, BlockPlace place) in places) _places.Add(index, place);
            _blocks.Add(block);
            _sealed.Add(block.Body.Sequence, [.. receipts]);
        }

        return ValueTask.CompletedTask;
    }

    /// <inheritdoc/>
    public ValueTask<LedgerBlock?> FindLatestBlockAsync(CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        lock (_lock) return ValueTask.FromResult(_blocks.Count == 0 ? null : _blocks[^1]);
    }

    /// <inheritdoc/>
    public async IAsyncEnumerable<LedgerBlock> ReadBlocksAsync(ulong first, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        LedgerBlock[] all;
        lock (_lock) all = [.. _blocks.Where(block => block.Body.Sequence >= first)];
        await Task.CompletedTask.ConfigureAwait(false);
        foreach (LedgerBlock block in all)
        {
            cancellationToken.ThrowIfCancellationRequested();
            yield return block;
        }
    }

    /// <inheritdoc/>
    public ValueTask<IReadOnlyList<ReceiptEntry>> FindSealedAsync(ulong sequence, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        lock (_lock) return ValueTask.FromResult<IReadOnlyList<ReceiptEntry>>(_sealed.GetValueOrDefault(sequence) ?? []);
    }

    /// <inheritdoc/>
    public ValueTask<BlockPlace?> FindPlaceAsync(Digest sessionId, LedgerRole role, uint leg, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        lock (_lock)
        {
            foreach ((int index, BlockPlace place) in _places)
                if (_receipts[index] is var entry && entry.Role == role && entry.Receipt.Body.SessionId == sessionId && entry.Receipt.Body.Leg == leg)
                    return ValueTask.FromResult<BlockPlace?>(place);
            return ValueTask.FromResult<BlockPlace?>(null);
        }
    }

    /// <inheritdoc/>
    public ValueTask AdoptBlocksAsync(IReadOnlyList<LedgerBlock> blocks, CancellationToken cancellationToken)
    {
        LedgerRules.ThrowIfNone(blocks);
        return WriteAsync(
            () =>
            {
                LedgerRules.ThrowIfNotAdoptable(_blocks.Count == 0 ? null : _blocks[^1], blocks);
                foreach (LedgerBlock block in blocks)
                {
                    _blocks.Add(block);
                    _adopted.Add(block.Body.Sequence);
                }
            },
            cancellationToken);
    }

    /// <inheritdoc/>
    public ValueTask<bool> IsAdoptedAsync(ulong sequence, CancellationToken cancellationToken) => ReadAsync(() => _adopted.Contains(sequence), cancellationToken);

    /// <inheritdoc/>
    public ValueTask SavePeerBlockAsync(LedgerBlock block, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(block);
        return WriteAsync(() => _peers.Save(block), cancellationToken);
    }

    /// <inheritdoc/>
    public ValueTask<IReadOnlyList<LedgerBlock>> FindPeerBlocksAsync(PublicKey author, CancellationToken cancellationToken) => ReadAsync(() => _peers.Find(author), cancellationToken);

    /// <inheritdoc/>
    public ValueTask<IReadOnlyList<LedgerHead>> FindHeadsAsync(int limit, CancellationToken cancellationToken)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(limit);
        return ReadAsync(() => _peers.FindHeads(limit), cancellationToken);
    }

    /// <inheritdoc/>
    public ValueTask SaveForkProofAsync(ForkProof proof, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(proof);
        return WriteAsync(() => _peers.Save(proof), cancellationToken);
    }

    /// <inheritdoc/>
    public ValueTask<bool> HasForkedAsync(PublicKey author, CancellationToken cancellationToken) => ReadAsync(() => _peers.HasForked(author), cancellationToken);

    /// <inheritdoc/>
    public ValueTask<ForkProof?> FindForkProofAsync(PublicKey author, CancellationToken cancellationToken) => ReadAsync(() => _peers.FindForkProof(author), cancellationToken);

    /// <inheritdoc/>
    public ValueTask<IReadOnlyList<ForkProof>> FindForkProofsAsync(CancellationToken cancellationToken) => ReadAsync(_peers.FindForkProofs, cancellationToken);

    /// <inheritdoc/>
    public IAsyncEnumerable<ReceiptEntry> WatchAsync(CancellationToken cancellationToken) => _watchers.WatchAsync(cancellationToken);

    /// <summary>Ends the watchers' streams and refuses later writes; what is kept can still be read.</summary>
    public ValueTask DisposeAsync()
    {
        lock (_lock) _closed = true;
        _watchers.Close();
        return ValueTask.CompletedTask;
    }

    // Numbered from 1, as rows of a table are.
    private static IEnumerable<LedgerRow<T>> Newest<T>(List<T> rows, long? before)
    {
        for (long number = Math.Min(rows.Count, (before ?? long.MaxValue) - 1); number >= 1; number--) yield return new LedgerRow<T>(number, rows[(int)(number - 1)]);
    }

    private int? FindIndex(ReceiptEntry entry) =>
        _sessions.TryGetValue((entry.Receipt.Body.SessionId, entry.Role), out Kept? kept)
        && kept.Positions.TryGetValue((entry.Receipt.Body.Leg, entry.Receipt.Body.Sequence), out int index) ? index : null;

    private ValueTask WriteAsync(Action write, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        lock (_lock)
        {
            ThrowIfClosed();
            write();
        }

        return ValueTask.CompletedTask;
    }

    private ValueTask<T> ReadAsync<T>(Func<T> read, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        lock (_lock) return ValueTask.FromResult(read());
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
