using Overlay.Proofs.Receipts;

namespace Overlay.Proofs.Ledger;

/// <summary>Adds up a ledger once, and from then on only what comes to it: totals that can be asked for every second, however long the ledger is.</summary>
/// <remarks>
/// Safe on several threads. Two loops write to the sums under their lock: one reads what is kept, then the other what became countersigned meanwhile and
/// later; a receipt that both see counts once, since it is known by its leg and sequence. Reads by pages, so that the ledger's other readers do not wait.
/// </remarks>
public sealed class LedgerTally : IAsyncDisposable
{
    /// <summary>Sessions that ended unpaid of which the bytes are remembered; of more, the sum is of the first.</summary>
    public const int MaxUnpaidSessions = 10_000;

    // Legs that have ended are no longer known one by one, but for the newest: they may be told of twice.
    private const int RecentCount = 4096;

    private const int SessionsPerPage = 100;

    private readonly ILedgerStore _store;
    private readonly CancellationTokenSource _stop = new();
    private readonly SemaphoreSlim _reading = new(1, 1); // guards _nextBlock, _newestSession and the change of _live
    private readonly Lock _lock = new(); // guards the sums and what follows
    private readonly Side _provided = new(), _consumed = new();
    private readonly Dictionary<(Digest Session, LedgerRole Role), Position> _open = [];
    private readonly HashSet<(Digest Session, LedgerRole Role, uint Leg)> _ended = [];
    private readonly Queue<(Digest Session, LedgerRole Role, uint Leg)> _endedOrder = new();
    private readonly Dictionary<Digest, Debt> _unpaid = [];
    private readonly Dictionary<ulong, UInt128> _earned = [];
    private readonly Dictionary<ulong, ulong> _sealed = [];
    private readonly Task _watching, _adding;
    private volatile HashSet<Digest> _live = [];
    private ulong _nextBlock;
    private long _newestSession;

    /// <summary>Begins to add up. Dispose it before the store.</summary>
    public LedgerTally(ILedgerStore store)
    {
        ArgumentNullException.ThrowIfNull(store);
        _store = store;
        // Before anything is read, so that nothing is missed between the two.
        IAsyncEnumerator<ReceiptEntry> news = store.WatchAsync(_stop.Token).GetAsyncEnumerator(_stop.Token);
        ValueTask<bool> first = news.MoveNextAsync();
        _adding = Task.Run(AddAllAsync);
        _watching = Task.Run(() => WatchAsync(news, first));
    }

    /// <summary>The totals at this moment.</summary>
    /// <param name="live">Sessions that are being served: what they have not been paid for yet is no loss.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <exception cref="LedgerException">The ledger cannot be read.</exception>
    public async ValueTask<LedgerTotals> ReadAsync(IReadOnlyCollection<Digest> live, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(live);
        if (_adding.IsCompleted)
        {
            await _adding.ConfigureAwait(false);
            await _reading.WaitAsync(cancellationToken).ConfigureAwait(false);
            try
            {
                await AddBlocksAsync(cancellationToken).ConfigureAwait(false);
                await AddNewSessionsAsync(live, cancellationToken).ConfigureAwait(false);
                foreach (Digest gone in _live.Except(live).ToArray())
                    if (await _store.FindSessionAsync(gone, LedgerRole.Provider, cancellationToken).ConfigureAwait(false) is { } session)
                        await AddSessionAsync(session, cancellationToken).ConfigureAwait(false);
                _live = [.. live];
            }
            finally
            {
                _reading.Release();
            }
        }

        lock (_lock)
        {
            ulong unpaid = 0;
            foreach ((Digest session, Debt debt) in _unpaid)
                if (!_live.Contains(session)) unpaid += debt.Bytes;
            return new LedgerTotals { IsComplete = _adding.IsCompletedSuccessfully, Provided = _provided.Totals, Consumed = _consumed.Totals, Unpaid = unpaid };
        }
    }

    /// <summary>What was earned in legs that began in an epoch or a later one, in micro-credits.</summary>
    public ulong EarnedSince(ulong epoch)
    {
        lock (_lock)
        {
            UInt128 sum = 0;
            foreach ((ulong began, UInt128 amount) in _earned)
                if (began >= epoch) sum += amount;
            return (ulong)UInt128.Min(sum, ulong.MaxValue);
        }
    }

    /// <summary>The first epoch in which something was earned; null when nothing was.</summary>
    public ulong? FirstEarningEpoch
    {
        get
        {
            lock (_lock) return _earned.Count == 0 ? null : _earned.Keys.Min();
        }
    }

    /// <summary>Bytes served in some epochs that stand in a block.</summary>
    public ulong SealedIn(IEnumerable<ulong> epochs)
    {
        ArgumentNullException.ThrowIfNull(epochs);
        lock (_lock)
        {
            ulong sum = 0;
            foreach (ulong epoch in epochs) sum += _sealed.GetValueOrDefault(epoch);
            return sum;
        }
    }

    /// <summary>Ends both loops.</summary>
    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync().ConfigureAwait(false);
        await _watching.ConfigureAwait(false);
        await _adding.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        _stop.Dispose();
        _reading.Dispose();
    }

    private async Task WatchAsync(IAsyncEnumerator<ReceiptEntry> news, ValueTask<bool> first)
    {
        // What was there comes first: a session's newest leg would hide the ones before it, and those that ended long ago are not known one by one.
        await _adding.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        try
        {
            for (bool more = await first.ConfigureAwait(false); more; more = await news.MoveNextAsync().ConfigureAwait(false))
                lock (_lock) Add(news.Current);
        }
        catch (OperationCanceledException)
        {
            // Disposed.
        }
        finally
        {
            await news.DisposeAsync().ConfigureAwait(false);
        }
    }

    private async Task AddAllAsync()
    {
        // Looked for before the sessions are read, so that none falls between.
        _newestSession = await _store.FindNewestSessionsAsync(null, 1, _stop.Token).ConfigureAwait(false) is [LedgerRow<SessionRecord> last] ? last.Number : 0;
        await foreach (ReceiptEntry entry in _store.ReadReceiptsAsync(null, _stop.Token).ConfigureAwait(false))
            lock (_lock) Add(entry);
        await foreach (SessionRecord session in _store.ReadSessionsAsync(_stop.Token).ConfigureAwait(false))
            await AddSessionAsync(session, _stop.Token).ConfigureAwait(false);
        await AddBlocksAsync(_stop.Token).ConfigureAwait(false);
    }

    private async ValueTask AddBlocksAsync(CancellationToken cancellationToken)
    {
        await foreach (LedgerBlock block in _store.ReadBlocksAsync(_nextBlock, cancellationToken).ConfigureAwait(false))
        {
            IReadOnlyList<ReceiptEntry> receipts = await _store.FindSealedAsync(block.Body.Sequence, cancellationToken).ConfigureAwait(false);
            lock (_lock)
            {
                foreach (ReceiptEntry entry in receipts)
                {
                    // A watcher that lags is not told everything; a leg that is known comes to its right end at least here.
                    if (_open.TryGetValue((entry.Receipt.Body.SessionId, entry.Role), out Position? position) && position.Leg == entry.Receipt.Body.Leg) Add(entry);
                    Of(entry.Role).Sealed += entry.Opening.Total;
                    if (entry.Role != LedgerRole.Provider) continue;
                    ulong epoch = entry.Receipt.Body.Epoch;
                    _sealed[epoch] = _sealed.GetValueOrDefault(epoch) + entry.Opening.Total;
                }
            }

            _nextBlock = block.Body.Sequence + 1;
        }
    }

    // Sessions that began and ended while nobody asked.
    private async ValueTask AddNewSessionsAsync(IReadOnlyCollection<Digest> live, CancellationToken cancellationToken)
    {
        long? newest = null, before = null;
        while (true)
        {
            IReadOnlyList<LedgerRow<SessionRecord>> page = await _store.FindNewestSessionsAsync(before, SessionsPerPage, cancellationToken).ConfigureAwait(false);
            newest ??= page.Count > 0 ? page[0].Number : null;
            foreach (LedgerRow<SessionRecord> row in page)
            {
                if (row.Number <= _newestSession) break;
                if (!live.Contains(row.Value.SessionId)) await AddSessionAsync(row.Value, cancellationToken).ConfigureAwait(false);
            }

            if (page.Count < SessionsPerPage || page[^1].Number <= _newestSession) break;
            before = page[^1].Number;
        }

        _newestSession = newest ?? _newestSession;
    }

    private async ValueTask AddSessionAsync(SessionRecord session, CancellationToken cancellationToken)
    {
        if (session.Role != LedgerRole.Provider) return;
        bool isPaid = session.State is SessionState.Closed or SessionState.Settled || session.Counted.Total == 0;
        ReceiptEntry? newest = isPaid ? null : await _store.FindLatestReceiptAsync(session.SessionId, LedgerRole.Provider, cancellationToken).ConfigureAwait(false);
        lock (_lock)
        {
            if (isPaid) _unpaid.Remove(session.SessionId);
            else if (_unpaid.Count < MaxUnpaidSessions || _unpaid.ContainsKey(session.SessionId))
                _unpaid[session.SessionId] = new Debt(session.Leg, session.Counted.Total, 0).After(newest);
        }
    }

    // Under the lock.
    private void Add(ReceiptEntry entry)
    {
        ReceiptBody body = entry.Receipt.Body;
        (Digest, LedgerRole) key = (body.SessionId, entry.Role);
        if (!entry.Receipt.IsCountersigned || _ended.Contains((body.SessionId, entry.Role, body.Leg))) return;
        var before = new Position(body.Leg, 0, default, 0);
        if (_open.TryGetValue(key, out Position? known))
        {
            if (body.Leg < known.Leg || (body.Leg == known.Leg && body.Sequence < known.Receipts)) return;
            if (body.Leg == known.Leg) before = known;
        }

        var now = new Position(body.Leg, body.Sequence + 1, entry.Opening, Amount(entry.Opening.Total, body.PricePerGiB));
        Of(entry.Role).Add(before, now);
        if (entry.Role == LedgerRole.Provider)
        {
            _earned[body.Epoch] = _earned.GetValueOrDefault(body.Epoch) + (now.Amount - before.Amount);
            // Who left without paying has come back.
            if (_unpaid.TryGetValue(body.SessionId, out Debt? debt)) _unpaid[body.SessionId] = debt.After(entry);
        }

        if (!body.Final)
        {
            _open[key] = now;
            return;
        }

        _open.Remove(key);
        if (_ended.Add((body.SessionId, entry.Role, body.Leg))) _endedOrder.Enqueue((body.SessionId, entry.Role, body.Leg));
        if (_endedOrder.Count > RecentCount) _ended.Remove(_endedOrder.Dequeue());
    }

    private Side Of(LedgerRole role) => role == LedgerRole.Provider ? _provided : _consumed;

    // A started micro-credit counts whole: docs/protocols/receipt.md.
    private static UInt128 Amount(ulong bytes, ulong microCreditsPerGiB) => ((UInt128)bytes * microCreditsPerGiB + ((1UL << 30) - 1)) >> 30;

    /// <summary>How far a leg has come: receipts, bytes and micro-credits.</summary>
    private sealed record Position(uint Leg, ulong Receipts, ReceiptOpening Opening, UInt128 Amount);

    /// <summary>What was served in a session's last leg, and how much of it was paid for.</summary>
    private sealed record Debt(uint Leg, ulong Counted, ulong Paid)
    {
        internal ulong Bytes => Counted - Math.Min(Counted, Paid);

        internal Debt After(ReceiptEntry? receipt) => receipt is null || receipt.Receipt.Body.Leg < Leg ? this
            : this with { Paid = receipt.Receipt.Body.Leg == Leg ? receipt.Opening.Total : Counted };
    }

    private sealed class Side
    {
        private ulong _receipts, _up, _down;
        private UInt128 _amount;

        internal ulong Sealed { get; set; }

        internal LedgerSideTotals Totals => new()
        {
            Receipts = _receipts,
            Up = _up,
            Down = _down,
            Sealed = Sealed,
            MicroCredits = (ulong)UInt128.Min(_amount, ulong.MaxValue),
        };

        internal void Add(Position before, Position now)
        {
            _receipts += now.Receipts - before.Receipts;
            _up += now.Opening.Up - before.Opening.Up;
            _down += now.Opening.Down - before.Opening.Down;
            _amount += now.Amount - before.Amount;
        }
    }
}

/// <summary>What a ledger adds up to at one moment.</summary>
public sealed record LedgerTotals
{
    /// <summary>Whether all of it has been added up; false for the first moments with a long ledger.</summary>
    public required bool IsComplete { get; init; }

    /// <summary>What this node has served.</summary>
    public required LedgerSideTotals Provided { get; init; }

    /// <summary>What this node has used.</summary>
    public required LedgerSideTotals Consumed { get; init; }

    /// <summary>Bytes served in sessions that have ended, and for which no receipt was taken so far.</summary>
    public required ulong Unpaid { get; init; }
}

/// <summary>One side's sums over receipts with both signatures, each leg by its newest.</summary>
public sealed record LedgerSideTotals
{
    /// <summary>How many receipts.</summary>
    public required ulong Receipts { get; init; }

    /// <summary>Payload bytes from consumers to providers.</summary>
    public required ulong Up { get; init; }

    /// <summary>Payload bytes from providers to consumers.</summary>
    public required ulong Down { get; init; }

    /// <summary>Bytes both ways that stand in a block of the ledger's chain.</summary>
    public required ulong Sealed { get; init; }

    /// <summary>What they amount to, in micro-credits.</summary>
    public required ulong MicroCredits { get; init; }
}

/// <summary>One row of a ledger, and its number by which the next page is asked for.</summary>
/// <param name="Number">Rows that were stored later have higher numbers.</param>
/// <param name="Value">The row.</param>
public readonly record struct LedgerRow<T>(long Number, T Value);
