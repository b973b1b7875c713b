using System.Text.Json;
using Overlay.Interop.Tests.Harness;

namespace Overlay.Interop.Tests;

/// <summary>A market of ten processes in three regions: nine that share and one that wants an exit, all of which know nobody but the first.</summary>
public sealed class MarketTests : IAsyncLifetime
{
    private static readonly (string Region, string Price)[] s_shops =
    [
        ("FR", "0.02"), ("DE", "0.05"), ("DE", "0.06"), ("DE", "0.20"), ("FR", "0.03"), ("FR", "0.30"), ("JP", "0.01"), ("JP", "0.02"), ("JP", "0.09"),
    ];

    private static readonly TimeSpan s_patience = TimeSpan.FromMinutes(2);

    private readonly TemporaryFolder _folder = new();
    private readonly List<OverlayNodeProcess> _providers = [];
    private Nginx _origin = null!;
    private OverlayNodeProcess _consumer = null!;

    public async ValueTask InitializeAsync()
    {
        _origin = await Nginx.StartAsync();
        await TestFiles.WriteAsync(Path.Combine(_origin.Root, "small.bin"), 300_000, seed: 12);
        await using (FileStream endless = File.Create(Path.Combine(_origin.Root, "endless.bin"))) endless.SetLength(8L << 30);
        foreach ((string region, string price) in s_shops)
        {
            _providers.Add(await StartAsync(
                $"provider{_providers.Count}", "--share", "--region", region, "--price", price, "--allow-private-targets", "--allow-port", $"{_origin.Port}"));
        }

        _consumer = await StartAsync("consumer", "--want", "DE", "--max-price", "0.10", "--socks", "127.0.0.1:0");
    }

    public async ValueTask DisposeAsync()
    {
        if (_consumer is not null) await _consumer.DisposeAsync();
        foreach (OverlayNodeProcess provider in _providers) await provider.DisposeAsync();
        if (_origin is not null) await _origin.DisposeAsync();
        _folder.Dispose();
    }

    [Fact]
    public async Task Curl_ThroughTheChosenRegion_ProviderKilledMidway_GoesOnThroughAnotherOfTheSameRegion()
    {
        Task<CurlResult> transfer = Curl.FetchAsync(_origin.Url("endless.bin"), Curl.ThroughSocks(_consumer.Socks));
        await _consumer.WaitForEventAsync("receipt");
        OverlayNodeProcess first = await UsedAsync([]);
        Assert.Contains(first, Those("DE", atMost: 0.10m));

        await first.KillAsync();
        Assert.NotEqual(0, (await transfer).ExitCode);
        CurlResult next = await Curl.FetchAsync(_origin.Url("small.bin"), Curl.ThroughSocks(_consumer.Socks));

        Assert.True(next.ExitCode == 0 && next.HttpStatus == 200, next.Errors);
        await _consumer.WaitForEventAsync("receipt");
        OverlayNodeProcess second = await UsedAsync([first]);
        Assert.Contains(second, Those("DE", atMost: 0.10m));

        CurlResult french = await Curl.FetchAsync(_origin.Url("small.bin"), Curl.ThroughSocks($"region-FR:x@{_consumer.Socks}"));
        Assert.True(french.ExitCode == 0 && french.HttpStatus == 200, french.Errors);
        await _consumer.WaitForEventAsync("receipt");
        Assert.Contains(await UsedAsync([first, second]), Those("FR", atMost: 0.10m));
    }

    [Fact]
    public async Task Market_ShowsEveryRegionWithItsPrices()
    {
        await using ChildProcess market = ChildProcess.Start(
            OverlayCli.Program,
            ["market", "--json", "--listen", "/ip4/127.0.0.1/tcp/0", "--no-mdns", "--private-network", "--bootstrap", _providers[0].Address, "--interval", "1"]);
        Dictionary<string, JsonElement> newest = [];
        // Until all are seen: it tells what is new at each look.
        while (newest.Values.Sum(region => region.GetProperty("offers").GetInt32()) < s_shops.Length)
        {
            string? line = await market.ReadLineAsync(s_patience, TestContext.Current.CancellationToken);
            Assert.True(line is not null, market.Errors);
            JsonElement region = JsonElement.Parse(line);
            newest[region.GetProperty("region").GetString()!] = region;
        }

        Assert.Equal(["DE", "FR", "JP"], newest.Where(region => region.Value.GetProperty("offers").GetInt32() > 0).Select(region => region.Key).Order(StringComparer.Ordinal));
        Assert.All(newest.Values, region => Assert.Equal(3, region.GetProperty("offers").GetInt32()));
        Assert.Equal(0.06m, newest["DE"].GetProperty("medianPrice").GetDecimal());
        Assert.Equal(0.02m, newest["FR"].GetProperty("lowestPrice").GetDecimal());
    }

    [Fact]
    public async Task Estimate_WhileSomebodyAsks_IsARangeWithItsBasis()
    {
        Task<CliResult> estimating = OverlayCli.RunAsync(
            "estimate", "--mbps", "500", "--region", "DE", "--seconds", "30", "--listen", "/ip4/127.0.0.1/tcp/0", "--no-mdns", "--private-network",
            "--bootstrap", _providers[0].Address);
        // Nobody sells at that price, so that it is asked for again and again.
        while (!estimating.IsCompleted) await Curl.FetchAsync(_origin.Url("small.bin"), Curl.ThroughSocks($"region-DE;max-0.02:x@{_consumer.Socks}"));
        CliResult result = await estimating;

        Assert.True(result.ExitCode == 0, result.Errors);
        Assert.Equal(["estimate", "basis"], result.Json.Select(line => line.GetProperty("event").GetString()));
        Assert.Equal(3, result.Json[1].GetProperty("offers").GetInt32());
        Assert.True(result.Json[1].GetProperty("demands").GetInt32() > 0);
        // What those who ask would pay bounds it, whatever others offer.
        Assert.Equal(0.02m, result.Json[1].GetProperty("highPrice").GetDecimal());
        Assert.InRange(result.Json[0].GetProperty("highCredits").GetDecimal(), result.Json[0].GetProperty("lowCredits").GetDecimal() + 0.01m, 100_000m);
    }

    private async Task<OverlayNodeProcess> StartAsync(string name, params string[] arguments) => await OverlayNodeProcess.StartAsync(
        _folder.CreateFolder(name),
        ["--listen", "/ip4/127.0.0.1/tcp/0", "--no-mdns", "--private-network", .. _providers.Take(1).SelectMany(first => new[] { "--bootstrap", first.Address }), .. arguments]);

    private IEnumerable<OverlayNodeProcess> Those(string region, decimal atMost) => s_shops.Zip(_providers)
        .Where(shop => shop.First.Region == region && decimal.Parse(shop.First.Price, System.Globalization.CultureInfo.InvariantCulture) <= atMost).Select(shop => shop.Second);

    /// <summary>The one provider with which the consumer has had a session, beside those that are known.</summary>
    private async Task<OverlayNodeProcess> UsedAsync(OverlayNodeProcess[] known)
    {
        HashSet<string> used = [.. (await OverlayCli.SucceedAsync("ledger", "list", "--data", _consumer.DataFolder)).Select(leg => leg.GetProperty("counterparty").GetString()!)];
        return Assert.Single(_providers, provider => used.Contains(provider.PeerId) && !known.Contains(provider));
    }
}
