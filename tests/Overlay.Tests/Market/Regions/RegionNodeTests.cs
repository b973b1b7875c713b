using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Testing;
using Overlay.Discovery;
using Overlay.Discovery.Kademlia;
using Overlay.Market;
using Overlay.Market.Choosing;
using Overlay.Tests.Sharing;

namespace Overlay.Tests.Market.Regions;

/// <summary>Whole nodes on loopback, which a file says is in Germany.</summary>
public sealed class RegionNodeTests : IAsyncDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("overlay-region-").FullName;
    private readonly FakeLogCollector _log = FakeLogCollector.Create(new FakeLogCollectorOptions());
    private readonly List<OverlayNode> _nodes = [];

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public async ValueTask DisposeAsync()
    {
        foreach (OverlayNode node in _nodes.AsEnumerable().Reverse()) await node.DisposeAsync();
        Directory.Delete(_folder, recursive: true);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Offer_WhoseRegionIsContradicted_IsNotTakenAndTheReasonIsTold(bool byFile)
    {
        string file = Path.Combine(_folder, "countries.mmdb");
        await File.WriteAllBytesAsync(file, new CountryFile().Add("127.0.0.0/8", "DE").ToArray(), Token);
        await StartAsync(new OverlayOptions());
        OverlayNode liar = await StartAsync(new OverlayOptions { Sharing = new SharingOptions { Region = "JP", PricePerGiB = 0.01m, AskConsent = Consents.Yes } });
        OverlayNode honest = await StartAsync(new OverlayOptions { Sharing = new SharingOptions { Region = "DE", PricePerGiB = 0.05m, AskConsent = Consents.Yes } });
        OverlayNode consumer = await StartAsync(
            new OverlayOptions { Market = byFile ? new MarketOptions { GeoIpFile = file } : new MarketOptions { OwnRegion = "DE" } }, new Factory(_log));

        IReadOnlyList<ExitCandidate> found = [];
        while (found.Count == 0 || !Told()) found = await consumer.Market.FindExitsAsync(new ExitWish(), Token);
        Assert.Equal(honest.PeerId, Assert.Single(found).Provider);
        Assert.DoesNotContain(consumer.Market.Regions, region => region.Region == "JP");

        bool Told() => _log.GetSnapshot()
            .Any(record => record.Level == LogLevel.Warning && record.Message.Contains(liar.PeerId.ToString(), StringComparison.Ordinal)
            && record.Message.Contains("JP", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Node_WithAFileThatIsNotThere_DoesNotStart()
    {
        OverlayException refused = await Assert.ThrowsAsync<OverlayException>(
            () => StartAsync(new OverlayOptions { Market = new MarketOptions { GeoIpFile = Path.Combine(_folder, "none.mmdb") } }));
        Assert.Equal(OverlayError.GeoIpFile, refused.Reason);
    }

    private async Task<OverlayNode> StartAsync(OverlayOptions options, ILoggerFactory? logs = null)
    {
        OverlayNode node = await OverlayNode.StartAsync(
            options with
            {
                Listen = ["/ip4/127.0.0.1/tcp/0"],
                Discovery = new DiscoveryOptions
                {
                    Mdns = null,
                    Kademlia = new KademliaOptions { AllowPrivateAddresses = true },
                    PersistentPeers = _nodes.Count == 0 ? [] : [_nodes[0].Addresses[0].ToString()],
                },
            },
            new OverlayServices { LoggerFactory = logs }, Token);
        _nodes.Add(node);
        return node;
    }

    private sealed class Factory(FakeLogCollector log) : ILoggerFactory
    {
        public ILogger CreateLogger(string categoryName) => new FakeLogger(log, categoryName);

        public void AddProvider(ILoggerProvider provider) => throw new NotSupportedException();

        public void Dispose()
        {
        }
    }
}
