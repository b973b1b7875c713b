using System.CommandLine;
using Overlay.Discovery;
using Overlay.Discovery.Kademlia;
using Overlay.Node.Configuration;
using Overlay.Transport.Identity;

namespace Overlay.Node.Commands;

/// <summary><c>overlay dht</c>: asks the DHT, under the name in the data folder or one made for the occasion.</summary>
internal static class DhtCommand
{
    internal static Command Create(CommandTree tree)
    {
        var command = new Command("dht", "Find peers, providers and values in the DHT, and store them there.")
        {
            DhtFindCommands.CreateFindPeer(tree),
            DhtProvideCommand.Create(tree),
            DhtFindCommands.CreateFindProviders(tree),
            DhtValueCommands.CreateGet(tree),
            DhtValueCommands.CreatePut(tree),
        };
        return tree.Complete(command, $"overlay dht find-providers DE --bootstrap {PeerProbe.ExampleAddress}", "overlay dht put greeting hello --data /var/lib/overlay");
    }

    internal static SettingOptions Options(Command command) => new(command, Settings.Data, Settings.Bootstrap, Settings.KadProtocol, Settings.PrivateNetwork);

    /// <summary>Starts a node that takes part in the DHT and in nothing else.</summary>
    /// <param name="invocation">The command.</param>
    /// <param name="settings">What it was told.</param>
    /// <param name="listen">Where it can be dialled; nowhere makes it a client.</param>
    /// <exception cref="UsageException">No way in is named.</exception>
    internal static Task<OverlayNode> StartAsync(Invocation invocation, SettingValues settings, IReadOnlyList<Multiaddr>? listen = null)
    {
        string[] bootstrap = [.. settings.Get(Settings.Bootstrap).Select(address => address.ToString())];
        if (bootstrap.Length == 0) throw new UsageException($"name at least one peer of the network with {Settings.Bootstrap.Flag}.");
        var options = new OverlayOptions
        {
            DataDirectory = settings.FindObject(Settings.Data) is { } folder ? Path.GetFullPath(folder) : null,
            Listen = [.. (listen ?? []).Select(address => address.ToString())],
            Discovery = new DiscoveryOptions { Mdns = null, Bootstrap = bootstrap, Kademlia = Kademlia(settings) },
        };
        return OverlayNode.StartAsync(options, new OverlayServices { LoggerFactory = invocation.Logging }, invocation.Stop);
    }

    /// <summary>The DHT that the settings name.</summary>
    internal static KademliaOptions Kademlia(SettingValues settings) => new()
    {
        Protocol = settings.FindObject(Settings.KadProtocol) ?? KademliaOptions.OverlayProtocol,
        AllowPrivateAddresses = settings.IsOn(Settings.PrivateNetwork),
    };

    /// <summary>A key of provider records: a region's two letters, or a sha2-256 multihash in hexadecimal.</summary>
    /// <exception cref="UsageException">It is neither.</exception>
    internal static ReadOnlyMemory<byte> ReadKey(string text)
    {
        if (Region.TryParse(text, out Region region)) return OverlayDiscovery.KeyOf(region);
        if (text.Length == 68 && text.StartsWith("1220", StringComparison.Ordinal) && text.All(char.IsAsciiHexDigit)) return Convert.FromHexString(text);
        throw new UsageException($"KEY cannot be '{text}': it takes a region such as DE, or a sha2-256 multihash in hexadecimal (1220 and 64 digits).");
    }
}
