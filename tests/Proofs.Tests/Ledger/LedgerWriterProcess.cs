using System.Diagnostics;
using System.Globalization;
using Overlay.Proofs.Ledger;
using Overlay.TestKit;
using Overlay.TestKit.Proofs;

namespace Overlay.Proofs.Tests.Ledger;

/// <summary>A process that writes to a ledger and says what was acknowledged to it (<c>tests/LedgerWriter</c>), on its own or under strace.</summary>
internal sealed class LedgerWriterProcess : IDisposable
{
    private readonly Process _process;

    private LedgerWriterProcess(Process process) => _process = process;

    /// <summary>What it has said so far.</summary>
    internal List<string> Lines { get; } = [];

    /// <summary>Exit code, once it has ended; 137 when it was killed.</summary>
    internal int ExitCode => _process.ExitCode;

    private static string Program { get; } = Path.Combine(
        Repository.Root, "tests", "LedgerWriter", "bin", new DirectoryInfo(AppContext.BaseDirectory).Parent!.Name, "net10.0",
        OperatingSystem.IsWindows() ? "Overlay.LedgerWriter.exe" : "Overlay.LedgerWriter");

    /// <param name="path">The ledger.</param>
    /// <param name="first">The first session's number; as many as <paramref name="sessions"/> follow from there.</param>
    /// <param name="sessions">Sessions that write at once.</param>
    /// <param name="receipts">Receipts of each.</param>
    /// <param name="injection">What strace is to do to it, as in <c>pwrite64:signal=KILL:when=3</c>; null for nothing.</param>
    internal static LedgerWriterProcess Start(string path, int first, int sessions, int receipts, string? injection = null)
    {
        var start = new ProcessStartInfo { RedirectStandardOutput = true };
        if (injection is null)
        {
            start.FileName = Program;
        }
        else
        {
            start.FileName = "strace";
            foreach (string argument in (string[])["-f", "-qq", "-o", "/dev/null", "-e", "trace=" + injection.Split(':')[0], "-e", "inject=" + injection, Program]) start.ArgumentList.Add(argument);
        }

        foreach (string argument in (string[])[path, .. new[] { first, sessions, receipts }.Select(number => number.ToString(CultureInfo.InvariantCulture))]) start.ArgumentList.Add(argument);
        return new LedgerWriterProcess(Process.Start(start)!);
    }

    /// <summary>Skips the calling test, under CI fails it, when there is no strace, or where it may not trace.</summary>
    internal static void NeedStrace()
    {
        if (!OperatingSystem.IsLinux()) Assert.Skip("strace is a tool of Linux");
        try
        {
            using var tried = Process.Start(new ProcessStartInfo("strace", ["-qq", "-o", "/dev/null", "true"]) { RedirectStandardError = true })!;
            string error = tried.StandardError.ReadToEnd();
            tried.WaitForExit();
            if (tried.ExitCode != 0) Repository.SkipOrFail($"strace cannot trace here: {error}");
        }
        catch (System.ComponentModel.Win32Exception e)
        {
            Repository.SkipOrFail($"strace is not installed: {e.Message}");
        }
    }

    /// <summary>Reads the next line; false at the end.</summary>
    internal async Task<bool> ReadAsync()
    {
        if (await _process.StandardOutput.ReadLineAsync(TestContext.Current.CancellationToken) is not { } line) return false;
        Lines.Add(line);
        return true;
    }

    /// <summary>SIGKILL.</summary>
    internal void Kill() => _process.Kill();

    /// <summary>Reads to the end and waits for the process to be gone.</summary>
    internal async Task EndAsync()
    {
        while (await ReadAsync()) continue;
        await _process.WaitForExitAsync(TestContext.Current.CancellationToken);
    }

    /// <summary>Opens what it left, and checks that all it was acknowledged is there and that the ledger verifies.</summary>
    internal async Task CheckAsync(string path)
    {
        CancellationToken cancellation = TestContext.Current.CancellationToken;
        await using SqliteLedgerStore store = await SqliteLedgerStore.OpenAsync(path, cancellation);
        foreach (string[] words in Lines.Select(line => line.Split(' ')))
        {
            if (words[0] == "block") Assert.NotEmpty(await store.FindSealedAsync(Number(words[1]), cancellation));
            if (words[0] == "peer")
            {
                IReadOnlyList<LedgerBlock> kept = await store.FindPeerBlocksAsync(new SeedSigner((int)Number(words[1])).PublicKey, cancellation);
                Assert.True(kept.Count != 0 && kept[^1].Body.Sequence >= Number(words[2]));
            }

            if (words[0] is not ("session" or "receipt")) continue;
            Digest id = new SessionScript(int.Parse(words[1], CultureInfo.InvariantCulture), LedgerRole.Consumer).Record.SessionId;
            Assert.NotNull(await store.FindSessionAsync(id, LedgerRole.Consumer, cancellation));
            if (words[0] != "receipt") continue;
            ReceiptEntry? found = await store.ReadReceiptsAsync(id, cancellation)
                .FirstOrDefaultAsync(entry => entry.Receipt.Body.Leg == Number(words[2]) && entry.Receipt.Body.Sequence == Number(words[3]), cancellation);
            Assert.True(found is { Receipt.IsCountersigned: true }, $"'{string.Join(' ', words)}' was acknowledged and is not there.");
        }

        LedgerVerdict verdict = await LedgerVerifier.VerifyAsync(store, cancellation);
        Assert.Null(verdict.FirstFault);
    }

    private static ulong Number(string word) => ulong.Parse(word, CultureInfo.InvariantCulture);

    public void Dispose()
    {
        if (!_process.HasExited) _process.Kill(entireProcessTree: true);
        _process.Dispose();
    }
}
