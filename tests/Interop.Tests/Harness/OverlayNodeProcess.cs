using System.Text.Json;

namespace Overlay.Interop.Tests.Harness;

/// <summary>A running node: <c>overlay run --json</c> in a process of its own, with its event lines.</summary>
internal sealed class OverlayNodeProcess : IAsyncDisposable
{
    private static readonly TimeSpan s_patience = TimeSpan.FromMinutes(1);

    private readonly ChildProcess _process;
    private readonly JsonElement _ready;

    private OverlayNodeProcess(ChildProcess process, JsonElement ready, string dataFolder)
    {
        _process = process;
        _ready = ready;
        DataFolder = dataFolder;
    }

    internal string DataFolder { get; }

    internal string PeerId => _ready.GetProperty("peerId").GetString()!;

    /// <summary>The first address it listens on, with its PeerId.</summary>
    internal string Address
    {
        get
        {
            string address = _ready.GetProperty("addresses")[0].GetString()!;
            return address.Contains("/p2p/", StringComparison.Ordinal) ? address : $"{address}/p2p/{PeerId}";
        }
    }

    /// <summary>HOST:PORT of its SOCKS5 listener.</summary>
    internal string Socks => _ready.GetProperty("socks").GetString()!;

    /// <summary>HOST:PORT of its HTTP proxy.</summary>
    internal string HttpProxy => _ready.GetProperty("httpProxy").GetString()!;

    /// <summary>Address of its dashboard, token and all.</summary>
    internal string Dashboard => _ready.GetProperty("dashboard").GetString()!;

    internal string Errors => _process.Errors;

    /// <summary>Starts a node with its data in <paramref name="dataFolder"/> and waits until it is ready.</summary>
    internal static async Task<OverlayNodeProcess> StartAsync(string dataFolder, params string[] arguments)
    {
        await ConsentAsync(dataFolder, arguments);
        return await WhenReadyAsync(ChildProcess.Start(OverlayCli.Program, ["run", "--data", dataFolder, .. arguments, "--json"]), dataFolder);
    }

    /// <summary>The same on a host of a <see cref="TwoHosts"/>.</summary>
    internal static async Task<OverlayNodeProcess> StartOnAsync(string host, string dataFolder, params string[] arguments)
    {
        await ConsentAsync(dataFolder, arguments);
        return await WhenReadyAsync(TwoHosts.Start(host, OverlayCli.Program, ["run", "--data", dataFolder, .. arguments, "--json"]), dataFolder);
    }

    // What an owner does once, before the first run: nothing is shared without.
    private static async Task ConsentAsync(string dataFolder, string[] arguments)
    {
        if (!arguments.Contains("--share")) return;
        string[] about = ["--region", "--allow-port", "--allow-private-targets"];
        var terms = new List<string>();
        bool taking = false;
        foreach (string word in arguments)
        {
            if (word.StartsWith("--", StringComparison.Ordinal)) taking = about.Contains(word);
            if (taking) terms.Add(word);
        }

        await OverlayCli.SucceedAsync(["consent", "give", "--i-have-read-it", "1", "--data", dataFolder, .. terms]);
    }

    private static async Task<OverlayNodeProcess> WhenReadyAsync(ChildProcess process, string dataFolder)
    {
        try
        {
            string line = await process.ReadLineAsync(s_patience, TestContext.Current.CancellationToken)
                ?? throw new InvalidOperationException($"The node ended before it was ready:\n{process.Errors}");
            JsonElement ready = JsonElement.Parse(line);
            Assert.Equal("ready", ready.GetProperty("event").GetString());
            return new OverlayNodeProcess(process, ready, dataFolder);
        }
        catch
        {
            await process.DisposeAsync();
            throw;
        }
    }

    /// <summary>A provider on loopback, which lets the tests reach their own web server behind it.</summary>
    internal static Task<OverlayNodeProcess> StartProviderAsync(string dataFolder, int listenPort, params int[] allowedPorts) =>
        StartAsync(
            dataFolder,
            [
                "--listen", $"/ip4/127.0.0.1/tcp/{listenPort}", "--share", "--region", "DE", "--price", "0.05", "--allow-private-targets",
                .. allowedPorts.SelectMany(port => new[] { "--allow-port", $"{port}" }),
            ]);

    /// <summary>A consumer that uses one provider, with both local proxies on free ports.</summary>
    internal static Task<OverlayNodeProcess> StartConsumerAsync(string dataFolder, string providerAddress) =>
        StartAsync(dataFolder, "--socks", "127.0.0.1:0", "--http-proxy", "127.0.0.1:0", "--provider", providerAddress);

    /// <summary>The next event of that name; others before it are passed over.</summary>
    internal async Task<JsonElement> WaitForEventAsync(string name)
    {
        while (true)
        {
            string line = await _process.ReadLineAsync(s_patience, TestContext.Current.CancellationToken)
                ?? throw new InvalidOperationException($"The node ended before it told of '{name}':\n{_process.Errors}");
            JsonElement told = JsonElement.Parse(line);
            if (told.GetProperty("event").GetString() == name) return told;
        }
    }

    /// <summary>Events of that name that have come and were not read yet.</summary>
    internal IReadOnlyList<JsonElement> TakeEvents(string name) =>
        [.. _process.TakeLines().Select(line => JsonElement.Parse(line)).Where(told => told.GetProperty("event").GetString() == name)];

    /// <summary>SIGTERM: the node closes its sessions with last receipts and ends with 0.</summary>
    internal async Task StopAsync()
    {
        _process.Terminate();
        int code = await _process.WaitForExitAsync(s_patience, TestContext.Current.CancellationToken);
        Assert.True(code == 0, $"The node ended with {code} after SIGTERM:\n{_process.Errors}");
    }

    /// <summary><c>kill -9</c>.</summary>
    internal Task KillAsync() => _process.KillAsync();

    public ValueTask DisposeAsync() => _process.DisposeAsync();
}
