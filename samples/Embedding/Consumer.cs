using System.Text;
using Overlay;
using Overlay.Discovery;
using Overlay.Transport.Identity;

namespace Embedding;

/// <summary>Reaches the web through providers.</summary>
internal static class Consumer
{
    /// <summary>One request of an <see cref="HttpClient"/>, through whichever provider in a region is best.</summary>
    internal static async Task GetAsync(string wayIn)
    {
        #region consumer
        await using var overlay = await OverlayNode.StartAsync(new OverlayOptions
        {
            DataDirectory = "consumer-data",
            Discovery = new DiscoveryOptions { Bootstrap = [wayIn] }, // such as "/ip4/203.0.113.7/tcp/4001/p2p/12D3KooW…"
        });

        using var http = new HttpClient(overlay.CreateHttpHandler(new ExitWish { Region = "DE", MaxPricePerGiB = 0.10m }));
        Console.WriteLine(await http.GetStringAsync("https://example.org/"));
        #endregion
    }

    /// <summary>A stream of raw bytes to a host and port, through the one provider that is named.</summary>
    internal static async Task ConnectAsync(string provider, CancellationToken cancellationToken)
    {
        PeerId peerId = Multiaddr.Parse(provider).PeerId ?? throw new ArgumentException("The address does not name a peer.", nameof(provider));
        await using var overlay = await OverlayNode.StartAsync(new OverlayOptions { Providers = [provider] }, cancellationToken: cancellationToken);

        await using Stream raw = await overlay.ConnectAsync("example.org", 80, new ExitWish { Provider = peerId }, cancellationToken);

        await raw.WriteAsync("HEAD / HTTP/1.1\r\nHost: example.org\r\nConnection: close\r\n\r\n"u8.ToArray(), cancellationToken);
        using var answer = new StreamReader(raw, Encoding.ASCII);
        Console.WriteLine(await answer.ReadToEndAsync(cancellationToken));
    }
}
