using System.Text.Json;
using Microsoft.Data.Sqlite;
using Overlay.Proofs.Ledger;
using Overlay.Proofs.Receipts;
using Overlay.TestKit;
using Overlay.TestKit.Proofs;

namespace Overlay.Proofs.Tests.Ledger;

/// <summary>What earlier builds have left on disks: it has to be read, checked and settled for ever.</summary>
public sealed class PreviousBuildTests : IDisposable
{
    private readonly TemporaryLedger _ledger = new();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    private static string Samples { get; } = Path.Combine(Repository.Root, "tests", "Proofs.Tests", "Samples");

    public void Dispose() => _ledger.Dispose();

    [Fact]
    public void Receipts_OfVersion1WithPlainTotals_StillVerify()
    {
        using JsonDocument file = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(Samples, "receipts-plain.json")));
        JsonElement[] samples = [.. file.RootElement.EnumerateArray()];
        Assert.Equal(4, samples.Length);
        foreach (JsonElement sample in samples)
        {
            byte[] encoded = Convert.FromHexString(sample.GetProperty("receipt").GetString()!);
            Assert.True(Receipt.TryDecode(encoded, out Receipt? receipt));
            Assert.Equal(encoded, receipt.Encode());
            Assert.Equal(sample.GetProperty("hash").GetString(), receipt.Hash.ToString());
            Assert.Equal(sample.GetProperty("countersigned").GetBoolean(), receipt.IsCountersigned);
            var opening = new ReceiptOpening(sample.GetProperty("up").GetUInt64(), sample.GetProperty("down").GetUInt64());
            Assert.True(ReceiptCommitment.Opens(receipt.Body, opening, null));
            Assert.False(ReceiptCommitment.Opens(receipt.Body, opening with { Up = opening.Up + 1 }, null));
            Assert.False(ReceiptCommitment.IsHidden(receipt.Body.Commitment.Span));
            for (int i = 0; i < encoded.Length; i++)
            {
                byte[] changed = [.. encoded];
                changed[i] ^= 1;
                Assert.False(Receipt.TryDecode(changed, out _), $"byte {i}");
            }
        }
    }

    [Fact]
    public async Task Open_FileOfVersion1_IsMigratedAndHoldsTheSame()
    {
        File.Copy(Path.Combine(Samples, "ledger-1.db"), _ledger.File);
        LedgerException e = await Assert.ThrowsAsync<LedgerException>(() => _ledger.OpenReadOnlyAsync());
        Assert.Equal(LedgerError.Format, e.Reason);
        Assert.Contains("version 1", e.Message, StringComparison.Ordinal);

        await using (SqliteLedgerStore store = await _ledger.OpenAsync())
        {
            Assert.Equal(File.ReadAllText(Path.Combine(Samples, "ledger-1.jsonl")), await TemporaryLedger.ExportAsync(store));
            // What had finished then waits for a block.
            Assert.Equal(
                await store.ReadReceiptsAsync(null, Cancellation).Where(entry => entry.Receipt is { Body.Final: true, IsCountersigned: true }).Select(entry => entry.Receipt.Hash).ToArrayAsync(Cancellation),
                (await store.FindUnsealedAsync(100, Cancellation)).Select(entry => entry.Receipt.Hash));

            // A session that was open then goes on in its own form, and only in that.
            SessionRecord open = await store.ReadSessionsAsync(Cancellation).FirstAsync(session => session.State == SessionState.Open && session.Role == LedgerRole.Provider, Cancellation);
            var script = new SessionScript(1000, LedgerRole.Provider);
            Assert.Equal(open.SessionId, script.Record.SessionId);
            ReceiptEntry hidden = script.Make(script.DueBody(), script.DueOpening);
            LedgerException refused = await Assert.ThrowsAsync<LedgerException>(async () => await store.SaveReceiptAsync(hidden, open, Cancellation));
            Assert.Equal(LedgerError.Contradiction, refused.Reason);
            script.Record = open;
            await store.SaveReceiptAsync(script.Next(final: true), open with { State = SessionState.Settled }, Cancellation);

            // One that was opened since is of the new form, and only of that.
            var next = new SessionScript(2000, LedgerRole.Provider);
            await store.SaveSessionAsync(next.Record, Cancellation);
            ReceiptBody body = next.DueBody();
            ReceiptEntry plain = next.Make(body with { Commitment = ReceiptCommitment.Create(next.DueOpening, null, body.SessionId, 0, 0) }, next.DueOpening);
            refused = await Assert.ThrowsAsync<LedgerException>(async () => await store.SaveReceiptAsync(plain, next.Record, Cancellation));
            Assert.Contains("does not hide", refused.Message, StringComparison.Ordinal);
            await store.SaveReceiptAsync(next.Next(), next.Record, Cancellation);
        }

        LedgerVerdict verdict = await LedgerVerifier.VerifyFileAsync(_ledger.File, Cancellation);
        Assert.Null(verdict.FirstFault);
        Assert.Equal((8, 20), (verdict.SessionCount, verdict.ReceiptCount));
    }

    [Fact]
    public async Task Open_FileOfVersion3_KeepsItsChainAndLetsBareHeadsGo()
    {
        File.Copy(Path.Combine(Samples, "ledger-3.db"), _ledger.File);
        await using (SqliteLedgerStore store = await _ledger.OpenAsync())
        {
            Assert.Equal([3, 1, 3], await store.ReadBlocksAsync(0, Cancellation).Select(block => (int)block.Body.ReceiptCount).ToListAsync(Cancellation));
            Assert.Single(await store.FindUnsealedAsync(10, Cancellation));
            Assert.Empty(await store.FindHeadsAsync(10, Cancellation));
            Assert.False(await store.IsAdoptedAsync(1, Cancellation));
            LedgerBlock newest = (await store.FindLatestBlockAsync(Cancellation))!;
            Assert.True(LedgerBlock.TryDecode(newest.Encode(), out _));
            await store.AdoptBlocksAsync(ChainScript.Make(1, 2, from: newest), Cancellation);
        }

        Assert.Null((await LedgerVerifier.VerifyFileAsync(_ledger.File, Cancellation)).FirstFault);
    }

    [Fact]
    public async Task Open_MigrationThatFailsInItsMiddle_LeavesTheStepUndone()
    {
        File.Copy(Path.Combine(Samples, "ledger-1.db"), _ledger.File);
        // A receipt that cannot be read stops the last step in its middle, when the new tables are made already: the whole step is undone.
        Execute("CREATE TABLE kept AS SELECT receipt FROM receipt WHERE ordinal = 5; UPDATE receipt SET receipt = x'00' WHERE ordinal = 5");
        LedgerException e = await Assert.ThrowsAsync<LedgerException>(() => _ledger.OpenAsync());
        Assert.Equal(LedgerError.Damaged, e.Reason);
        Assert.Equal(2L, Execute("PRAGMA user_version"));
        Assert.Equal(0L, Execute("SELECT count(*) FROM sqlite_schema WHERE name = 'finished'"));

        Execute("UPDATE receipt SET receipt = (SELECT receipt FROM kept) WHERE ordinal = 5; DROP TABLE kept");
        await using (await _ledger.OpenAsync()) { }
        Assert.Equal((long)SqliteLedgerSchema.Version, Execute("PRAGMA user_version"));
        Assert.Null((await LedgerVerifier.VerifyFileAsync(_ledger.File, Cancellation)).FirstFault);
    }

    private object? Execute(string sql)
    {
        using var connection = new SqliteConnection($"Data Source={_ledger.File};Pooling=False");
        connection.Open();
        using SqliteCommand command = connection.CreateCommand();
        command.CommandText = sql;
        return command.ExecuteScalar();
    }
}
