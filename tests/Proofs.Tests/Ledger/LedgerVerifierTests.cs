using System.Text.Json;
using Overlay.Proofs.Group;
using Overlay.Proofs.Ledger;
using Overlay.Proofs.RangeProofs;
using Overlay.Proofs.Receipts;
using Overlay.TestKit.Proofs;

namespace Overlay.Proofs.Tests.Ledger;

public sealed class LedgerVerifierTests : IDisposable
{
    private readonly TemporaryLedger _ledger = new();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public void Dispose() => _ledger.Dispose();

    [Fact]
    public async Task Verify_SoundLedger_AddsUpTheNewestCountersignedOfEachLeg()
    {
        await using var memory = new InMemoryLedgerStore();
        await TemporaryLedger.FillAsync(memory);
        await using (SqliteLedgerStore store = await _ledger.OpenAsync()) await TemporaryLedger.FillAsync(store);

        foreach (LedgerVerdict verdict in (LedgerVerdict[])[await LedgerVerifier.VerifyAsync(memory, Cancellation), await LedgerVerifier.VerifyFileAsync(_ledger.File, Cancellation)])
        {
            Assert.Null(verdict.FirstFault);
            Assert.True(verdict.IsSound);
            Assert.Equal((5, 12, 11), (verdict.SessionCount, verdict.ReceiptCount, verdict.CountersignedCount));
            // Each first leg came to (2, 2000), each second to (1, 1000); one second leg of the consumer's lacks the provider's signature.
            Assert.Equal(new ServiceTotal(6, 6000), verdict.Provided);
            Assert.Equal(new ServiceTotal(5, 5000), verdict.Consumed);
        }
    }

    [Fact]
    public async Task Verify_ForgedSignature_IsNamed()
    {
        var script = new SessionScript(1, LedgerRole.Provider);
        ReceiptEntry first = script.Next(), second = script.Next();
        byte[] encoded = second.Receipt.Encode();
        encoded[^1] ^= 1;
        Assert.True(Receipt.TryDecodeUnchecked(encoded, out Receipt? forged));
        await using var store = new InMemoryLedgerStore();
        await store.SaveSessionAsync(script.Record, Cancellation);
        await store.SaveReceiptAsync(first, script.Record, Cancellation);
        await store.SaveReceiptAsync(second with { Receipt = forged }, script.Record, Cancellation);

        LedgerVerdict verdict = await LedgerVerifier.VerifyAsync(store, Cancellation);
        Assert.Equal($"Session {script.Record.SessionId} (Provider), leg 0, sequence 1: a signature does not hold.", verdict.FirstFault);
        Assert.Equal(1, verdict.ReceiptCount);
    }

    [Fact]
    public async Task Verify_OpeningOfAnotherTotalAmongMany_IsNamedBeforeAForgedSignatureBehindIt()
    {
        var script = new SessionScript(1, LedgerRole.Provider);
        await using (SqliteLedgerStore store = await _ledger.OpenAsync())
        {
            await store.SaveSessionAsync(script.Record, Cancellation);
            for (int i = 0; i < 1500; i++) await store.SaveReceiptAsync(script.Next(), script.Record, Cancellation);
        }

        ChangeRow(1101, entry => (entry.Receipt, entry.Opening with { Up = entry.Opening.Up + 1 }));
        ChangeRow(1300, entry =>
        {
            byte[] encoded = entry.Receipt.Encode();
            encoded[^1] ^= 1;
            Assert.True(Receipt.TryDecodeUnchecked(encoded, out Receipt? forged));
            return (forged, entry.Opening);
        });
        LedgerVerdict verdict = await LedgerVerifier.VerifyFileAsync(_ledger.File, Cancellation);
        Assert.EndsWith("leg 0, sequence 1100: its opening does not open its commitment.", verdict.FirstFault, StringComparison.Ordinal);
        Assert.Equal(1100, verdict.ReceiptCount);
    }

    [Theory]
    [InlineData("UPDATE finished SET place = 9 - place WHERE block = 0", "Block 0: its root is not that of the receipts kept as its own.")]
    [InlineData("UPDATE finished SET block = NULL, place = NULL WHERE receipt = (SELECT max(receipt) FROM finished WHERE block = 1)", "Block 1: its root is not")]
    [InlineData("DELETE FROM finished WHERE block IS NULL", "5 legs are finished, but 4 stand in blocks or wait for one.")]
    [InlineData("DELETE FROM block WHERE sequence = 0; UPDATE finished SET block = NULL, place = NULL WHERE block = 0", "Block 1: sequence 0 is due.")]
    [InlineData("UPDATE block SET block = zeroblob(100) WHERE sequence = 1", "Block 1: the row is not as it was written.")]
    public async Task Verify_BlocksChanged_IsNamed(string change, string fault)
    {
        var script = new SessionScript(1, LedgerRole.Provider);
        await using (SqliteLedgerStore store = await _ledger.OpenAsync())
        {
            await store.SaveSessionAsync(script.Record, Cancellation);
            ReceiptEntry[] legs = [.. Enumerable.Range(0, 5).Select(_ => script.Next(final: true))];
            foreach (ReceiptEntry leg in legs) await store.SaveReceiptAsync(leg, script.Record, Cancellation);
            LedgerBlock first = Seal(null, legs[..2]);
            await store.SaveBlockAsync(first, legs[..2], Cancellation);
            await store.SaveBlockAsync(Seal(first, legs[2..4]), legs[2..4], Cancellation);
        }

        Assert.Null((await LedgerVerifier.VerifyFileAsync(_ledger.File, Cancellation)).FirstFault);
        using (Microsoft.Data.Sqlite.SqliteConnection connection = SqliteLedgerFile.Connect(_ledger.File, Microsoft.Data.Sqlite.SqliteOpenMode.ReadWrite))
            SqliteLedgerSchema.Execute(connection, change);
        Assert.StartsWith(fault, (await LedgerVerifier.VerifyFileAsync(_ledger.File, Cancellation)).FirstFault, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Verify_BlockWithAForgedSignature_IsNamed()
    {
        var script = new SessionScript(1, LedgerRole.Provider);
        ReceiptEntry leg = script.Next(final: true);
        byte[] encoded = Seal(null, [leg]).Encode();
        encoded[^1] ^= 1;
        Assert.True(LedgerBlock.TryDecodeUnchecked(encoded, out LedgerBlock? forged));
        await using var store = new InMemoryLedgerStore();
        await store.SaveSessionAsync(script.Record, Cancellation);
        await store.SaveReceiptAsync(leg, script.Record, Cancellation);
        await store.SaveBlockAsync(forged, [leg], Cancellation);
        Assert.Equal("Block 0: its signature does not hold.", (await LedgerVerifier.VerifyAsync(store, Cancellation)).FirstFault);
    }

    private static LedgerBlock Seal(LedgerBlock? previous, ReceiptEntry[] receipts) => LedgerBlock.Seal(
        new LedgerBlockBody
        {
            Author = new SeedSigner(1).PublicKey,
            Sequence = previous is null ? 0 : previous.Body.Sequence + 1,
            PreviousBlockHash = previous?.Hash ?? default,
            Epoch = 500_000,
            ReceiptsRoot = new Overlay.Proofs.Merkle.MerkleTree([.. receipts.Select(entry => LedgerBlock.LeafHash(entry.Receipt))]).Root,
            ReceiptCount = (uint)receipts.Length,
            Heads = [],
            Time = 1_800_000_000,
        },
        new SeedSigner(1));

    // Somebody who can write the file writes the checksum that belongs to what he wrote.
    private void ChangeRow(long ordinal, Func<ReceiptEntry, (Receipt Receipt, ReceiptOpening Opening)> change)
    {
        using var statements = new SqliteLedgerStatements(SqliteLedgerFile.Connect(_ledger.File, Microsoft.Data.Sqlite.SqliteOpenMode.ReadWrite));
        ReceiptRow row = Assert.Single(statements.ReadReceiptsAfter(ordinal - 1, 1));
        (Receipt receipt, ReceiptOpening opening) = change(row.Entry);
        SqliteLedgerSchema.Execute(statements.Connection, $"UPDATE receipt SET up = {opening.Up}, down = {opening.Down} WHERE ordinal = {ordinal}");
        statements.Update(row with { Entry = row.Entry with { Receipt = receipt, Opening = opening } });
    }

    [Fact]
    public async Task Verify_SettledWithoutTheLastSignature_IsNamed()
    {
        var script = new SessionScript(1, LedgerRole.Consumer);
        await using var store = new InMemoryLedgerStore();
        await store.SaveSessionAsync(script.Record, Cancellation);
        await store.SaveReceiptAsync(script.Next(final: true, countersigned: false), script.Record with { State = SessionState.Settled }, Cancellation);

        LedgerVerdict verdict = await LedgerVerifier.VerifyAsync(store, Cancellation);
        Assert.Contains("leg 0, sequence 0: the session is Settled", verdict.FirstFault, StringComparison.Ordinal);
    }

    [Fact]
    public async Task VerifyFile_NoLedger_IsAFinding()
    {
        Assert.False((await LedgerVerifier.VerifyFileAsync(_ledger.File, Cancellation)).IsSound);
        File.WriteAllText(_ledger.File, "not a database");
        Assert.Contains("not a ledger", (await LedgerVerifier.VerifyFileAsync(_ledger.File, Cancellation)).FirstFault, StringComparison.Ordinal);
    }

    [Fact]
    public async Task VerifyFile_AnyByteChanged_IsFoundOrTouchedNothingThatIsKept()
    {
        string expected = await MakeSoundFileAsync(sessions: 6);
        byte[] sound = File.ReadAllBytes(_ledger.File);
        var positions = new SortedSet<int>(Enumerable.Range(0, 100));
        for (int i = 100; i < sound.Length; i += 97) positions.Add(i);

        await AssertAllFoundAsync(sound, positions, expected, harmlessAllowed: true);
    }

    [Fact]
    public async Task VerifyFile_AnyByteOfAStoredReceiptOrRowChanged_IsFound()
    {
        string expected = await MakeSoundFileAsync(sessions: 1);
        byte[] sound = File.ReadAllBytes(_ledger.File);
        var positions = new SortedSet<int>();
        // Lines: two sessions, then receipts; the second receipt has neighbours on both sides.
        using JsonDocument json = JsonDocument.Parse(expected.Split('\n')[3]);
        byte[] receipt = json.RootElement.GetProperty("receipt").GetBytesFromBase64();
        int start = sound.AsSpan().IndexOf(receipt);
        Assert.True(start > 0, "the receipt stands in one piece in the file");
        // The row's header and small columns stand just before the receipt, its checksum just after.
        for (int i = start - 12; i < start + receipt.Length + 32; i++) positions.Add(i);
        await AssertAllFoundAsync(sound, positions, expected, harmlessAllowed: false);
    }

    [Fact]
    public async Task Export_EachLine_IsJsonThatHoldsTheWholeReceipt()
    {
        await using var store = new InMemoryLedgerStore();
        await TemporaryLedger.FillAsync(store, 100);
        string[] lines = (await TemporaryLedger.ExportAsync(store)).Split('\n');
        Assert.Equal("", lines[^1]);
        Assert.Equal(101 + 300 + 1, lines.Length);

        List<ReceiptEntry> kept = await store.ReadReceiptsAsync(null, Cancellation).ToListAsync(Cancellation);
        for (int i = 0; i < kept.Count; i++)
        {
            using JsonDocument json = JsonDocument.Parse(lines[101 + i]);
            JsonElement line = json.RootElement;
            Assert.True(Receipt.TryDecode(line.GetProperty("receipt").GetBytesFromBase64(), out Receipt? receipt));
            Assert.Equal(kept[i].Receipt.Hash.ToString(), line.GetProperty("hash").GetString());
            Assert.Equal(kept[i].Receipt.Encode(), receipt.Encode());
            Assert.Equal(kept[i].Opening, new ReceiptOpening(line.GetProperty("up").GetUInt64(), line.GetProperty("down").GetUInt64()));
            Assert.Equal(receipt.IsCountersigned, line.GetProperty("countersigned").GetBoolean());
        }

        using JsonDocument session = JsonDocument.Parse(lines[0]);
        Assert.Equal("session", session.RootElement.GetProperty("type").GetString());
        Assert.Equal("closed", session.RootElement.GetProperty("state").GetString());
        Assert.Equal("provider", session.RootElement.GetProperty("role").GetString());
    }

    [Fact]
    public async Task Export_WithBlindings_OpensEachCommitmentAndWithoutNone()
    {
        await using var store = new InMemoryLedgerStore();
        await TemporaryLedger.FillAsync(store);
        Assert.DoesNotContain("blinding", await TemporaryLedger.ExportAsync(store), StringComparison.Ordinal);

        string text = await TemporaryLedger.ExportAsync(store, LedgerExportContent.WithBlindings);
        await foreach (SessionRecord session in store.ReadSessionsAsync(Cancellation))
            Assert.DoesNotContain(Convert.ToHexStringLower(session.Seed!.Bytes), text, StringComparison.Ordinal);
        int count = 0;
        foreach (string line in text.Split('\n').Where(line => line.Contains("\"receipt\"", StringComparison.Ordinal)))
        {
            using JsonDocument json = JsonDocument.Parse(line);
            JsonElement receipt = json.RootElement;
            Assert.True(Scalar.TryDecode(Convert.FromHexString(receipt.GetProperty("blinding").GetString()!), out Scalar blinding));
            RistrettoPoint expected = Pedersen.Commit(receipt.GetProperty("up").GetUInt64() + receipt.GetProperty("down").GetUInt64(), blinding);
            Assert.Equal(expected.Compress().ToString(), receipt.GetProperty("commitment").GetString());
            count++;
        }

        Assert.Equal(12, count);
    }

    private async Task<string> MakeSoundFileAsync(int sessions)
    {
        await using SqliteLedgerStore store = await _ledger.OpenAsync();
        await TemporaryLedger.FillAsync(store, sessions);
        return await TemporaryLedger.ExportAsync(store);
    }

    private async Task AssertAllFoundAsync(byte[] sound, IEnumerable<int> positions, string expected, bool harmlessAllowed)
    {
        string path = Path.Combine(_ledger.Folder, "changed.db");
        int found = 0, harmless = 0;
        foreach (int position in positions)
        {
            byte[] changed = [.. sound];
            changed[position] ^= (byte)(1 << (position % 8));
            foreach (string leftover in (string[])[path + "-wal", path + "-shm"]) File.Delete(leftover);
            File.WriteAllBytes(path, changed);

            LedgerVerdict verdict = await LedgerVerifier.VerifyFileAsync(path, Cancellation);
            if (!verdict.IsSound)
            {
                Assert.NotEmpty(verdict.FirstFault!);
                found++;
                continue;
            }

            Assert.True(harmlessAllowed, $"byte {position} changed and was not found");
            await using SqliteLedgerStore store = await SqliteLedgerStore.OpenReadOnlyAsync(path, Cancellation);
            Assert.Equal(expected, await TemporaryLedger.ExportAsync(store));
            harmless++;
        }

        Assert.True(found > 10, $"{found} found, {harmless} harmless");
    }
}
