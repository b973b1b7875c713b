namespace Overlay.Node.Tests;

public sealed class CommandLineTests
{
    private const string Peer = "/ip4/203.0.113.7/tcp/4001/p2p/12D3KooWDpJ7As7BWAwRMfu1VU2WCqNjvq387JEYKDBj4kx6nXTN";

    [Theory]
    [InlineData("'demmo'", "'demo'", "demmo")]
    [InlineData("'lits'", "'list'", "ledger", "lits")]
    [InlineData("'--lisen'", "'--listen'", "run", "--lisen", "/ip4/127.0.0.1/tcp/0")]
    [InlineData("'--jsno'", "'--json'", "ledger", "list", "--jsno")]
    [InlineData("ADDR", "/p2p/", "ping", "not-an-address")]
    [InlineData("ADDR", "/p2p/", "identify", "/ip4/127.0.0.1/tcp/4001")]
    [InlineData("'ping'", "overlay ping --help", "ping")]
    [InlineData("--download", "256MiB", "perf", Peer, "--download", "lots")]
    [InlineData("--upload", "1024TiB", "perf", Peer, "--upload", "1025TiB")]
    [InlineData("--download", "nothing to measure", "perf", Peer, "--download", "0")]
    [InlineData("--mib", "1048576", "demo", "--mib", "0")]
    [InlineData("--mib", "1048576", "demo", "--mib", "1.5")]
    [InlineData("SESSION-PREFIX", "hexadecimal", "ledger", "show", "xyz")]
    [InlineData("--price", "--share", "run", "--price", "0.05")]
    [InlineData("--region", "--want", "run", "--region", "DE")]
    [InlineData("--witness-listen", "--witness-target", "run", "--witness-listen", "127.0.0.1:0")]
    [InlineData("--socks", "--provider", "run", "--socks", "127.0.0.1:0")]
    [InlineData("--http-proxy", "--provider", "run", "--http-proxy", "127.0.0.1:0")]
    [InlineData("--share", "--socks", "run", "--no-mdns")]
    [InlineData("--price", "1000000", "run", "--share", "--price", "-1")]
    [InlineData("--price", "single argument", "run", "--share", "--price", "1", "--price", "2")]
    [InlineData("--config", "none.json", "run", "--config", "none.json")]
    public async Task Run_WrongUsage_EndsWithTwoAndOneLineThatNamesIt(string named, string allowed, params string[] arguments)
    {
        CliRun run = await CliRun.OfAsync(arguments);

        Assert.Equal(2, run.ExitCode);
        Assert.Empty(run.Output);
        string line = Assert.Single(run.ErrorLines);
        Assert.Contains(named, line, StringComparison.Ordinal);
        Assert.Contains(allowed, line, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData]
    [InlineData("ledger")]
    public async Task Run_NothingAskedFor_ShowsTheHelpOnStandardErrorAndEndsWithTwo(params string[] arguments)
    {
        CliRun run = await CliRun.OfAsync(arguments);

        Assert.Equal(2, run.ExitCode);
        Assert.Empty(run.Output);
        Assert.Contains("Examples:", run.Error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData]
    [InlineData("demo")]
    [InlineData("run")]
    [InlineData("id")]
    [InlineData("peers")]
    [InlineData("ping")]
    [InlineData("identify")]
    [InlineData("perf")]
    [InlineData("ledger")]
    [InlineData("limits")]
    [InlineData("limits", "set")]
    [InlineData("limits", "pause")]
    [InlineData("limits", "resume")]
    [InlineData("ledger", "list")]
    [InlineData("ledger", "show")]
    [InlineData("ledger", "verify")]
    [InlineData("ledger", "export")]
    [InlineData("estimate")]
    public async Task Help_EveryCommand_HasUsageAndAnExampleOfItself(params string[] path)
    {
        CliRun run = await CliRun.OfAsync([.. path, "--help"]);

        Assert.Equal(0, run.ExitCode);
        Assert.Empty(run.Error);
        string command = string.Join(' ', path.Prepend("overlay"));
        Assert.Contains(run.OutputLines, line => line.TrimEnd('\r').StartsWith($"  {command}", StringComparison.Ordinal) && line.Contains("[options]", StringComparison.Ordinal));
        Assert.Contains(run.OutputLines.SkipWhile(line => !line.StartsWith("Example", StringComparison.Ordinal)).Skip(1), line => line.StartsWith($"  {command}", StringComparison.Ordinal));
        Assert.Contains("--json", run.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Id_AskedTwice_IsTheSameAndWalletIsThePublicKey()
    {
        using var folder = new TemporaryFolder();

        CliRun first = await CliRun.OfAsync("id", "--data", folder.Path, "--json");
        CliRun second = await CliRun.OfAsync(new Dictionary<string, string> { ["OVERLAY_DATA"] = folder.Path }, "id", "--json");

        Assert.Equal((0, first.Output), (second.ExitCode, second.Output));
        System.Text.Json.JsonElement told = Assert.Single(first.Json);
        Assert.True(Transport.Identity.PeerId.Parse(told.GetProperty("peerId").GetString()!).TryGetPublicKey(out Transport.Identity.PeerPublicKey? key));
        Assert.Equal(Convert.ToHexStringLower(key.Data.Span), told.GetProperty("wallet").GetString());
    }

    [Theory]
    [InlineData("list")]
    [InlineData("verify")]
    [InlineData("export")]
    [InlineData("show", "ab")]
    public async Task Ledger_NoLedgerThere_EndsWithOneAndOneLine(params string[] command)
    {
        using var folder = new TemporaryFolder();

        CliRun run = await CliRun.OfAsync(["ledger", .. command, "--data", folder.Path]);

        Assert.Equal(1, run.ExitCode);
        Assert.Contains(folder.Path, Assert.Single(run.ErrorLines), StringComparison.Ordinal);
        Assert.Empty(Directory.GetFiles(folder.Path));
    }

    [Theory]
    [InlineData("0.0.0.0:8080")]
    [InlineData("192.0.2.1:8080")]
    [InlineData("[::]:8080")]
    public async Task Run_DashboardThatOthersCouldReach_NeedsItsFlag(string place)
    {
        CliRun run = await CliRun.OfAsync("run", "--listen", "/ip4/127.0.0.1/tcp/0", "--no-mdns", "--dashboard", place);

        Assert.Equal(2, run.ExitCode);
        Assert.Contains("--dashboard-public", Assert.Single(run.ErrorLines), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("0.0.0.0:8080")]
    [InlineData("[::]:8080")]
    public async Task Run_DashboardAtEveryAddress_AsksForOne(string place)
    {
        CliRun run = await CliRun.OfAsync("run", "--listen", "/ip4/127.0.0.1/tcp/0", "--no-mdns", "--dashboard", place, "--dashboard-public");

        Assert.Equal(2, run.ExitCode);
        Assert.Contains("one address of this host", Assert.Single(run.ErrorLines), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Run_StrangeVariable_IsWarnedOf()
    {
        CliRun run = await CliRun.OfAsync(new Dictionary<string, string> { ["OVERLAY_SOCK"] = "127.0.0.1:1" }, "run", "--no-mdns");

        Assert.Equal(2, run.ExitCode);
        Assert.Contains("OVERLAY_SOCKS", run.ErrorLines[0], StringComparison.Ordinal);
    }

    [Fact]
    public async Task Run_ConfigurationFileFromTheEnvironment_IsRead()
    {
        using var folder = new TemporaryFolder();
        string file = folder.Write("node.json", """{ "pirce": 1 }""");

        CliRun run = await CliRun.OfAsync(new Dictionary<string, string> { ["OVERLAY_CONFIG"] = file }, "run");

        Assert.Equal(2, run.ExitCode);
        Assert.Contains("'price'", Assert.Single(run.ErrorLines), StringComparison.Ordinal);
    }
}
