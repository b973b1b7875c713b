using System.Globalization;
using Overlay.Proofs.Ledger;

namespace Overlay.Proofs.Tests.Ledger;

/// <summary>A real process is killed, or its disk fails, at each call and at any moment. Nothing that was acknowledged is lost and nothing is acknowledged falsely.</summary>
/// <remarks><c>OVERLAY_CRASHES</c> says how often each way is gone: 100 and more before a release, few in every run.</remarks>
public sealed class LedgerCrashTests : IDisposable
{
    private readonly TemporaryLedger _ledger = new();

    private static int Crashes { get; } = int.TryParse(Environment.GetEnvironmentVariable("OVERLAY_CRASHES"), CultureInfo.InvariantCulture, out int count) ? count : 8;

    public void Dispose() => _ledger.Dispose();

    [Fact]
    public async Task Killed_AtAnyMoment_LosesNothingAcknowledged()
    {
        var random = new Random(20261125);
        int acknowledged = 0;
        for (int i = 0; i < Crashes; i++)
        {
            // The same ledger goes on from crash to crash, fifty times.
            string path = NewPath("any", i / 50);
            using LedgerWriterProcess writer = LedgerWriterProcess.Start(path, first: 10 * i, sessions: 4, receipts: 10_000);
            for (int lines = 1 + random.Next(60); lines > 0; lines--) Assert.True(await writer.ReadAsync());
            writer.Kill();
            await writer.EndAsync();
            Assert.NotEqual(0, writer.ExitCode);
            await writer.CheckAsync(path);
            acknowledged += writer.Lines.Count;
        }

        Assert.True(acknowledged >= Crashes);
    }

    [Theory]
    [InlineData("pwrite64", 5)]
    [InlineData("fdatasync,fsync", 2)]
    public async Task Killed_AtEachCallToTheDisk_LosesNothingAcknowledged(string calls, int stride)
    {
        LedgerWriterProcess.NeedStrace();
        bool finished = false;
        for (int i = 0; i < Crashes || (Crashes >= 100 && !finished); i++)
        {
            string path = NewPath(calls, i);
            using LedgerWriterProcess writer = LedgerWriterProcess.Start(path, 0, sessions: 2, receipts: 5, $"{calls}:signal=KILL:when={1 + (i * stride)}");
            await writer.EndAsync();
            finished = writer.Lines is [.., "done"];
            await writer.CheckAsync(path);
        }
    }

    [Theory]
    [InlineData("pwrite64", "ENOSPC", 9)]
    [InlineData("pwrite64", "EIO", 9)]
    [InlineData("fdatasync,fsync", "EIO", 4)]
    [InlineData("ftruncate", "EIO", 1)]
    public async Task DiskFails_AtEachCallFromSomeOneOn_NothingMoreIsAcknowledgedAndReadingGoesOn(string calls, string error, int stride)
    {
        LedgerWriterProcess.NeedStrace();
        bool refused = false;
        for (int i = 0; i < Crashes; i++)
        {
            string path = NewPath(calls + error, i);
            // Every other one is a ledger that is there already, so that the calls which fail are those of writing and not of making it.
            if (i % 2 == 1) await MakeAsync(path);
            // So many receipts that the log is folded into the file in between.
            using LedgerWriterProcess writer = LedgerWriterProcess.Start(path, 0, sessions: 2, receipts: 20, $"{calls}:error={error}:when={1 + (i * stride)}+");
            await writer.EndAsync();
            int at = writer.Lines.FindIndex(line => line.StartsWith("refused", StringComparison.Ordinal));
            if (at >= 0)
            {
                refused = true;
                Assert.Equal("refused ReadOnly", writer.Lines[at]);
                // Other sessions' lines may come between, from writes that were durable before.
                Assert.Equal(3, writer.ExitCode);
                Assert.Contains("still-refused ReadOnly", writer.Lines);
                Assert.StartsWith("read ", writer.Lines[^1], StringComparison.Ordinal);
            }
            else
            {
                Assert.Contains(writer.Lines[^1], (string[])["done", "unopened Storage"]);
            }

            await writer.CheckAsync(path);
        }

        Assert.True(refused || calls == "ftruncate", "no write was refused");
    }

    [Fact]
    public async Task DiskFull_Once_NothingMoreIsAcknowledgedUntilReopened()
    {
        LedgerWriterProcess.NeedStrace();
        string path = NewPath("once", 0);
        await MakeAsync(path);
        // A single failure is enough: what the file holds behind it nobody can tell without opening it again.
        using (LedgerWriterProcess writer = LedgerWriterProcess.Start(path, 0, sessions: 3, receipts: 50, "pwrite64:error=ENOSPC:when=20"))
        {
            await writer.EndAsync();
            Assert.Contains("still-refused ReadOnly", writer.Lines);
            await writer.CheckAsync(path);
        }

        using LedgerWriterProcess again = LedgerWriterProcess.Start(path, 100, sessions: 1, receipts: 3);
        await again.EndAsync();
        Assert.Equal("done", again.Lines[^1]);
        await again.CheckAsync(path);
    }

    private static async Task MakeAsync(string path)
    {
        await using SqliteLedgerStore made = await SqliteLedgerStore.OpenAsync(path, TestContext.Current.CancellationToken);
    }

    private string NewPath(string name, int i) => Path.Combine(_ledger.Folder, string.Create(CultureInfo.InvariantCulture, $"{name.Replace(',', '-')}-{i}"), "ledger.db");
}
