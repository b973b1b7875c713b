using System.Runtime.CompilerServices;
using Microsoft.Data.Sqlite;

namespace Overlay.Proofs.Ledger;

/// <summary>A ledger in one SQLite file. What a write has returned from is on the disk.</summary>
/// <remarks>
/// One process writes, any number read. Writes go through one loop that makes everything waiting durable together, with write-ahead log and
/// <c>synchronous=FULL</c>. Each row carries a checksum that is checked whenever it is read. All receipts are kept: one takes about 415 bytes, so a
/// GiB of service at a credit window of 16 MiB costs some 53 KB. File format: docs/protocols/ledger-files.md.
/// </remarks>
public sealed class SqliteLedgerStore : ILedgerStore
{
    private const int PageCount = 256, FirstPageCount = 8;

    // SQLite folds the log into the file every 1,000 pages of 4 KiB: no crash concerns more than what fits into that.
    private const int NewestCount = 10_000;

    private readonly string _path;
    private readonly FileStream? _lock;
    private readonly SqliteLedgerStatements? _writes;
    private readonly SqliteLedgerStatements _reads;
    private readonly SqliteLedgerWriter? _writer;
    private readonly SemaphoreSlim _reading = new(1, 1); // guards _reads
    private readonly ReceiptWatchers _watchers = new();
    private bool _closed; // under _reading

    private SqliteLedgerStore(string path, FileStream? @lock, SqliteLedgerStatements? writes, SqliteLedgerStatements reads)
    {
        _path = path;
        _lock = @lock;
        _writes = writes;
        _reads = reads;
        if (writes is not null) _writer = new SqliteLedgerWriter(writes, _watchers, path);
    }

    /// <summary>Opens a ledger for reading and writing; makes it, readable by its owner only, if there is none.</summary>
    /// <remarks>Checks tables, length and the newest 10,000 receipts, which are all that a crash can have been about; every other row is checked when it is read,
    /// and all of them by <see cref="LedgerVerifier"/>. So it takes no longer for a large ledger than for a small one.</remarks>
    /// <param name="path">The ledger's file. Beside it stand its <c>.lock</c> and, while open, <c>-wal</c> and <c>-shm</c>.</param>
    /// <param name="cancellationToken">Checked before anything is opened.</param>
    /// <exception cref="LedgerException">The file is in use, no ledger, too new, damaged, or cannot be read or written.</exception>
    public static Task<SqliteLedgerStore> OpenAsync(string path, CancellationToken cancellationToken) => OpenAsync(path, maxPageCount: null, cancellationToken);

    /// <summary>Opens a ledger for reading, as it is at this moment. A node may have it open and go on writing.</summary>
    /// <remarks>Meant to be short: while it is open, the writer's log cannot shrink. A damaged file opens, and reading says what is wrong.</remarks>
    /// <param name="path">The ledger's file.</param>
    /// <param name="cancellationToken">Checked before anything is opened.</param>
    /// <exception cref="LedgerException">The file is missing, no ledger, of another version, or cannot be read.</exception>
    public static Task<SqliteLedgerStore> OpenReadOnlyAsync(string path, CancellationToken cancellationToken)
    {
        path = Path.GetFullPath(path);
        return Task.Run(() => Guarded(path, () =>
        {
            if (!File.Exists(path)) throw new LedgerException(LedgerError.Storage, $"There is no ledger at {path}.");
            uint version = SqliteLedgerFile.ReadVersion(path);
            if (version != SqliteLedgerSchema.Version)
                throw new LedgerException(LedgerError.Format, $"{path} is a ledger of version {version}; open it for writing once to bring it to version {SqliteLedgerSchema.Version}.");
            var reads = new SqliteLedgerStatements(SqliteLedgerFile.Connect(path, SqliteOpenMode.ReadOnly));
            try
            {
                reads.BeginRead();
                return new SqliteLedgerStore(path, null, null, reads);
            }
            catch
            {
                reads.Dispose();
                throw;
            }
        }), cancellationToken);
    }

    /// <summary>Moves a ledger that cannot be opened for its damage out of the way, so that a new one can begin: <c>….damaged-1</c>, or the next number that is free. Nothing in it is changed.</summary>
    /// <param name="path">The ledger's file.</param>
    /// <param name="cancellationToken">Checked before anything is moved.</param>
    /// <returns>Where it is now.</returns>
    /// <exception cref="LedgerException">There is no ledger, it is in use, it cannot be moved, or it is not damaged (<see cref="LedgerError.Contradiction"/>). Nothing was moved.</exception>
    public static async Task<string> SetAsideAsync(string path, CancellationToken cancellationToken)
    {
        path = Path.GetFullPath(path);
        if (!File.Exists(path)) throw new LedgerException(LedgerError.Storage, $"There is no ledger at {path}.");
        try
        {
            await (await OpenAsync(path, cancellationToken).ConfigureAwait(false)).DisposeAsync().ConfigureAwait(false);
        }
        catch (LedgerException e) when (e.Reason is LedgerError.Damaged or LedgerError.Format)
        {
            return Guarded(path, () =>
            {
                using FileStream @lock = SqliteLedgerFile.Lock(path);
                return SqliteLedgerFile.SetAside(path);
            });
        }

        throw new LedgerException(LedgerError.Contradiction, $"The ledger {path} is not damaged; it stays where it is.");
    }

    /// <param name="path">The ledger's file.</param>
    /// <param name="maxPageCount">The most pages of 4,096 bytes that the file may have, past which the disk counts as full.</param>
    /// <param name="cancellationToken">Checked before anything is opened.</param>
    internal static Task<SqliteLedgerStore> OpenAsync(string path, int? maxPageCount, CancellationToken cancellationToken)
    {
        path = Path.GetFullPath(path);
        return Task.Run(() => Guarded(path, () =>
        {
            SqliteLedgerFile.CreateFolder(path);
            FileStream @lock = SqliteLedgerFile.Lock(path);
            SqliteLedgerStatements? writes = null, reads = null;
            try
            {
                SqliteLedgerFile.CreateIfMissing(path);
                uint version = SqliteLedgerFile.ReadVersion(path);
                writes = new SqliteLedgerStatements(SqliteLedgerFile.Connect(path, SqliteOpenMode.ReadWrite));
                SqliteLedgerFile.ThrowIfCut(path);
                SqliteLedgerSchema.Migrate(writes.Connection, version);
                if (SqliteLedgerSchema.FindDifference(writes.Connection) is { } difference)
                    throw new LedgerException(LedgerError.Damaged, $"The ledger {path} is damaged: {difference}");
                writes.CheckNewest(NewestCount);
                SqliteLedgerSchema.Execute(writes.Connection, "PRAGMA journal_mode = WAL");
                if (maxPageCount is { } pages) SqliteLedgerSchema.Execute(writes.Connection, $"PRAGMA max_page_count = {pages}");
                reads = new SqliteLedgerStatements(SqliteLedgerFile.Connect(path, SqliteOpenMode.ReadOnly));
                return new SqliteLedgerStore(path, @lock, writes, reads);
            }
            catch
            {
                reads?.Dispose();
                writes?.Dispose();
                @lock.Dispose();
                throw;
            }
        }), cancellationToken);
    }

    /// <inheritdoc/>
    public LedgerException? Fault => _writer?.Fault;

    /// <inheritdoc/>
    public ValueTask SaveSessionAsync(SessionRecord session, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(session);
        return new ValueTask(Writer.WriteAsync(session, null, cancellationToken));
    }

    /// <inheritdoc/>
    public ValueTask SaveReceiptAsync(ReceiptEntry entry, SessionRecord session, CancellationToken cancellationToken)
    {
        LedgerRules.ThrowIfMismatched(entry, session);
        return new ValueTask(Writer.WriteAsync(session, entry, cancellationToken));
    }

    /// <inheritdoc/>
    public async ValueTask<SessionRecord?> FindSessionAsync(Digest sessionId, LedgerRole role, CancellationToken cancellationToken) =>
        (await ReadAsync(reads => reads.FindSession(sessionId, role), cancellationToken).ConfigureAwait(false))?.Record;

    /// <inheritdoc/>
    public async ValueTask<IReadOnlyList<SessionRecord>> FindUnsettledAsync(PublicKey counterparty, LedgerRole role, int limit, CancellationToken cancellationToken)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(limit);
        List<SessionRow> rows = await ReadAsync(reads => reads.FindUnsettled(counterparty, role, limit), cancellationToken).ConfigureAwait(false);
        return rows.ConvertAll(row => row.Record);
    }

    /// <inheritdoc/>
    public async ValueTask<ReceiptEntry?> FindLatestReceiptAsync(Digest sessionId, LedgerRole role, CancellationToken cancellationToken) =>
        (await ReadAsync(reads => reads.FindSession(sessionId, role) is { } row ? reads.FindLatestReceipt(row.Ordinal) : null, cancellationToken)
            .ConfigureAwait(false))?.Entry;

    /// <inheritdoc/>
    public async IAsyncEnumerable<SessionRecord> ReadSessionsAsync([EnumeratorCancellation] CancellationToken cancellationToken)
    {
        await foreach (SessionRow row in ReadSessionRowsAsync(cancellationToken).ConfigureAwait(false)) yield return row.Record;
    }

    /// <inheritdoc/>
    public async IAsyncEnumerable<ReceiptEntry> ReadReceiptsAsync(Digest? sessionId, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        // By pages, so that a slow reader holds neither the connection nor the log.
        long last = 0;
        List<ReceiptRow> rows;
        do
        {
            rows = await ReadAsync(
                reads => sessionId is { } wanted ? reads.ReadReceiptsAfter(wanted, last, PageCount) : reads.ReadReceiptsAfter(last, PageCount),
                cancellationToken).ConfigureAwait(false);
            foreach (ReceiptRow row in rows) yield return row.Entry;
            if (rows.Count != 0) last = rows[^1].Ordinal;
        }
        while (rows.Count == PageCount);
    }

    /// <inheritdoc/>
    public async ValueTask<IReadOnlyList<LedgerRow<SessionRecord>>> FindNewestSessionsAsync(long? before, int limit, CancellationToken cancellationToken)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(limit);
        List<SessionRow> rows = await ReadAsync(reads => reads.ReadSessionsBefore(before ?? long.MaxValue, limit), cancellationToken).ConfigureAwait(false);
        return rows.ConvertAll(row => new LedgerRow<SessionRecord>(row.Ordinal, row.Record));
    }

    /// <inheritdoc/>
    public async ValueTask<IReadOnlyList<LedgerRow<ReceiptEntry>>> FindNewestReceiptsAsync(Digest sessionId, long? before, int limit, CancellationToken cancellationToken)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(limit);
        List<ReceiptRow> rows = await ReadAsync(reads => reads.ReadReceiptsBefore(sessionId, before ?? long.MaxValue, limit), cancellationToken).ConfigureAwait(false);
        return rows.ConvertAll(row => new LedgerRow<ReceiptEntry>(row.Ordinal, row.Entry));
    }

    /// <inheritdoc/>
    public async ValueTask<IReadOnlyList<ReceiptEntry>> FindUnsealedAsync(int limit, CancellationToken cancellationToken)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(limit);
        return (await ReadAsync(reads => reads.FindUnsealed(limit), cancellationToken).ConfigureAwait(false)).ConvertAll(row => row.Entry);
    }

    /// <inheritdoc/>
    public ValueTask SaveBlockAsync(LedgerBlock block, IReadOnlyList<ReceiptEntry> receipts, CancellationToken cancellationToken)
    {
        LedgerRules.ThrowIfNoBlock(block, receipts);
        return new ValueTask(Writer.WriteAsync(block, receipts, cancellationToken));
    }

    /// <inheritdoc/>
    public ValueTask<LedgerBlock?> FindLatestBlockAsync(CancellationToken cancellationToken) => ReadAsync(reads => reads.FindLatestBlock(), cancellationToken);

    /// <inheritdoc/>
    public async IAsyncEnumerable<LedgerBlock> ReadBlocksAsync(ulong first, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        // Often only one is wanted, or a few: the first page is small, and each is twice the one before.
        List<LedgerBlock> blocks;
        int count = FirstPageCount;
        do
        {
            int limit = count;
            blocks = await ReadAsync(reads => reads.ReadBlocksFrom(first, limit), cancellationToken).ConfigureAwait(false);
            foreach (LedgerBlock block in blocks) yield return block;
            if (blocks.Count < limit) yield break;
            first = blocks[^1].Body.Sequence + 1;
            count = Math.Min(2 * count, PageCount);
        }
        while (true);
    }

    /// <inheritdoc/>
    public async ValueTask<IReadOnlyList<ReceiptEntry>> FindSealedAsync(ulong sequence, CancellationToken cancellationToken) =>
        (await ReadAsync(reads => reads.FindSealed(sequence), cancellationToken).ConfigureAwait(false)).ConvertAll(row => row.Entry);

    /// <inheritdoc/>
    public ValueTask<BlockPlace?> FindPlaceAsync(Digest sessionId, LedgerRole role, uint leg, CancellationToken cancellationToken) =>
        ReadAsync(reads => reads.FindPlace(sessionId, role, leg), cancellationToken);

    /// <inheritdoc/>
    public ValueTask AdoptBlocksAsync(IReadOnlyList<LedgerBlock> blocks, CancellationToken cancellationToken)
    {
        LedgerRules.ThrowIfNone(blocks);
        return new ValueTask(Writer.AdoptAsync([.. blocks], cancellationToken));
    }

    /// <inheritdoc/>
    public ValueTask<bool> IsAdoptedAsync(ulong sequence, CancellationToken cancellationToken) => ReadAsync(reads => reads.IsAdopted(sequence), cancellationToken);

    /// <inheritdoc/>
    public ValueTask SavePeerBlockAsync(LedgerBlock block, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(block);
        return new ValueTask(Writer.WritePeerBlockAsync(block, cancellationToken));
    }

    /// <inheritdoc/>
    public async ValueTask<IReadOnlyList<LedgerBlock>> FindPeerBlocksAsync(PublicKey author, CancellationToken cancellationToken) =>
        await ReadAsync(reads => reads.FindPeerBlocks(author), cancellationToken).ConfigureAwait(false);

    /// <inheritdoc/>
    public ValueTask SaveForkProofAsync(ForkProof proof, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(proof);
        return new ValueTask(Writer.WriteAsync(proof, cancellationToken));
    }

    /// <inheritdoc/>
    public ValueTask<bool> HasForkedAsync(PublicKey author, CancellationToken cancellationToken) => ReadAsync(reads => reads.HasForked(author), cancellationToken);

    /// <inheritdoc/>
    public ValueTask<ForkProof?> FindForkProofAsync(PublicKey author, CancellationToken cancellationToken) =>
        ReadAsync(reads => reads.FindForkProof(author), cancellationToken);

    /// <inheritdoc/>
    public async ValueTask<IReadOnlyList<ForkProof>> FindForkProofsAsync(CancellationToken cancellationToken) =>
        await ReadAsync(reads => reads.FindForkProofs(), cancellationToken).ConfigureAwait(false);

    /// <inheritdoc/>
    public async ValueTask<IReadOnlyList<LedgerHead>> FindHeadsAsync(int limit, CancellationToken cancellationToken)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(limit);
        return await ReadAsync(reads => reads.FindHeads(limit), cancellationToken).ConfigureAwait(false);
    }

    /// <inheritdoc/>
    /// <remarks>A ledger opened read-only has no news: its stream ends when it is closed.</remarks>
    public IAsyncEnumerable<ReceiptEntry> WatchAsync(CancellationToken cancellationToken) => _watchers.WatchAsync(cancellationToken);

    /// <summary>Finishes the writes that are queued, ends the watchers' streams and closes the file.</summary>
    public async ValueTask DisposeAsync()
    {
        if (_writer is not null) await _writer.DisposeAsync().ConfigureAwait(false);
        _watchers.Close();
        await _reading.WaitAsync().ConfigureAwait(false);
        try
        {
            if (_closed) return;
            _closed = true;
            // The writer's connection goes last: it is the one that can fold the log into the file and remove it.
            _reads.Dispose();
            _writes?.Dispose();
            if (_lock is not null) await _lock.DisposeAsync().ConfigureAwait(false);
        }
        finally
        {
            _reading.Release();
        }
    }

    /// <summary>What is wrong with the file beneath the rows, in words, or null: SQLite's own check, and the tables.</summary>
    internal async Task<string?> FindDamageAsync(CancellationToken cancellationToken)
    {
        string? damage = await ReadAsync(
            reads => SqliteLedgerFile.FindDamage(reads.Connection, "integrity_check") ?? SqliteLedgerSchema.FindDifference(reads.Connection),
            cancellationToken).ConfigureAwait(false);
        if (damage is not null) return $"The ledger {_path} is damaged: {damage}";
        return null;
    }

    /// <summary>The first session whose receipts are not as many, or not up to the one, that its row says; in words, or null.</summary>
    /// <param name="find">How many of a session's receipts were read, and the hash of the newest.</param>
    /// <param name="cancellationToken">Ends the reading.</param>
    internal async Task<string?> FindMissingAsync(Func<Digest, LedgerRole, (long Count, Digest Head)> find, CancellationToken cancellationToken)
    {
        await foreach (SessionRow row in ReadSessionRowsAsync(cancellationToken).ConfigureAwait(false))
        {
            (long Count, Digest Head) found = find(row.Record.SessionId, row.Record.Role);
            if (found != (row.Receipts, row.Head))
                return $"Session {row.Record.SessionId} ({row.Record.Role}): {row.Receipts} receipts up to {row.Head} were kept, but {found.Count} up to {found.Head} are there.";
        }

        return null;
    }

    private SqliteLedgerWriter Writer =>
        _writer ?? throw new LedgerException(LedgerError.NotWritable, $"The ledger {_path} was opened for reading only.");

    private async IAsyncEnumerable<SessionRow> ReadSessionRowsAsync([EnumeratorCancellation] CancellationToken cancellationToken)
    {
        long last = 0;
        List<SessionRow> rows;
        do
        {
            rows = await ReadAsync(reads => reads.ReadSessionsAfter(last, PageCount), cancellationToken).ConfigureAwait(false);
            foreach (SessionRow row in rows) yield return row;
            if (rows.Count != 0) last = rows[^1].Ordinal;
        }
        while (rows.Count == PageCount);
    }

    private async ValueTask<T> ReadAsync<T>(Func<SqliteLedgerStatements, T> read, CancellationToken cancellationToken)
    {
        await _reading.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            ObjectDisposedException.ThrowIf(_closed, this);
            return Guarded(_path, () => read(_reads));
        }
        finally
        {
            _reading.Release();
        }
    }

    private static T Guarded<T>(string path, Func<T> action)
    {
        try
        {
            return action();
        }
        catch (SqliteException e)
        {
            throw SqliteLedgerFile.Translate(e, path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new LedgerException(LedgerError.Storage, $"The ledger {path} could not be opened: {e.Message}", e);
        }
    }
}
