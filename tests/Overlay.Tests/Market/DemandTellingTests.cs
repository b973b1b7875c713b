using Microsoft.Extensions.Logging.Testing;
using Microsoft.Extensions.Time.Testing;
using Overlay.Gossip;
using Overlay.Market;
using Overlay.Market.Buying;
using Overlay.Market.Witnessing;
using Overlay.Transport;
using Overlay.Transport.Identity;

namespace Overlay.Tests.Market;

public sealed class DemandTellingTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Demand_ThatCannotBeTold_IsNotWaitedFor()
    {
        var time = new FakeTimeProvider(Demands.Now);
        var log = new FakeLogger();
        using PeerIdentity identity = PeerIdentity.Generate();
        await using var host = new PeerHost(identity, new TransportOptions(), null, time);
        await host.ListenAsync(Multiaddr.Parse("/ip4/127.0.0.1/tcp/0"), Token);
        var gossip = new GossipNode(identity, host, new GossipOptions(), time, log);
        await gossip.DisposeAsync();
        var options = new MarketOptions { AnonymousDemand = false };
        using var telling = new DemandTelling(
            identity, host, gossip, null, options, new TransportOptions(), new AttestationAsking(options.Limits, time, log), time, log);
        await telling.RunAsync(new ExitWish(), _ => { }, Token);
        Assert.Contains("disposed", log.LatestRecord.Message, StringComparison.Ordinal);
        Assert.Equal(0, telling.Count);
    }
}
