using System.Text.Json;
using Overlay.Interop.Tests.Harness;

namespace Overlay.Interop.Tests;

/// <summary>The CLI's own promises: exit codes, one JSON object a line, one-line reasons, a graceful end.</summary>
public sealed class CliTests
{
    [Fact]
    public async Task Demo_NeedsNothingElse_EndsWellWithEveryCountAgreed()
    {
        IReadOnlyList<JsonElement> lines = await OverlayCli.SucceedAsync("demo", "--mib", "16");

        Assert.NotEmpty(lines);
    }

    [Fact]
    public async Task Demo_WithoutJson_PrintsNoEscapeSequencesIntoAPipe()
    {
        await using var process = ChildProcess.Start(OverlayCli.Program, ["demo", "--mib", "1"]);

        int code = await process.WaitForExitAsync(TimeSpan.FromMinutes(2), TestContext.Current.CancellationToken);
        IReadOnlyList<string> lines = process.TakeLines();

        Assert.True(code == 0, process.Errors);
        Assert.NotEmpty(lines);
        Assert.DoesNotContain(lines, line => line.Contains('\e', StringComparison.Ordinal));
    }

    [Fact]
    public async Task Id_AskedTwice_IsTheSameAndItsKeyIsForTheOwnerOnly()
    {
        using var folder = new TemporaryFolder();

        JsonElement first = Assert.Single(await OverlayCli.SucceedAsync("id", "--data", folder.Path));
        JsonElement second = Assert.Single(await OverlayCli.SucceedAsync("id", "--data", folder.Path));

        Assert.StartsWith("12D3KooW", first.GetProperty("peerId").GetString(), StringComparison.Ordinal);
        Assert.Equal(first.GetProperty("peerId").GetString(), second.GetProperty("peerId").GetString());
        string key = Assert.Single(Directory.GetFiles(folder.Path), file => Path.GetFileName(file).Contains("key", StringComparison.OrdinalIgnoreCase));
        if (!OperatingSystem.IsWindows()) Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(key));
    }

    [Theory]
    [InlineData("no-such-command")]
    [InlineData("run", "--no-such-option")]
    [InlineData("ping")]
    [InlineData("ping", "not-an-address")]
    public async Task WrongUsage_EndsWithTwoAndSaysWhat(params string[] arguments)
    {
        CliResult result = await OverlayCli.RunAsync(arguments);

        Assert.Equal(2, result.ExitCode);
        Assert.NotEmpty(result.Errors);
    }

    [Fact]
    public async Task Help_EveryCommand_ShowsAnExample()
    {
        foreach (string command in new[] { "demo", "run", "id", "ping", "identify", "perf" })
        {
            await using var process = ChildProcess.Start(OverlayCli.Program, [command, "--help"]);
            int code = await process.WaitForExitAsync(TimeSpan.FromSeconds(30), TestContext.Current.CancellationToken);
            string text = string.Join('\n', process.TakeLines());

            Assert.Equal(0, code);
            Assert.Contains("example", text, StringComparison.OrdinalIgnoreCase);
            Assert.Contains($"overlay {command}", text, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task Run_SigTerm_EndsWithZero()
    {
        using var folder = new TemporaryFolder();
        await using OverlayNodeProcess node = await OverlayNodeProcess.StartAsync(folder.Path, "--listen", "/ip4/127.0.0.1/tcp/0");

        await node.StopAsync();
    }

    [Fact]
    public async Task Run_PortInUse_EndsWithOneAndSaysWhich()
    {
        using var folder = new TemporaryFolder();
        await using OverlayNodeProcess node = await OverlayNodeProcess.StartAsync(folder.CreateFolder("one"), "--listen", "/ip4/127.0.0.1/tcp/0");
        string taken = node.Address.Split("/p2p/")[0];

        CliResult result = await OverlayCli.RunAsync("run", "--data", folder.CreateFolder("two"), "--listen", taken);

        Assert.Equal(1, result.ExitCode);
        Assert.Contains(taken, result.Errors, StringComparison.Ordinal);
    }
}
