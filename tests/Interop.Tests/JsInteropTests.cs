using System.Text.Json;
using Overlay.Interop.Tests.Harness;

namespace Overlay.Interop.Tests;

/// <summary>js-libp2p, an independent implementation, against the CLI node: js dials.</summary>
public sealed class JsDialsOverlayTests
{
    [Fact]
    public async Task Dial_OverlayNode_ConnectsOverNoiseAndYamux()
    {
        await using var pair = await DialledPair.StartAsync();

        Assert.Equal(pair.Overlay.PeerId, pair.Connection.GetProperty("peerId").GetString());
        Assert.Equal("/noise", pair.Connection.GetProperty("encryption").GetString());
        Assert.Equal("/yamux/1.0.0", pair.Connection.GetProperty("multiplexer").GetString());
    }

    [Fact]
    public async Task Identify_OverlayNode_TellsWhoItIsWithASignedRecord()
    {
        await using var pair = await DialledPair.StartAsync();

        JsonElement told = await pair.RunAsync("identify");

        Assert.Equal(pair.Overlay.PeerId, told.GetProperty("peerId").GetString());
        Assert.StartsWith("overlay/", told.GetProperty("agentVersion").GetString(), StringComparison.OrdinalIgnoreCase);
        Assert.True(told.GetProperty("signedPeerRecord").GetBoolean());
        Assert.Contains(pair.Overlay.Address.Split("/p2p/")[0], Strings(told, "signedAddresses"));
        Assert.StartsWith("/ip4/127.0.0.1/tcp/", told.GetProperty("observedAddress").GetString(), StringComparison.Ordinal);
        string[] protocols = Strings(told, "protocols");
        Assert.Contains("/ipfs/id/1.0.0", protocols);
        Assert.Contains("/ipfs/id/push/1.0.0", protocols);
        Assert.Contains("/ipfs/ping/1.0.0", protocols);
        Assert.Contains("/perf/1.0.0", protocols);
    }

    [Fact]
    public async Task Ping_OverlayNode_IsAnswered()
    {
        await using var pair = await DialledPair.StartAsync();

        JsonElement answer = await pair.RunAsync("ping");

        Assert.True(answer.GetProperty("milliseconds").GetDouble() >= 0);
    }

    [Fact]
    public async Task Perf_DownloadFromOverlayNode_EveryByteComes()
    {
        await using var pair = await DialledPair.StartAsync();

        JsonElement run = await pair.RunAsync("perf", ("download", TestSizes.Perf));

        Assert.Equal(TestSizes.Perf, run.GetProperty("downloaded").GetInt64());
    }

    // perf answers only after the other side's half-close: that its answer comes, and not before, is the half-close test too.
    [Fact]
    public async Task Perf_UploadToOverlayNode_AnswersAfterTheHalfCloseAndNotBefore()
    {
        await using var pair = await DialledPair.StartAsync();

        JsonElement run = await pair.RunAsync("perf", ("upload", TestSizes.Perf), ("download", 1_000));

        Assert.Equal(1_000, run.GetProperty("downloaded").GetInt64());
    }

    [Fact]
    public async Task Streams_HundredAtOnceToOverlayNode_EachGetsItsOwnBytes()
    {
        await using var pair = await DialledPair.StartAsync();

        JsonElement runs = await pair.RunAsync("perfMany", ("count", 100), ("upload", 100_000), ("download", 300_000));

        Assert.Equal(100, runs.GetProperty("streams").GetInt32());
        Assert.Equal(30_000_000, runs.GetProperty("downloaded").GetInt64());
    }

    [Fact]
    public async Task Reset_InTheMiddleOfADownload_LeavesTheConnectionUsable()
    {
        await using var pair = await DialledPair.StartAsync();

        for (int i = 0; i < 10; i++) await pair.RunAsync("perfThenReset", ("download", 1L << 30), ("after", 1 << 20));
        JsonElement after = await pair.RunAsync("perf", ("download", 1 << 20));

        Assert.Equal(1 << 20, after.GetProperty("downloaded").GetInt64());
    }

    [Fact]
    public async Task OpenStream_ProtocolThatOverlayDoesNotSpeak_IsDeclinedAndNothingElseHarmed()
    {
        await using var pair = await DialledPair.StartAsync();

        var error = await Assert.ThrowsAsync<JsPeerException>(() => pair.Js.RunAsync("openUnknown", new()
        {
            ["peerId"] = pair.Overlay.PeerId,
            ["protocol"] = "/nobody/speaks/this/1.0.0",
        }));
        await pair.RunAsync("ping");

        Assert.Equal("UnsupportedProtocolError", error.Name);
    }

    [Fact]
    public async Task Dial_JsForgesItsIdentity_OverlayHangsUp()
    {
        using var folder = new TemporaryFolder();
        await using OverlayNodeProcess overlay = await DialledPair.StartOverlayAsync(folder);
        await using JsPeer impostor = await JsPeer.StartAsync(listens: false, forged: true);

        // The dialer speaks last in the handshake, so js may believe in the connection until Overlay hangs up.
        bool refused = false;
        try
        {
            await impostor.DialAsync(overlay.Address);
            await impostor.WaitForEventAsync("disconnect", overlay.PeerId);
        }
        catch (JsPeerException)
        {
            refused = true;
        }

        await Assert.ThrowsAsync<JsPeerException>(() => impostor.RunWithAsync(overlay.PeerId, "ping"));
        await using JsPeer honest = await JsPeer.StartAsync(listens: false);
        await honest.DialAsync(overlay.Address);
        await honest.RunWithAsync(overlay.PeerId, "ping");
        TestContext.Current.TestOutputHelper?.WriteLine(refused ? "refused while dialling" : "refused after the handshake");
    }

    [Fact]
    public async Task Dial_JsExpectsAnotherPeer_JsRefuses()
    {
        using var folder = new TemporaryFolder();
        await using OverlayNodeProcess overlay = await DialledPair.StartOverlayAsync(folder);
        await using JsPeer other = await JsPeer.StartAsync();

        await Assert.ThrowsAsync<JsPeerException>(() => other.DialAsync(WithPeerId(overlay.Address, WrongPeerId)));
    }

    // A well-formed Ed25519 PeerId that nobody in these tests holds.
    internal const string WrongPeerId = "12D3KooWGjd2ECxoRniZah2GuHwQcpermkPMAU1mFojtCwQVX8eM";

    internal static string WithPeerId(string address, string peerId) => $"{address.Split("/p2p/")[0]}/p2p/{peerId}";

    internal static string[] Strings(JsonElement element, string property) =>
        [.. element.GetProperty(property).EnumerateArray().Select(item => item.GetString()!)];
}

/// <summary>js-libp2p, an independent implementation, against the CLI node: Overlay dials.</summary>
public sealed class OverlayDialsJsTests
{
    [Fact]
    public async Task Identify_JsPeer_IsUnderstood()
    {
        await using JsPeer js = await JsPeer.StartAsync();

        JsonElement told = Assert.Single(await OverlayCli.SucceedAsync("identify", js.Address));

        Assert.Equal(js.PeerId, told.GetProperty("peerId").GetString());
        Assert.StartsWith("js-libp2p/", told.GetProperty("agentVersion").GetString(), StringComparison.Ordinal);
        Assert.Contains("/ipfs/ping/1.0.0", JsDialsOverlayTests.Strings(told, "protocols"));
        Assert.Contains(js.Address.Split("/p2p/")[0], JsDialsOverlayTests.Strings(told, "addresses").Select(address => address.Split("/p2p/")[0]));
    }

    [Fact]
    public async Task Ping_JsPeer_Answers()
    {
        await using JsPeer js = await JsPeer.StartAsync();

        IReadOnlyList<JsonElement> answers = await OverlayCli.SucceedAsync("ping", js.Address);

        Assert.NotEmpty(answers);
        Assert.All(answers, answer => Assert.Equal(js.PeerId, answer.GetProperty("peerId").GetString()));
        Assert.All(answers, answer => Assert.True(answer.GetProperty("milliseconds").GetDouble() >= 0));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Perf_JsPeer_EveryByteTravels(bool download)
    {
        await using JsPeer js = await JsPeer.StartAsync();
        string size = $"{TestSizes.Perf >> 20}MiB";

        IReadOnlyList<JsonElement> lines = await OverlayCli.SucceedAsync(
            "perf", js.Address, "--download", download ? size : "0", "--upload", download ? "0" : size);

        // Progress may have come before; the last line is the result.
        Assert.Equal(download ? TestSizes.Perf : 0, lines[^1].GetProperty("downloaded").GetInt64());
        Assert.Equal(download ? 0 : TestSizes.Perf, lines[^1].GetProperty("uploaded").GetInt64());
    }

    [Theory]
    [InlineData("ping")]
    [InlineData("identify")]
    [InlineData("perf")]
    public async Task Dial_JsShowsAnotherIdentityThanTheAddressNames_IsRefusedWithTheReason(string command)
    {
        await using JsPeer js = await JsPeer.StartAsync();

        CliResult result = await OverlayCli.RunAsync(command, JsDialsOverlayTests.WithPeerId(js.Address, JsDialsOverlayTests.WrongPeerId));

        Assert.Equal(1, result.ExitCode);
        Assert.Contains(js.PeerId, result.Errors, StringComparison.Ordinal);
        Assert.Contains(JsDialsOverlayTests.WrongPeerId, result.Errors, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Dial_JsForgesItsIdentity_IsRefused()
    {
        await using JsPeer impostor = await JsPeer.StartAsync(forged: true);

        CliResult result = await OverlayCli.RunAsync("ping", impostor.Address);

        Assert.Equal(1, result.ExitCode);
        Assert.Contains("did not sign", result.Errors, StringComparison.OrdinalIgnoreCase);
    }

    [Fact]
    public async Task Dial_NobodyListens_EndsWithOneLineThatSaysSo()
    {
        CliResult result = await OverlayCli.RunAsync("ping", $"/ip4/127.0.0.1/tcp/{RealTools.FreePort()}/p2p/{JsDialsOverlayTests.WrongPeerId}");

        Assert.Equal(1, result.ExitCode);
        Assert.Single(result.Errors.Split('\n', StringSplitOptions.RemoveEmptyEntries));
        Assert.Contains("refused", result.Errors, StringComparison.OrdinalIgnoreCase);
    }
}

/// <summary>A CLI node that serves perf, and a js peer that has dialled it.</summary>
internal sealed class DialledPair : IAsyncDisposable
{
    private readonly TemporaryFolder _folder;

    private DialledPair(TemporaryFolder folder, OverlayNodeProcess overlay, JsPeer js, JsonElement connection)
    {
        _folder = folder;
        Overlay = overlay;
        Js = js;
        Connection = connection;
    }

    internal OverlayNodeProcess Overlay { get; }

    internal JsPeer Js { get; }

    /// <summary>What js says of the connection.</summary>
    internal JsonElement Connection { get; }

    internal static async Task<DialledPair> StartAsync()
    {
        var folder = new TemporaryFolder();
        OverlayNodeProcess? overlay = null;
        JsPeer? js = null;
        try
        {
            js = await JsPeer.StartAsync(listens: false);
            overlay = await StartOverlayAsync(folder);
            return new DialledPair(folder, overlay, js, await js.DialAsync(overlay.Address));
        }
        catch
        {
            if (overlay is not null) await overlay.DisposeAsync();
            if (js is not null) await js.DisposeAsync();
            folder.Dispose();
            throw;
        }
    }

    internal static Task<OverlayNodeProcess> StartOverlayAsync(TemporaryFolder folder) =>
        OverlayNodeProcess.StartAsync(folder.CreateFolder("node"), "--listen", "/ip4/127.0.0.1/tcp/0", "--serve-perf");

    /// <summary>Runs a command of the js peer on its connection to Overlay.</summary>
    internal Task<JsonElement> RunAsync(string command, params (string Name, long Value)[] numbers) => Js.RunWithAsync(Overlay.PeerId, command, numbers);

    public async ValueTask DisposeAsync()
    {
        await Js.DisposeAsync();
        await Overlay.DisposeAsync();
        _folder.Dispose();
    }
}
