using System.Globalization;
using System.Security.Cryptography;
using System.Text.Json;
using Overlay.Node.Commands;
using Overlay.Proofs.Claims;
using Overlay.Proofs.Ledger;
using Overlay.Proofs.Merkle;
using Overlay.TestKit.Proofs;

namespace Overlay.Node.Tests;

public sealed class ClaimCommandTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly ClaimScript _script = new(7);

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task Verify_HonestClaim_TellsWhatItSays()
    {
        string file = Write("good.claim", _script.Claim(_script.Statements).Encode());

        CliRun run = await CliRun.OfAsync("claim", "verify", file, "--json");

        Assert.Equal((0, ""), (run.ExitCode, run.Error));
        JsonElement verdict = Assert.Single(run.Json);
        Assert.True(verdict.GetProperty("valid").GetBoolean() && verdict.GetProperty("ranges").GetBoolean());
        Assert.Equal((_script.Total, _script.Total / 2), (verdict.GetProperty("total").GetUInt64(), verdict.GetProperty("atLeast").GetUInt64()));
        Assert.Equal((7, 3), (verdict.GetProperty("receipts").GetInt32(), verdict.GetProperty("consumers").GetInt32()));
        Assert.Contains("does not prove", (await CliRun.OfAsync("claim", "verify", file)).Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Verify_ClaimWithAttestations_TellsHowManyWitnessesAndTheirMedians()
    {
        Attestation[] words = [.. Enumerable.Range(20, 3).Select(witness => _script.Attest(witness))];
        Claim claim = ClaimBuilder.Create(_script.ReceiptEpoch, _script.Blocks, _script.Legs, [ClaimStatement.ExactTotal(_script.Total)], words,
            _script.Provider);
        string file = Write("attested.claim", claim.Encode());

        JsonElement verdict = Assert.Single((await CliRun.OfAsync("claim", "verify", file, "--json")).Json);
        Assert.Equal((3, 3, 3),
            (verdict.GetProperty("attestations").GetInt32(), verdict.GetProperty("witnesses").GetInt32(), verdict.GetProperty("reached").GetInt32()));
        Assert.Equal((23, 500, 40),
            (verdict.GetProperty("medianMilliseconds").GetInt32(), verdict.GetProperty("medianMbpsDown").GetInt32(),
                verdict.GetProperty("medianMbpsUp").GetInt32()));
        Assert.Contains("3 witness keys", (await CliRun.OfAsync("claim", "verify", file)).Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Verify_TamperedTruncatedOrMissing_EndsWithOneAndOneLine()
    {
        byte[] encoded = _script.Claim(ClaimStatement.ExactTotal(_script.Total)).Encode();
        encoded[^1] ^= 1;
        foreach (string file in new[] { Write("bad.claim", encoded), Write("short.claim", encoded[..100]), Write("empty.claim", []), _folder.File("none.claim") })
        {
            CliRun run = await CliRun.OfAsync("claim", "verify", file);

            Assert.Equal(1, run.ExitCode);
            Assert.Single(run.ErrorLines);
        }

        Assert.Equal("overlay: not valid, because its provider has not signed it", Assert.Single((await CliRun.OfAsync("claim", "verify", _folder.File("bad.claim"), "--json")).ErrorLines));
    }

    [Fact]
    public async Task Verify_EarlierClaimOfTheSameEpoch_IsRefused()
    {
        byte[] encoded = _script.Claim(ClaimStatement.AmountsInRange).Encode();
        string file = Write("one.claim", encoded), other = Write("other.claim", new ClaimScript(2, firstSession: 90, epoch: 7).Claim(ClaimStatement.AmountsInRange).Encode());

        Assert.Equal(0, (await CliRun.OfAsync("claim", "verify", file, "--earlier", other)).ExitCode);
        CliRun run = await CliRun.OfAsync("claim", "verify", file, "--earlier", other, file);

        Assert.Equal(1, run.ExitCode);
        Assert.Equal("overlay: not valid, because earlier claim 2 is for the same provider and epoch", Assert.Single(run.ErrorLines));
    }

    [Fact]
    public async Task Create_WrongUsageOrNoLedger_SaysSo()
    {
        string file = _folder.File("new.claim");
        Assert.Equal(2, (await CliRun.OfAsync("claim", "create", "--data", _folder.Path)).ExitCode);
        Assert.Equal(2, (await CliRun.OfAsync("claim", "create", "--out", file, "--total", "--at-least", "1GiB", "--data", _folder.Path)).ExitCode);
        Assert.Equal(2, (await CliRun.OfAsync("claim", "create", "--out", file, "--at-least", "much", "--data", _folder.Path)).ExitCode);
        Assert.Equal(1, (await CliRun.OfAsync("claim", "create", "--out", file, "--data", _folder.Path)).ExitCode);
        Assert.False(File.Exists(file));
    }

    [Fact]
    public async Task Create_SealedLegs_ClaimsTheirEpochOnce()
    {
        await KeepSealedLegAsync(ClaimScript.Epoch);
        string file = _folder.File("served.claim"), epoch = ClaimScript.Epoch.ToString(CultureInfo.InvariantCulture);

        CliRun run = await CliRun.OfAsync("claim", "create", "--out", file, "--epoch", epoch, "--data", _folder.Path, "--json");
        Assert.Equal((0, "", 1), (run.ExitCode, run.Error, Assert.Single(run.Json).GetProperty("receipts").GetInt32()));
        ClaimVerdict verdict = ClaimVerifier.Verify(await File.ReadAllBytesAsync(file, TestContext.Current.CancellationToken));
        Assert.Equal((true, 1001UL), (verdict.IsValid, Assert.Single(verdict.Claim!.Statements).Value));

        run = await CliRun.OfAsync("claim", "create", "--out", _folder.File("again.claim"), "--epoch", epoch, "--at-least", "1KiB", "--data", _folder.Path);
        Assert.Equal(1, run.ExitCode);
        Assert.Contains("claimed", Assert.Single(run.ErrorLines), StringComparison.Ordinal);
        Assert.False(File.Exists(_folder.File("again.claim")));
    }

    [Fact]
    public async Task Create_NowhereToWriteTo_LeavesTheEpochUnclaimed()
    {
        await KeepSealedLegAsync(ClaimScript.Epoch);

        CliRun run = await CliRun.OfAsync(
            "claim", "create", "--out", Path.Combine(_folder.File("missing"), "served.claim"), "--epoch", ClaimScript.Epoch.ToString(CultureInfo.InvariantCulture), "--data", _folder.Path);

        Assert.Equal(1, run.ExitCode);
        Assert.Single(run.ErrorLines);
        Assert.False(Directory.Exists(_folder.File("claims")));
    }

    [Fact]
    public async Task Create_EpochThatMayStillGrow_IsTakenOnlyWhenNamed()
    {
        await KeepSealedLegAsync((ulong)TimeProvider.System.GetUtcNow().ToUnixTimeSeconds() / 3600);

        CliRun run = await CliRun.OfAsync("claim", "create", "--out", _folder.File("served.claim"), "--data", _folder.Path);

        Assert.Equal(1, run.ExitCode);
        Assert.Contains("may still grow", Assert.Single(run.ErrorLines), StringComparison.Ordinal);
        Assert.False(Directory.Exists(_folder.File("claims")));
    }

    /// <summary>A data folder with a key and a ledger in which one finished leg of 1,001 bytes stands in a block.</summary>
    private async Task KeepSealedLegAsync(ulong epoch)
    {
        CancellationToken ct = TestContext.Current.CancellationToken;
        var session = new SessionScript(1, LedgerRole.Provider);
        byte[] seed = SHA256.HashData(BitConverter.GetBytes(1));
        string key = DataFolder.KeyFile(_folder.Path);
        await File.WriteAllBytesAsync(key, [0x08, 0x01, 0x12, 0x40, .. seed, .. session.Provider.PublicKey.Bytes], ct);
        if (!OperatingSystem.IsWindows()) File.SetUnixFileMode(key, UnixFileMode.UserRead | UnixFileMode.UserWrite);

        await using SqliteLedgerStore store = await SqliteLedgerStore.OpenAsync(DataFolder.LedgerFile(_folder.Path), ct);
        ReceiptEntry leg = session.Make(session.DueBody(final: true) with { Epoch = epoch }, session.DueOpening);
        await store.SaveSessionAsync(session.Record, ct);
        await store.SaveReceiptAsync(leg, session.Record, ct);
        var body = new LedgerBlockBody
        {
            Author = session.Provider.PublicKey,
            Sequence = 0,
            PreviousBlockHash = default,
            Epoch = epoch,
            ReceiptsRoot = new MerkleTree([LedgerBlock.LeafHash(leg.Receipt)]).Root,
            ReceiptCount = 1,
            Heads = [],
            Time = epoch * 3600,
        };
        await store.SaveBlockAsync(LedgerBlock.Seal(body, session.Provider), [leg], ct);
    }

    private string Write(string name, byte[] bytes)
    {
        File.WriteAllBytes(_folder.File(name), bytes);
        return _folder.File(name);
    }
}
