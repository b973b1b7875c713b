using System.Text.Json;
using Overlay.Interop.Tests.Harness;

namespace Overlay.Interop.Tests;

/// <summary>An owner's second thoughts reach a node that runs in another process.</summary>
public sealed class ConsentTests
{
    private static readonly TimeSpan s_patience = TimeSpan.FromMinutes(2);

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Withdraw_ByTheCommandLine_CutsTheTransferAndServesNobodyAfterARestart()
    {
        await using Nginx origin = await Nginx.StartAsync();
        await using (FileStream endless = File.Create(Path.Combine(origin.Root, "endless.bin"))) endless.SetLength(8L << 30);
        using var folder = new TemporaryFolder();
        await using OverlayNodeProcess provider = await OverlayNodeProcess.StartProviderAsync(folder.CreateFolder("provider"), RealTools.FreePort(),
            origin.Port);
        await using OverlayNodeProcess consumer = await OverlayNodeProcess.StartConsumerAsync(folder.CreateFolder("consumer"), provider.Address);
        Task<CurlResult> transfer = Curl.FetchAsync(origin.Url("endless.bin"), Curl.ThroughSocks(consumer.Socks));
        await provider.WaitForEventAsync("receipt");

        await OverlayCli.SucceedAsync("consent", "withdraw", "--data", provider.DataFolder);

        Assert.NotEqual(0, (await transfer.WaitAsync(Token)).ExitCode);
        Assert.False((await provider.WaitForEventAsync("consent")).GetProperty("inForce").GetBoolean());
        Assert.NotEqual(0, (await Curl.FetchAsync(origin.Url("endless.bin"), Curl.ThroughSocks(consumer.Socks))).ExitCode);
        await provider.StopAsync();
        JsonElement leg = Assert.Single(await OverlayCli.SucceedAsync("ledger", "list", "--data", provider.DataFolder));
        Assert.Equal((true, "closed"), (leg.GetProperty("final").GetBoolean(), leg.GetProperty("state").GetString()));

        CliResult again = await OverlayCli.RunAsync("run", "--data", provider.DataFolder, "--share", "--region", "DE", "--allow-private-targets",
            "--allow-port", $"{origin.Port}");
        Assert.Equal(1, again.ExitCode);
        Assert.Contains("overlay consent give", again.Errors, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Block_ByTheCommandLine_EndsThatConsumerWhileTheNodeRuns()
    {
        await using Nginx origin = await Nginx.StartAsync();
        await TestFiles.WriteAsync(Path.Combine(origin.Root, "small.bin"), 10_000, seed: 5);
        using var folder = new TemporaryFolder();
        await using OverlayNodeProcess provider = await OverlayNodeProcess.StartProviderAsync(folder.CreateFolder("provider"), RealTools.FreePort(),
            origin.Port);
        await using OverlayNodeProcess consumer = await OverlayNodeProcess.StartConsumerAsync(folder.CreateFolder("consumer"), provider.Address);
        Assert.Equal(0, (await Curl.FetchAsync(origin.Url("small.bin"), Curl.ThroughSocks(consumer.Socks))).ExitCode);

        await OverlayCli.SucceedAsync("block", "add", consumer.PeerId, "--data", provider.DataFolder);

        // Noticed within a second.
        using var deadline = CancellationTokenSource.CreateLinkedTokenSource(Token);
        deadline.CancelAfter(s_patience);
        while ((await Curl.FetchAsync(origin.Url("small.bin"), Curl.ThroughSocks(consumer.Socks))).ExitCode == 0) deadline.Token.ThrowIfCancellationRequested();
        await OverlayCli.SucceedAsync("block", "remove", consumer.PeerId, "--data", provider.DataFolder);
        while ((await Curl.FetchAsync(origin.Url("small.bin"), Curl.ThroughSocks(consumer.Socks))).ExitCode != 0) deadline.Token.ThrowIfCancellationRequested();
    }
}
