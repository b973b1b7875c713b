using System.Text.Json;
using Overlay.Node.Output;
using Overlay.Proofs.Ledger;
using Overlay.TestKit.Proofs;

namespace Overlay.Node.Tests;

/// <summary>The ledger's commands on a real file with two sessions: one of three receipts that is settled, one that has only begun.</summary>
public sealed class LedgerCommandTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly SessionScript _settled = new(1, LedgerRole.Provider);
    private readonly SessionScript _begun = new(2, LedgerRole.Consumer);

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task List_TwoSessions_ShowsTheNewestReceiptOfEachLeg()
    {
        await WriteLedgerAsync();

        CliRun run = await RunAsync("list", "--json");

        Assert.Equal((0, ""), (run.ExitCode, run.Error));
        Assert.Equal(2, run.Json.Count);
        JsonElement leg = run.Json[0];
        Assert.Equal(_settled.Record.SessionId.ToString(), leg.GetProperty("sessionId").GetString());
        Assert.Equal(("provider", "settled"), (leg.GetProperty("role").GetString(), leg.GetProperty("state").GetString()));
        Assert.Equal((0, 2, 3, 3000), (leg.GetProperty("leg").GetInt64(), leg.GetProperty("seq").GetInt64(), leg.GetProperty("up").GetInt64(), leg.GetProperty("down").GetInt64()));
        Assert.True(leg.GetProperty("final").GetBoolean() && leg.GetProperty("countersigned").GetBoolean());
        Assert.Equal(0.05m, leg.GetProperty("pricePerGiB").GetDecimal());
        Assert.Equal(("consumer", "open"), (run.Json[1].GetProperty("role").GetString(), run.Json[1].GetProperty("state").GetString()));
        Assert.False(run.Json[1].GetProperty("countersigned").GetBoolean());
    }

    [Fact]
    public async Task List_WithoutJson_IsATableInBinaryUnitsAndCredits()
    {
        await WriteLedgerAsync();

        CliRun run = await RunAsync("list");

        Assert.Equal(3, run.OutputLines.Count);
        Assert.StartsWith("session", run.OutputLines[0].TrimStart(), StringComparison.Ordinal);
        Assert.Contains("2.93 KiB", run.OutputLines[1], StringComparison.Ordinal);
        Assert.Contains("0.000001", run.OutputLines[1], StringComparison.Ordinal);
    }

    [Fact]
    public async Task Forks_ProofKept_IsListedWrittenAndCheckedWithoutALedger()
    {
        await WriteLedgerAsync();
        Assert.Equal((0, ""), ((await RunAsync("forks", "--json")).ExitCode, (await RunAsync("forks", "--json")).Output));
        Assert.True(ForkProof.TryCreate(ChainScript.Make(7, 1)[0], ChainScript.Make(7, 1, salt: 1)[0], out ForkProof? proof));
        await using (SqliteLedgerStore store = await SqliteLedgerStore.OpenAsync(LedgerFile, TestContext.Current.CancellationToken))
            await store.SaveForkProofAsync(proof, TestContext.Current.CancellationToken);

        string folder = _folder.File("proofs");
        CliRun run = await RunAsync("forks", "--out", folder, "--json");
        Assert.Equal(0, run.Json[0].GetProperty("sequence").GetInt64());
        Assert.Equal(proof.Encode(), run.Json[0].GetProperty("proof").GetBytesFromBase64());
        string file = Assert.Single(Directory.GetFiles(folder));
        Assert.Equal(proof.Encode(), File.ReadAllBytes(file));

        CliRun check = await CliRun.OfAsync("ledger", "forks", "--check", file, "--json", "--data", _folder.File("nothing"));
        Assert.Equal((0, run.Output), (check.ExitCode, check.Output));

        byte[] bytes = proof.Encode();
        bytes[^1] ^= 1;
        File.WriteAllBytes(file, bytes);
        check = await CliRun.OfAsync("ledger", "forks", "--check", file);
        Assert.Equal(1, check.ExitCode);
        Assert.Contains("proves no fork", check.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task SetAside_SoundThenDamagedLedger_OnlyTheDamagedOneMovesAndNothingInItChanges()
    {
        await WriteLedgerAsync();
        CliRun run = await RunAsync("set-aside");
        Assert.Equal(1, run.ExitCode);
        Assert.Contains("not damaged", run.Error, StringComparison.Ordinal);
        Assert.True(File.Exists(LedgerFile));

        byte[] damaged = File.ReadAllBytes(LedgerFile)[..8192];
        File.WriteAllBytes(LedgerFile, damaged);
        CliRun start = await CliRun.OfAsync("run", "--data", Path.GetDirectoryName(LedgerFile)!, "--listen", "/ip4/127.0.0.1/tcp/0", "--json");
        Assert.Equal(1, start.ExitCode);
        Assert.Contains("overlay ledger set-aside", Assert.Single(start.ErrorLines), StringComparison.Ordinal);
        foreach (int number in (int[])[1, 2])
        {
            File.WriteAllBytes(LedgerFile, damaged);
            run = await RunAsync("set-aside", "--json");
            Assert.Equal((0, ""), (run.ExitCode, run.Error));
            string aside = $"{LedgerFile}.damaged-{number}";
            Assert.Equal(aside, run.Json[0].GetProperty("file").GetString());
            Assert.Equal(damaged, File.ReadAllBytes(aside));
            Assert.False(File.Exists(LedgerFile));
        }

        Assert.Equal(1, (await RunAsync("set-aside")).ExitCode);
        await (await SqliteLedgerStore.OpenAsync(LedgerFile, TestContext.Current.CancellationToken)).DisposeAsync();
        Assert.Equal(0, (await RunAsync("verify")).ExitCode);
    }

    [Fact]
    public async Task List_WhileAnotherStoreWrites_Works()
    {
        await WriteLedgerAsync();
        await using SqliteLedgerStore writer = await SqliteLedgerStore.OpenAsync(LedgerFile, TestContext.Current.CancellationToken);

        Assert.Equal(0, (await RunAsync("list", "--json")).ExitCode);
    }

    [Fact]
    public async Task Show_Prefix_TellsTheSessionAndEveryReceipt()
    {
        await WriteLedgerAsync();

        CliRun run = await RunAsync("show", _settled.Record.SessionId.ToString()[..8].ToUpperInvariant(), "--json");

        Assert.Equal(0, run.ExitCode);
        Assert.Equal(["session", "receipt", "receipt", "receipt"], run.Json.Select(line => line.GetProperty("event").GetString()));
        Assert.Equal([0, 1, 2], run.Json.Skip(1).Select(line => line.GetProperty("seq").GetInt32()));
    }

    [Fact]
    public async Task Show_PrefixOfNoSession_EndsWithOneAndSaysSo()
    {
        await WriteLedgerAsync();

        CliRun run = await RunAsync("show", new string('0', 64));

        Assert.Equal((1, ""), (run.ExitCode, run.Output));
        Assert.Contains("no session", Assert.Single(run.ErrorLines), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Verify_SoundLedger_IsContent()
    {
        await WriteLedgerAsync();

        CliRun run = await RunAsync("verify", "--json");

        Assert.Equal(0, run.ExitCode);
        JsonElement verdict = Assert.Single(run.Json);
        Assert.True(verdict.GetProperty("sound").GetBoolean());
        Assert.Equal((2, 4, 3), (verdict.GetProperty("sessions").GetInt32(), verdict.GetProperty("receipts").GetInt32(), verdict.GetProperty("countersigned").GetInt32()));
        Assert.Equal((3, 3000), (verdict.GetProperty("provided").GetProperty("up").GetInt32(), verdict.GetProperty("provided").GetProperty("down").GetInt32()));
    }

    [Fact]
    public async Task Verify_OneByteFlippedInASignature_EndsWithOneAndNamesIt()
    {
        ReceiptEntry last = await WriteLedgerAsync();
        byte[] file = File.ReadAllBytes(LedgerFile);
        int at = file.AsSpan().IndexOf(last.Receipt.ConsumerSignature.Span);
        Assert.True(at > 0);
        file[at] ^= 1;
        File.WriteAllBytes(LedgerFile, file);

        CliRun run = await RunAsync("verify", "--json");

        Assert.Equal(1, run.ExitCode);
        string reason = Assert.Single(run.ErrorLines);
        JsonElement verdict = Assert.Single(run.Json);
        Assert.False(verdict.GetProperty("sound").GetBoolean());
        Assert.Equal($"overlay: {verdict.GetProperty("firstFault").GetString()}", reason);
    }

    [Fact]
    public async Task Export_ToAFile_IsTheSameAsToStandardOutput()
    {
        await WriteLedgerAsync();
        string file = _folder.Write("old.jsonl", "what was there");

        CliRun direct = await RunAsync("export");
        CliRun toFile = await RunAsync("export", "--out", file, "--json");

        Assert.Equal((0, 0), (direct.ExitCode, toFile.ExitCode));
        Assert.Equal(direct.Output, File.ReadAllText(file));
        Assert.All(direct.Json, line => Assert.Equal(JsonValueKind.Object, line.ValueKind));
        Assert.Equal(file, Assert.Single(toFile.Json).GetProperty("file").GetString());
        Assert.False(File.Exists(file + ".partial"));
    }

    [Fact]
    public async Task AnyCommand_FileThatIsNoLedger_EndsWithOneAndLeavesItAlone()
    {
        File.WriteAllText(LedgerFile, "not a ledger at all, whatever its name may say");
        foreach (string command in new[] { "list", "verify", "export" })
        {
            CliRun run = await RunAsync(command);

            Assert.Equal(1, run.ExitCode);
            Assert.Single(run.ErrorLines);
        }

        Assert.Equal("not a ledger at all, whatever its name may say", File.ReadAllText(LedgerFile));
    }

    [Fact]
    public void Totals_ReceiptsOfOneLeg_CountOnceWithTheNewest()
    {
        var totals = new ReceiptTotals();
        foreach (ReceiptEntry entry in new[] { _settled.Next(), _settled.Next(), _settled.Next(final: true), _begun.Next() }) totals.Add(entry);

        Assert.Equal(4, totals.Receipts);
        Assert.Equal(new SideTotal(3, 3000, 0.000001m), totals.Of(LedgerRole.Provider));
        Assert.Equal(new SideTotal(1, 1000, 0.000001m), totals.Of(LedgerRole.Consumer));
    }

    private string LedgerFile => _folder.File("ledger.db");

    private Task<CliRun> RunAsync(params string[] arguments) => CliRun.OfAsync(["ledger", .. arguments, "--data", _folder.Path]);

    private async Task<ReceiptEntry> WriteLedgerAsync()
    {
        CancellationToken ct = TestContext.Current.CancellationToken;
        await using SqliteLedgerStore store = await SqliteLedgerStore.OpenAsync(LedgerFile, ct);
        await store.SaveSessionAsync(_settled.Record, ct);
        await store.SaveReceiptAsync(_settled.Next(), _settled.Record, ct);
        await store.SaveReceiptAsync(_settled.Next(), _settled.Record, ct);
        ReceiptEntry last = _settled.Next(final: true);
        _settled.Record = _settled.Record with { State = SessionState.Settled };
        await store.SaveReceiptAsync(last, _settled.Record, ct);
        await store.SaveSessionAsync(_begun.Record, ct);
        await store.SaveReceiptAsync(_begun.Next(countersigned: false), _begun.Record, ct);
        return last;
    }
}
