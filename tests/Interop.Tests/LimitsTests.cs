using System.Text.Json;
using Overlay.Interop.Tests.Harness;

namespace Overlay.Interop.Tests;

/// <summary>What an owner sets from outside, and what the node does by itself for an owner who uses the line.</summary>
public sealed class LimitsTests
{
    private static readonly TimeSpan s_patience = TimeSpan.FromMinutes(2);

    [Fact]
    public async Task LimitsSet_NodeRuns_TakesThemAtOnceAndKeepsThem()
    {
        using var folder = new TemporaryFolder();
        await using (OverlayNodeProcess node = await StartAsync(folder.Path, "--max-download", "80"))
        {
            JsonElement set = Assert.Single(await OverlayCli.SucceedAsync("limits", "set", "--data", folder.Path, "--max-upload", "8"));
            Assert.Equal("node", set.GetProperty("takenBy").GetString());
            Assert.Equal(8_000_000, set.GetProperty("state").GetProperty("allowedUpload").GetInt64());
            JsonElement paused = Assert.Single(await OverlayCli.SucceedAsync("limits", "pause", "--data", folder.Path));
            Assert.Equal("node", paused.GetProperty("takenBy").GetString());
            Assert.Equal("paused", paused.GetProperty("state").GetProperty("condition").GetString());
            await node.KillAsync();
        }

        JsonElement stopped = Assert.Single(await OverlayCli.SucceedAsync("limits", "--data", folder.Path));
        Assert.Equal(JsonValueKind.Null, stopped.GetProperty("state").ValueKind);
        await using OverlayNodeProcess again = await StartAsync(folder.Path);
        JsonElement shown = Assert.Single(await OverlayCli.SucceedAsync("limits", "--data", folder.Path));
        Assert.Equal("paused", shown.GetProperty("state").GetProperty("condition").GetString());
        Assert.Equal(80_000_000, shown.GetProperty("maxDownload").GetInt64());
        await again.StopAsync();
    }

    [Fact]
    public async Task Limits_OwnerPauses_ConsumersAreRefusedUntilTheOwnerResumes()
    {
        await using Nginx nginx = await Nginx.StartAsync();
        await File.WriteAllTextAsync(Path.Combine(nginx.Root, "page"), "the page", TestContext.Current.CancellationToken);
        using var providerFolder = new TemporaryFolder();
        using var consumerFolder = new TemporaryFolder();
        await using OverlayNodeProcess provider = await OverlayNodeProcess.StartProviderAsync(providerFolder.Path, RealTools.FreePort(), nginx.Port);
        await using OverlayNodeProcess consumer = await OverlayNodeProcess.StartConsumerAsync(consumerFolder.Path, provider.Address);
        string[] proxy = Curl.ThroughSocks(consumer.Socks);
        Assert.Equal("the page", (await Curl.FetchAsync(nginx.Url("page"), proxy)).Text);

        await OverlayCli.SucceedAsync("limits", "pause", "--data", providerFolder.Path);
        Assert.NotEqual(0, (await Curl.FetchAsync(nginx.Url("page"), proxy)).ExitCode);

        JsonElement resumed = Assert.Single(await OverlayCli.SucceedAsync("limits", "resume", "--data", providerFolder.Path));
        Assert.NotEqual("paused", resumed.GetProperty("state").GetProperty("condition").GetString());
        CurlResult result;
        // A consumer leaves a provider that has refused alone for a while.
        do result = await Curl.FetchAsync(nginx.Url("page"), proxy);
        while (result.ExitCode != 0);
        Assert.Equal("the page", result.Text);
    }

    /// <summary>The provider's host is at the end of a line of 20 Mbit/s each way. How much that leaves to the owner, benchmarks/yield.sh measures.</summary>
    [Fact]
    public async Task Yield_OwnerDownloadsWhileAConsumerPulls_TheNodeFallsToATwentiethAndComesBack()
    {
        await using TwoHosts hosts = await TwoHosts.CreateAsync("10.77.0.1/24", "10.77.0.2/24");
        await hosts.NarrowAsync("20mbit");
        (string outside, string home) = (hosts.First, hosts.Second);
        await using Nginx nginx = await Nginx.StartOnAsync(outside, "10.77.0.1");
        using (FileStream endless = File.Create(Path.Combine(nginx.Root, "endless"))) endless.SetLength(64L << 30);
        using var providerFolder = new TemporaryFolder();
        using var consumerFolder = new TemporaryFolder();
        await using OverlayNodeProcess provider = await OverlayNodeProcess.StartOnAsync(
            home, providerFolder.Path, "--no-mdns", "--listen", "/ip4/10.77.0.2/tcp/4001", "--share", "--allow-private-targets", "--allow-port",
                $"{nginx.Port}");
        await using OverlayNodeProcess consumer = await OverlayNodeProcess.StartOnAsync(
            outside, consumerFolder.Path, "--no-mdns", "--provider", provider.Address, "--socks", "127.0.0.1:1080");
        string curl = RealTools.Find("curl");
        string[] quiet = ["--silent", "--output", "/dev/null", nginx.Url("endless")];

        await using ChildProcess pulling = TwoHosts.Start(outside, curl, [.. Curl.ThroughSocks(consumer.Socks), "--noproxy", "", .. quiet]);
        await WaitForAsync(providerFolder.Path, state => state.GetProperty("share").GetDouble() > 0.05 && state.GetProperty("usedToday").GetInt64() > 8 << 20);
        await using (ChildProcess owner = TwoHosts.Start(home, curl, ["--noproxy", "*", .. quiet]))
        {
            JsonElement yielding = await WaitForAsync(providerFolder.Path, state => state.GetProperty("share").GetDouble() <= 0.05);

            Assert.Equal("yielding", yielding.GetProperty("condition").GetString());
            // A twentieth of a line of 20 Mbit/s.
            Assert.InRange(yielding.GetProperty("allowedUpload").GetInt64(), 1, 1_000_000);
            Assert.False(owner.HasExited);
        }

        await WaitForAsync(providerFolder.Path, state => state.GetProperty("share").GetDouble() > 0.05);
        Assert.False(pulling.HasExited);
    }

    private static Task<OverlayNodeProcess> StartAsync(string folder, params string[] arguments) =>
        OverlayNodeProcess.StartAsync(folder, ["--listen", "/ip4/127.0.0.1/tcp/0", "--no-mdns", "--share", .. arguments]);

    private static async Task<JsonElement> WaitForAsync(string folder, Func<JsonElement, bool> isSo)
    {
        using var deadline = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        deadline.CancelAfter(s_patience);
        while (true)
        {
            JsonElement state = Assert.Single(await OverlayCli.SucceedAsync("limits", "--data", folder)).GetProperty("state");
            if (isSo(state)) return state;
            deadline.Token.ThrowIfCancellationRequested();
        }
    }
}
