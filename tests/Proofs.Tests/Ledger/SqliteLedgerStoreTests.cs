using System.Security.Cryptography;
using Microsoft.Data.Sqlite;
using Overlay.Proofs.Ledger;
using Overlay.TestKit.Proofs;

namespace Overlay.Proofs.Tests.Ledger;

public sealed class SqliteLedgerStoreTests : IDisposable
{
    private readonly TemporaryLedger _ledger = new();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public void Dispose() => _ledger.Dispose();

    [Fact]
    public async Task Open_NothingThere_MakesFolderAndFilesForTheOwnerOnly()
    {
        string path = Path.Combine(_ledger.Folder, "deep", "er", "ledger.db");
        await using SqliteLedgerStore store = await SqliteLedgerStore.OpenAsync(path, Cancellation);
        await TemporaryLedger.FillAsync(store);

        if (OperatingSystem.IsWindows()) return;
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute, File.GetUnixFileMode(Path.GetDirectoryName(path)!));
        string[] files = Directory.GetFiles(Path.GetDirectoryName(path)!);
        Assert.Equal(["ledger.db", "ledger.db-shm", "ledger.db-wal", "ledger.db.lock"], files.Select(file => Path.GetFileName(file)).Order(StringComparer.Ordinal));
        foreach (string file in files) Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(file));
    }

    [Fact]
    public async Task Open_HalfMadeLedgerLeftByACrash_StartsAfresh()
    {
        File.WriteAllText(_ledger.File + ".new", "half");
        File.WriteAllText(_ledger.File + ".new-journal", "half");
        await using SqliteLedgerStore store = await _ledger.OpenAsync();
        Assert.False(File.Exists(_ledger.File + ".new"));
        Assert.False(File.Exists(_ledger.File + ".new-journal"));
    }

    [Fact]
    public async Task Open_Again_FindsEverything()
    {
        string before;
        await using (SqliteLedgerStore store = await _ledger.OpenAsync())
        {
            await TemporaryLedger.FillAsync(store);
            before = await TemporaryLedger.ExportAsync(store);
        }

        Assert.Equal(["ledger.db", "ledger.db.lock"], Directory.GetFiles(_ledger.Folder).Select(file => Path.GetFileName(file)).Order(StringComparer.Ordinal));
        await using SqliteLedgerStore again = await _ledger.OpenAsync();
        Assert.Equal(before, await TemporaryLedger.ExportAsync(again));
        var script = new SessionScript(50, LedgerRole.Provider);
        await again.SaveSessionAsync(script.Record, Cancellation);
        await again.SaveReceiptAsync(script.Next(), script.Record, Cancellation);
        Assert.StartsWith(before.Split('\n')[0], await TemporaryLedger.ExportAsync(again), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Open_MoreReceiptsThanAPage_ReadsAllInOrder()
    {
        var script = new SessionScript(1, LedgerRole.Provider);
        await using SqliteLedgerStore store = await _ledger.OpenAsync();
        await store.SaveSessionAsync(script.Record, Cancellation);
        await Task.WhenAll(Enumerable.Range(0, 512).Select(_ => store.SaveReceiptAsync(script.Next(), script.Record, Cancellation).AsTask()));

        foreach (Digest? which in (Digest?[])[null, script.Record.SessionId])
        {
            ulong[] read = await store.ReadReceiptsAsync(which, Cancellation).Select(entry => entry.Receipt.Body.Sequence).ToArrayAsync(Cancellation);
            Assert.Equal(Enumerable.Range(0, 512).Select(i => (ulong)i), read);
        }
    }

    [Fact]
    public async Task Open_SecondWriter_IsInUseAndFirstGoesOn()
    {
        await using SqliteLedgerStore first = await _ledger.OpenAsync();
        LedgerException e = await Assert.ThrowsAsync<LedgerException>(() => _ledger.OpenAsync());
        Assert.Equal(LedgerError.InUse, e.Reason);
        Assert.Contains(_ledger.File, e.Message, StringComparison.Ordinal);
        await TemporaryLedger.FillAsync(first);
    }

    [Fact]
    public async Task OpenReadOnly_WhileANodeWrites_SeesTheMomentOfOpening()
    {
        await using SqliteLedgerStore writer = await _ledger.OpenAsync();
        await TemporaryLedger.FillAsync(writer);
        string then = await TemporaryLedger.ExportAsync(writer);
        await using SqliteLedgerStore reader = await _ledger.OpenReadOnlyAsync();
        await writer.SaveSessionAsync(new SessionScript(60, LedgerRole.Provider).Record, Cancellation);

        Assert.Equal(then, await TemporaryLedger.ExportAsync(reader));
        LedgerException e = await Assert.ThrowsAsync<LedgerException>(async () =>
            await reader.SaveSessionAsync(new SessionScript(61, LedgerRole.Provider).Record, Cancellation));
        Assert.Equal(LedgerError.NotWritable, e.Reason);
    }

    [Fact]
    public async Task OpenReadOnly_NoLedger_SaysSoAndMakesNone()
    {
        LedgerException e = await Assert.ThrowsAsync<LedgerException>(() => _ledger.OpenReadOnlyAsync());
        Assert.Equal(LedgerError.Storage, e.Reason);
        Assert.Empty(Directory.GetFiles(_ledger.Folder));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(5)]
    [InlineData(99)]
    [InlineData(5000)]
    public async Task Open_NoDatabase_IsRefusedUntouched(int size)
    {
        byte[] content = [.. Enumerable.Range(0, size).Select(i => (byte)i)];
        File.WriteAllBytes(_ledger.File, content);

        foreach (Func<Task> open in (Func<Task>[])[() => _ledger.OpenAsync(), () => _ledger.OpenReadOnlyAsync()])
        {
            LedgerException e = await Assert.ThrowsAsync<LedgerException>(open);
            Assert.Equal(LedgerError.Format, e.Reason);
            Assert.Contains(_ledger.File, e.Message, StringComparison.Ordinal);
        }

        Assert.Equal(content, File.ReadAllBytes(_ledger.File));
    }

    [Fact]
    public async Task Open_AnotherProgramsDatabase_IsRefusedUntouched()
    {
        Execute("PRAGMA journal_mode = WAL; CREATE TABLE theirs (x); INSERT INTO theirs VALUES (1)");
        byte[] content = File.ReadAllBytes(_ledger.File);

        Assert.Equal(LedgerError.Format, (await Assert.ThrowsAsync<LedgerException>(() => _ledger.OpenAsync())).Reason);
        Assert.Equal(content, File.ReadAllBytes(_ledger.File));
    }

    [Fact]
    public async Task Open_NewerVersion_NamesFileAndVersions()
    {
        await using (await _ledger.OpenAsync()) { }
        Execute("PRAGMA user_version = 7");
        byte[] content = File.ReadAllBytes(_ledger.File);

        LedgerException e = await Assert.ThrowsAsync<LedgerException>(() => _ledger.OpenAsync());
        Assert.Equal(LedgerError.Format, e.Reason);
        Assert.Contains($"{_ledger.File} is a ledger of version 7; this build knows versions 1 to {SqliteLedgerSchema.Version}", e.Message, StringComparison.Ordinal);
        Assert.Equal(content, File.ReadAllBytes(_ledger.File));
    }

    [Fact]
    public async Task Open_TableChanged_IsDamaged()
    {
        await using (await _ledger.OpenAsync()) { }
        Execute("DROP INDEX session_unsettled");
        Assert.Equal(LedgerError.Damaged, (await Assert.ThrowsAsync<LedgerException>(() => _ledger.OpenAsync())).Reason);
    }

    [Fact]
    public async Task Open_PagesOverwritten_IsDamaged()
    {
        await using (SqliteLedgerStore store = await _ledger.OpenAsync()) await TemporaryLedger.FillAsync(store, 40);
        byte[] content = File.ReadAllBytes(_ledger.File);
        content.AsSpan(4096, content.Length - 4096).Fill(0x5A);
        File.WriteAllBytes(_ledger.File, content);

        Assert.Equal(LedgerError.Damaged, (await Assert.ThrowsAsync<LedgerException>(() => _ledger.OpenAsync())).Reason);
        Assert.Equal(content, File.ReadAllBytes(_ledger.File));
    }

    [Fact]
    public async Task Save_DiskFull_RefusesEverythingUntilReopened()
    {
        int kept = 0;
        await using (SqliteLedgerStore store = await _ledger.OpenAsync(maxPageCount: 16))
        {
            LedgerException? first = null;
            for (int i = 0; first is null; i++)
            {
                var script = new SessionScript(i, LedgerRole.Provider);
                try
                {
                    await store.SaveSessionAsync(script.Record, Cancellation);
                    kept++;
                }
                catch (LedgerException e)
                {
                    first = e;
                }
            }

            Assert.Equal(LedgerError.ReadOnly, first.Reason);
            Assert.Equal(first.Message, store.Fault?.Message);
            Assert.Contains("full", first.Message, StringComparison.Ordinal);
            // This one needs no new page, and is refused all the same.
            LedgerException later = await Assert.ThrowsAsync<LedgerException>(async () =>
                await store.SaveSessionAsync(new SessionScript(0, LedgerRole.Provider).Record, Cancellation));
            Assert.Equal(first.Message, later.Message);
            Assert.Equal(kept, await store.ReadSessionsAsync(Cancellation).CountAsync(Cancellation));
        }

        await using SqliteLedgerStore again = await _ledger.OpenAsync();
        Assert.Null(again.Fault);
        Assert.Equal(kept, await again.ReadSessionsAsync(Cancellation).CountAsync(Cancellation));
        await again.SaveSessionAsync(new SessionScript(5000, LedgerRole.Provider).Record, Cancellation);
    }

    [Fact]
    public async Task Save_DamagedRowInTheWay_FailsThatCallerOnly()
    {
        var script = new SessionScript(1, LedgerRole.Provider);
        var other = new SessionScript(2, LedgerRole.Provider);
        await using SqliteLedgerStore store = await _ledger.OpenAsync();
        await store.SaveSessionAsync(script.Record, Cancellation);
        await store.SaveSessionAsync(other.Record, Cancellation);
        Execute("UPDATE session SET receipts = 5 WHERE ordinal = 1");

        LedgerException e = await Assert.ThrowsAsync<LedgerException>(async () => await store.SaveReceiptAsync(script.Next(), script.Record, Cancellation));
        Assert.Equal(LedgerError.Damaged, e.Reason);
        Assert.Contains(script.Record.SessionId.ToString(), e.Message, StringComparison.Ordinal);
        await store.SaveReceiptAsync(other.Next(), other.Record, Cancellation);
    }

    [Fact]
    public async Task Open_NewestRowsChanged_IsDamagedAndTheFileIsNamedAndLeft()
    {
        await using (SqliteLedgerStore store = await _ledger.OpenAsync()) await TemporaryLedger.FillAsync(store);
        Execute("UPDATE receipt SET up = up + 1 WHERE ordinal = (SELECT max(ordinal) FROM receipt)");
        byte[] content = File.ReadAllBytes(_ledger.File);
        LedgerException e = await Assert.ThrowsAsync<LedgerException>(() => _ledger.OpenAsync());
        Assert.Equal(LedgerError.Damaged, e.Reason);
        Assert.Contains("row 12", e.Message, StringComparison.Ordinal);
        Assert.Equal(content, File.ReadAllBytes(_ledger.File));
    }

    [Fact]
    public async Task Open_FileCutOff_IsDamaged()
    {
        await using (SqliteLedgerStore store = await _ledger.OpenAsync()) await TemporaryLedger.FillAsync(store, 40);
        using (FileStream file = File.OpenWrite(_ledger.File)) file.SetLength(file.Length - 4096);
        LedgerException e = await Assert.ThrowsAsync<LedgerException>(() => _ledger.OpenAsync());
        Assert.Equal(LedgerError.Damaged, e.Reason);
        Assert.Contains(_ledger.File, e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Save_CopyOfFilesTakenAfterEachAcknowledgement_HoldsAllThatWasAcknowledged()
    {
        var script = new SessionScript(1, LedgerRole.Consumer);
        await using SqliteLedgerStore store = await _ledger.OpenAsync();
        await store.SaveSessionAsync(script.Record, Cancellation);
        for (int i = 0; i < 160; i++)
        {
            // Others write meanwhile, so that the copy is taken in the middle of their transactions.
            SessionRecord[] neighbours = [.. Enumerable.Range(0, 8).Select(n => script.Record with { SessionId = new Digest(SHA256.HashData([(byte)i, (byte)n])) })];
            await store.SaveReceiptAsync(script.Next(), script.Record, Cancellation);
            Task[] others = [.. neighbours.Select(neighbour => store.SaveSessionAsync(neighbour, Cancellation).AsTask())];
            if (i % 10 == 0)
            {
                string copy = Path.Combine(_ledger.Folder, $"crash-{i}", "ledger.db");
                Directory.CreateDirectory(Path.GetDirectoryName(copy)!);
                CopyAsAfterACrash(copy);
                await using SqliteLedgerStore survivor = await SqliteLedgerStore.OpenAsync(copy, Cancellation);
                Assert.Equal(i + 1, await survivor.ReadReceiptsAsync(script.Record.SessionId, Cancellation).CountAsync(Cancellation));
                LedgerVerdict verdict = await LedgerVerifier.VerifyAsync(survivor, Cancellation);
                Assert.Null(verdict.FirstFault);
            }

            await Task.WhenAll(others);
        }
    }

    // A crash leaves the file as last checkpointed and the log, possibly with a torn tail. Copied in this order the log can only be newer than the
    // file, unless a checkpoint ran between; then the copy is taken again.
    private void CopyAsAfterACrash(string copy)
    {
        while (true)
        {
            byte[] file = Read(_ledger.File);
            byte[] log = Read(_ledger.File + "-wal");
            if (!file.AsSpan().SequenceEqual(Read(_ledger.File))) continue;
            File.WriteAllBytes(copy, file);
            File.WriteAllBytes(copy + "-wal", [.. log, .. log.Take(1000)]);
            return;
        }

        static byte[] Read(string path)
        {
            using var stream = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
            using var content = new MemoryStream();
            stream.CopyTo(content);
            return content.ToArray();
        }
    }

    private void Execute(string sql)
    {
        using var connection = new SqliteConnection($"Data Source={_ledger.File};Pooling=False");
        connection.Open();
        using SqliteCommand command = connection.CreateCommand();
        command.CommandText = sql;
        command.ExecuteNonQuery();
    }
}
