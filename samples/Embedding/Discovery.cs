using Overlay;
using Overlay.Discovery;
using Overlay.Discovery.Kademlia;
using Overlay.Transport.Identify;

namespace Embedding;

/// <summary>Exits and peers as they are found, each as a stream.</summary>
internal static class Discovery
{
    /// <summary>Three nodes on loopback, since nobody else may be there: one that the others come in by, an exit, and one that looks for it. Until
    /// cancelled.</summary>
    internal static async Task RunAsync(CancellationToken cancellationToken)
    {
        await using OverlayNode first = await StartAsync([], cancellationToken);
        string[] bootstrap = [first.Addresses[0].ToString()];
        await using OverlayNode announced = await StartAsync(bootstrap, cancellationToken);
        await announced.Discovery.ProvideAsync("DE", cancellationToken); // a node that shares does so by itself
        await using OverlayNode overlay = await StartAsync(bootstrap, cancellationToken);

        #region discovery
        await foreach (PeerInfo exit in overlay.Discovery.FindProvidersAsync("DE", cancellationToken))
            Console.WriteLine($"exit {exit.PeerId} at {string.Join(", ", exit.ListenAddresses)}");

        await foreach (PeerChange change in overlay.Discovery.WatchPeersAsync(cancellationToken))
            Console.WriteLine($"{change.Kind} {change.Peer.PeerId}, known from {change.Peer.Source}");
        #endregion
    }

    private static Task<OverlayNode> StartAsync(string[] bootstrap, CancellationToken cancellationToken) => OverlayNode.StartAsync(
        new OverlayOptions
        {
            Listen = ["/ip4/127.0.0.1/tcp/0"],
            // On the Internet Bootstrap is enough: loopback is what the DHT takes nowhere else.
            Discovery = new DiscoveryOptions { Bootstrap = bootstrap, Kademlia = new KademliaOptions { AllowPrivateAddresses = true } },
        },
        cancellationToken: cancellationToken);
}
