using Overlay.Discovery;
using Overlay.Discovery.Kademlia;
using Overlay.Gossip;
using Overlay.Market;
using Overlay.Market.Choosing;
using Overlay.Proofs.Ledger;
using Overlay.Tests.Hosting;
using Overlay.Tests.Sharing;
using Overlay.Transport.Identity;

namespace Overlay.Tests.Market;

/// <summary>Whole nodes on loopback that know nobody but one hub, and find, choose and leave each other.</summary>
public sealed class MarketNodeTests : IAsyncLifetime
{
    private static readonly string[] s_loopback = ["/ip4/127.0.0.1/tcp/0"];

    // Another network than the providers are in: what is found is found by demand.
    private const string ElsewhereDht = "/elsewhere/kad/1.0.0";

    private readonly TinyOrigin _origin = new();
    private readonly Dictionary<OverlayNode, bool> _nodes = [];
    private OverlayNode _hub = null!;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        _hub = await StartAsync();
        // Demand passes through the hub, which takes the topics' messages itself.
        foreach (string region in new[] { "DE", "FR", "ZZ" }) _hub.Market.Follow(region);
    }

    public async ValueTask DisposeAsync()
    {
        foreach (OverlayNode node in _nodes.Keys.Reverse()) await node.DisposeAsync();
        await _origin.DisposeAsync();
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Demand_IsAnsweredByThoseWhoFit_AndTheCheapestServes(bool anonymous)
    {
        OverlayNode french = await SellAsync("FR", 0.01m), dear = await SellAsync("DE", 0.20m), german = await SellAsync("DE", 0.05m), other = await SellAsync("DE", 0.08m);
        OverlayNode consumer = await StartAsync(options => options with
        {
            Discovery = options.Discovery with { Kademlia = options.Discovery.Kademlia! with { Protocol = ElsewhereDht } },
            // On a busy machine the cheapest may need longer to answer than the one that answers first and the usual 300 ms behind it.
            Market = new MarketOptions { AnonymousDemand = anonymous, SettleTime = TimeSpan.FromSeconds(3) },
        });

        Assert.Equal(TinyOrigin.Page, await FetchAsync(consumer, new ExitWish { Region = "DE", MaxPricePerGiB = 0.10m }));

        SessionRecord session = await SessionAsync(consumer);
        Assert.Equal((50_000UL, (await SessionAsync(german)).SessionId), (session.PricePerGiB, session.SessionId));
        // Who does not fit has stayed silent.
        RegionFigures figures = Assert.Single(consumer.Market.Regions, region => region.OfferCount > 0);
        Assert.Equal((Region.Parse("DE"), 0.05m), (figures.Region, figures.LowestPricePerGiB));
        Assert.InRange(figures.OfferCount, 1, 2);
        Assert.DoesNotContain(french.Market.Regions, region => region.OfferCount > 0);
        Assert.DoesNotContain(dear.Market.Regions, region => region.OfferCount > 0);
        // Where an offer was told nobody is called again: a demand's key and port are for that one demand.
        HashSet<PeerId> nodes = [.. _nodes.Keys.Select(node => node.PeerId)];
        Assert.All([german, other], provider => Assert.All(provider.Discovery.Peers, peer => Assert.Contains(peer.PeerId, nodes)));
    }

    [Fact]
    public async Task Dht_Alone_FindsTheProviderToo()
    {
        await SellAsync("FR", 0.01m);
        await SellAsync("DE", 0.05m);
        OverlayNode consumer = await StartAsync(options => options with { Gossip = null, Listen = [] });

        Assert.Equal(TinyOrigin.Page, await FetchAsync(consumer, new ExitWish { Region = "DE" }));
        Assert.Equal(50_000UL, (await SessionAsync(consumer)).PricePerGiB);
        ExitCandidate candidate = Assert.Single(await consumer.Market.FindExitsAsync(new ExitWish { Region = "FR" }, Token));
        Assert.Equal((Region.Parse("FR"), 0.01m), (candidate.Region, candidate.PricePerGiB));
        Assert.NotNull(candidate.Latency);
    }

    [Fact]
    public async Task Provider_ThatGoesAway_IsFollowedByTheNextWithoutAnError()
    {
        OverlayNode first = await SellAsync("DE", 0.01m);
        await SellAsync("DE", 0.05m);
        OverlayNode consumer = await StartAsync();
        var wish = new ExitWish { Region = "DE" };
        // Both are known before one of them is used.
        while ((await consumer.Market.FindExitsAsync(wish, Token)).Count < 2) Token.ThrowIfCancellationRequested();

        Assert.Equal(TinyOrigin.Page, await FetchAsync(consumer, wish));
        await StopAsync(first);
        for (int i = 0; i < 3; i++) Assert.Equal(TinyOrigin.Page, await FetchAsync(consumer, wish));
        await StopAsync(consumer);
    }

    [Fact]
    public async Task Wish_ForWhatNobodyOffers_EndsInTimeAndSaysSo()
    {
        await SellAsync("DE", 0.05m);
        OverlayNode consumer = await StartAsync(options => options with { Market = new MarketOptions { SearchTime = TimeSpan.FromMilliseconds(500) } });
        OverlayException none = await Assert.ThrowsAsync<OverlayException>(() => consumer.ConnectAsync("127.0.0.1", _origin.Port, new ExitWish { Region = "JP" }, Token));
        Assert.Equal(OverlayError.NoProvider, none.Reason);
        Assert.Contains("JP", none.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Wish_ForOneProvider_FindsItByItsName()
    {
        await SellAsync("DE", 0.01m);
        OverlayNode wanted = await SellAsync("DE", 0.09m);
        OverlayNode consumer = await StartAsync();
        Assert.Equal(TinyOrigin.Page, await FetchAsync(consumer, new ExitWish { Provider = wanted.PeerId }));
        Assert.Equal(90_000UL, (await SessionAsync(consumer)).PricePerGiB);
    }

    private async Task<OverlayNode> SellAsync(string region, decimal price) => await StartAsync(options => options with
    {
        Sharing = new SharingOptions
        {
            Region = region,
            PricePerGiB = price,
            AllowedPorts = [_origin.Port, 80, 443],
            AllowPrivateTargets = true,
            AskConsent = Consents.Yes
        },
    });

    private async Task<OverlayNode> StartAsync(Func<OverlayOptions, OverlayOptions>? change = null)
    {
        var options = new OverlayOptions
        {
            Listen = s_loopback,
            Gossip = new GossipOptions { HeartbeatInterval = TimeSpan.FromMilliseconds(100) },
            Discovery = new DiscoveryOptions
            {
                Mdns = null,
                Kademlia = new KademliaOptions { AllowPrivateAddresses = true },
                PersistentPeers = _hub is null ? [] : [_hub.Addresses[0].ToString()],
            },
        };
        OverlayNode node = await OverlayNode.StartAsync(change?.Invoke(options) ?? options, cancellationToken: Token);
        _nodes.Add(node, true);
        return node;
    }

    private async Task StopAsync(OverlayNode node)
    {
        _nodes.Remove(node);
        await node.DisposeAsync();
    }

    private async Task<string> FetchAsync(OverlayNode node, ExitWish wish)
    {
        using var client = new HttpClient(node.CreateHttpHandler(wish));
        return await client.GetStringAsync(_origin.Address, Token);
    }

    private static async Task<SessionRecord> SessionAsync(OverlayNode node)
    {
        await foreach (SessionRecord session in node.Ledger.Store.ReadSessionsAsync(Token)) return session;
        throw new InvalidOperationException("The node has had no session.");
    }
}
