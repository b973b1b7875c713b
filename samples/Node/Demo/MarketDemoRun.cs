using System.Net;
using System.Security.Cryptography;
using Overlay.Discovery;
using Overlay.Discovery.Kademlia;
using Overlay.Market;
using Overlay.Node.Commands;
using Overlay.Node.Output;
using Overlay.Proofs.Ledger;
using Overlay.Transport.Connections;
using Overlay.Transport.Identity;
using Overlay.Using;

namespace Overlay.Node.Demo;

/// <summary>A market on this machine: four providers in three regions, one who sells what is not hers, and a consumer who knows nobody but a way in. One provider dies in the middle of a transfer.</summary>
internal sealed class MarketDemoRun(Invocation invocation, ulong contentSize)
{
    private const string OfferProtocol = "/overlay/offer/1";
    private const decimal MaxPrice = 0.10m;

    // So much has arrived when the provider dies; more than that much cannot be under way, so that the rest is lost.
    private const ulong DiesAfter = 8 << 20;

    private static readonly (string Name, string Region, decimal Price)[] s_sellers =
        [("Paris", "FR", 0.03m), ("Frankfurt", "DE", 0.05m), ("Berlin", "DE", 0.08m), ("Tokyo", "JP", 0.09m)];

    private readonly IOutput _output = invocation.Output;
    private readonly CancellationToken _stop = invocation.Stop;
    private readonly Dictionary<string, OverlayNode> _nodes = [];

    /// <summary>Plays all of it. True when everything went as it should.</summary>
    internal async Task<bool> RunAsync()
    {
        await using var origin = new OriginServer(contentSize);
        try
        {
            foreach ((string name, string region, decimal price) in s_sellers) _nodes.Add(name, await SellAsync(origin, region, price));
            _nodes.Add("Mallory", await CheatAsync(_nodes["Berlin"]));
            OverlayNode consumer = await StartAsync(options => options with
            {
                Wish = new ExitWish { Region = "DE", MaxPricePerGiB = MaxPrice },
                // Nobody is far away here.
                Market = new MarketOptions { SearchTime = TimeSpan.FromSeconds(3) },
                Socks = new Socks5Options { EndPoint = new IPEndPoint(IPAddress.Loopback, 0) },
            });
            _nodes.Add("consumer", consumer);
            _output.Write(new MarketCast(_nodes, s_sellers, MaxPrice));

            bool broke = await BreaksOffAsync(origin, consumer);
            _output.Write(new MarketStep("Frankfurt died in the middle of the transfer", broke, broke ? "the web client saw its transfer break off and asks again" : "but the transfer went on"));
            bool whole = await FetchAsync(origin, consumer, "", contentSize);
            _output.Write(new MarketStep("The same again, with nothing changed", whole, "another provider in Germany served it, whole"));
            bool french = await FetchAsync(origin, consumer, "region-FR", contentSize);
            _output.Write(new MarketStep("The same, with the user name region-FR", french, "France served it"));
            bool refused = !await FetchAsync(origin, consumer, "region-US", contentSize);
            _output.Write(new MarketStep("The same, with the user name region-US", refused, "nobody there sells: refused"));

            MarketVerdict verdict = await JudgeAsync(consumer, broke && whole && french && refused);
            _output.WriteTable(MarketSession.Columns, verdict.Sessions);
            _output.Write(verdict);
            return verdict.Holds;
        }
        finally
        {
            foreach (OverlayNode node in _nodes.Values.Reverse()) await node.DisposeAsync();
        }
    }

    private Task<OverlayNode> SellAsync(OriginServer origin, string region, decimal price) => StartAsync(options => options with
    {
        // The web server stands on loopback, where an exit lets nobody by itself.
        Sharing = new SharingOptions
        {
            Region = region,
            PricePerGiB = price,
            AllowedPorts = [origin.EndPoint.Port],
            AllowPrivateTargets = true,
            AskConsent = DemoConsent.Ask
        },
    });

    private async Task<OverlayNode> StartAsync(Func<OverlayOptions, OverlayOptions> change)
    {
        var options = new OverlayOptions
        {
            Listen = ["/ip4/127.0.0.1/tcp/0"],
            Gossip = RunOptions.Gossip,
            Discovery = new DiscoveryOptions
            {
                Mdns = null,
                Kademlia = new KademliaOptions { AllowPrivateAddresses = true },
                // The first is everybody's way in.
                PersistentPeers = _nodes.Count == 0 ? [] : [_nodes.Values.First().Addresses[0].ToString()],
            },
        };
        // A stranger to the network need not hear that these providers let people into loopback: here that is the point.
        return await OverlayNode.StartAsync(change(options), new OverlayServices { LoggerFactory = invocation.IsVerbose ? invocation.Logging : null }, _stop);
    }

    /// <summary>Mallory has no exit. She says that she stands in Germany, and passes on to whoever asks the offer of somebody who does.</summary>
    private async Task<OverlayNode> CheatAsync(OverlayNode robbed)
    {
        OverlayNode mallory = await StartAsync(options => options);
        Multiaddr address = robbed.Addresses[0];
        mallory.Protocols.Handle(OfferProtocol, async (stream, cancellationToken) =>
        {
            await using (stream)
            {
                PeerConnection connection = await mallory.Peers.ConnectAsync(address, cancellationToken);
                await using PeerStream other = await connection.OpenStreamAsync(OfferProtocol, cancellationToken);
                await stream.AsStream().CopyToAsync(other.AsStream(), cancellationToken);
                await other.Output.CompleteAsync();
                await other.AsStream().CopyToAsync(stream.AsStream(), cancellationToken);
                await stream.Output.CompleteAsync();
            }
        });
        await mallory.Discovery.ProvideAsync(Region.Parse("DE"), _stop);
        return mallory;
    }

    /// <summary>Begins a download, and ends the provider that serves it. True when the transfer breaks off.</summary>
    private async Task<bool> BreaksOffAsync(OriginServer origin, OverlayNode consumer)
    {
        using HttpClient client = Client(consumer, "");
        try
        {
            using HttpResponseMessage response = await client.GetAsync(new Uri($"http://{origin.EndPoint}/"), HttpCompletionOption.ResponseHeadersRead, _stop);
            await using Stream content = await response.Content.ReadAsStreamAsync(_stop);
            byte[] buffer = new byte[64 * 1024];
            ulong received = 0;
            bool isDead = false;
            int read;
            while ((read = await content.ReadAsync(buffer, _stop)) > 0)
            {
                received += (ulong)read;
                if (isDead || received < DiesAfter) continue;
                isDead = true;
                // Without a word: its lines are cut first.
                foreach (PeerConnection line in _nodes["Frankfurt"].Peers.Connections) line.Abort("The provider dies.");
                await _nodes["Frankfurt"].DisposeAsync();
            }

            return received < contentSize;
        }
        catch (Exception e) when (e is HttpRequestException or IOException)
        {
            return true;
        }
    }

    private async Task<bool> FetchAsync(OriginServer origin, OverlayNode consumer, string userName, ulong size)
    {
        using HttpClient client = Client(consumer, userName);
        try
        {
            await using Stream content = await client.GetStreamAsync(new Uri($"http://{origin.EndPoint}/"), _stop);
            return (await SHA256.HashDataAsync(content, _stop)).AsSpan().SequenceEqual(DemoContent.Hash(size));
        }
        catch (Exception e) when (e is HttpRequestException or IOException)
        {
            return false;
        }
    }

    /// <summary>What any program with a SOCKS5 setting would use.</summary>
    private static HttpClient Client(OverlayNode consumer, string userName)
    {
        var proxy = new WebProxy($"socks5://{consumer.SocksEndPoint}");
        if (userName.Length > 0) proxy.Credentials = new NetworkCredential(userName, "x");
        return new HttpClient(new SocketsHttpHandler { Proxy = proxy, UseProxy = true }) { Timeout = Timeout.InfiniteTimeSpan };
    }

    private async Task<MarketVerdict> JudgeAsync(OverlayNode consumer, bool stepsWentWell)
    {
        var sessions = new List<MarketSession>();
        await foreach (SessionRecord session in consumer.Ledger.Store.ReadSessionsAsync(_stop))
        {
            string name = _nodes.First(node => KeyOf(node.Value.PeerId).AsSpan().SequenceEqual(session.Counterparty.Bytes)).Key;
            var paid = new ReceiptTotals();
            await foreach (ReceiptEntry receipt in consumer.Ledger.Store.ReadReceiptsAsync(session.SessionId, _stop)) paid.Add(receipt);
            sessions.Add(new MarketSession(name, s_sellers.FirstOrDefault(seller => seller.Name == name).Region ?? "", session, paid.Of(LedgerRole.Consumer)));
        }

        return new MarketVerdict(sessions, stepsWentWell);
    }

    private static byte[] KeyOf(PeerId peer) => peer.TryGetPublicKey(out PeerPublicKey? key) ? key.Data.ToArray() : [];
}
