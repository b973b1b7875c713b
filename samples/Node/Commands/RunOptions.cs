using System.Net;
using System.Net.Sockets;
using Overlay.Discovery;
using Overlay.Discovery.Mdns;
using Overlay.Gossip;
using Overlay.Node.Configuration;
using Overlay.Sharing;
using Overlay.Transport;
using Overlay.Using;

namespace Overlay.Node.Commands;

/// <summary>From the settings of <c>overlay run</c> to the options of a node.</summary>
internal static class RunOptions
{
    private const string DefaultListen = "/ip4/0.0.0.0/tcp/4001";

    /// <summary>Every address of this host, at free ports.</summary>
    internal static IReadOnlyList<string> ListenAnywhere { get; } =
        Socket.OSSupportsIPv6 ? ["/ip4/0.0.0.0/tcp/0", "/ip6/::/tcp/0"] : ["/ip4/0.0.0.0/tcp/0"];

    /// <summary>Demand, and nothing else that anybody likes to tell.</summary>
    internal static GossipOptions Gossip { get; } = new() { AllowedTopics = ["/overlay/demand/1/*"] };

    // What an exit allows beside --allow-port.
    private static readonly PortRange[] s_webPorts = [80, 443];

    /// <exception cref="UsageException">The settings do not fit together.</exception>
    internal static OverlayOptions From(SettingValues settings)
    {
        bool shares = settings.IsOn(Settings.Share);
        IPEndPoint? socks = settings.FindObject(Settings.Socks), httpProxy = settings.FindObject(Settings.HttpProxy);
        IReadOnlyList<string> listen = [.. settings.Get(Settings.Listen).Select(address => address.ToString())];
        DiscoveryOptions discovery = Discovery(settings);
        if (listen.Count == 0 && shares) listen = [DefaultListen];
        string[] providers = [.. settings.Get(Settings.Provider).Select(address => address.ToString())];

        if (!shares) RefuseWithoutShare(settings);
        Region? want = settings.Find(Settings.Want);
        if ((socks ?? httpProxy) is not null && providers.Length == 0 && want is null)
            throw new UsageException($"{(socks is not null ? Settings.Socks : Settings.HttpProxy).Flag} needs a way out: say --want and a region, or name at least one --provider.");
        // Providers answer where they can dial.
        if (want is not null && listen.Count == 0) listen = ListenAnywhere;
        if (listen.Count == 0 && socks is null && httpProxy is null)
        {
            // A node for its own sake: found by others, and finding them.
            if (discovery.Mdns is null && discovery.Bootstrap.Count + discovery.PersistentPeers.Count == 0)
                throw new UsageException("there is nothing to run: give --share, --socks, --http-proxy, --listen, --bootstrap or --peer, or leave out --no-mdns.");
            listen = ListenAnywhere;
        }

        return new OverlayOptions
        {
            DataDirectory = DataFolder.Of(settings),
            Listen = listen,
            Discovery = discovery,
            Providers = providers,
            Sharing = shares ? Sharing(settings) : null,
            Socks = socks is null ? null : new Socks5Options { EndPoint = socks },
            HttpProxy = httpProxy is null ? null : new HttpProxyOptions { EndPoint = httpProxy },
            Wish = new ExitWish { Region = want ?? Region.Anywhere, MaxPricePerGiB = settings.Find(Settings.MaxPrice), Amount = settings.Find(Settings.Amount) },
            Gossip = shares || want is not null ? Gossip : null,
            Transport = new TransportOptions { ServePerf = settings.IsOn(Settings.ServePerf) },
        };
    }

    /// <summary>How the node finds others.</summary>
    internal static DiscoveryOptions Discovery(SettingValues settings) => new()
    {
        Mdns = settings.IsOn(Settings.NoMdns) ? null : new MdnsOptions(),
        Kademlia = DhtCommand.Kademlia(settings),
        Bootstrap = [.. settings.Get(Settings.Bootstrap).Select(address => address.ToString())],
        PersistentPeers = [.. settings.Get(Settings.Peer).Select(address => address.ToString())],
    };

    /// <summary>What a person should think twice about; of private targets the node itself warns.</summary>
    internal static IEnumerable<string> Warnings(OverlayOptions options)
    {
        if (options.Sharing is not null && options.Sharing.PricePerGiB == 0)
            yield return "this exit gives its service away: no --price is set";
        foreach ((Setting setting, IPEndPoint? place) in new[] { (Settings.Socks, options.Socks?.EndPoint), (Settings.HttpProxy, options.HttpProxy?.EndPoint) })
        {
            if (place is not null && !IPAddress.IsLoopback(place.Address))
                yield return $"{setting.Flag} {place} is not on loopback: whoever can reach it uses this node's credit";
        }
    }

    internal static SharingOptions Sharing(SettingValues settings) => new()
    {
        Region = settings.Find(Settings.Region) ?? Region.Anywhere,
        PricePerGiB = settings.Find(Settings.Price) ?? 0,
        MaxPricePerGiB = settings.Find(Settings.PriceCeiling),
        AllowedPorts = [.. s_webPorts.Union(settings.Get(Settings.AllowPort))],
        AllowPrivateTargets = settings.IsOn(Settings.AllowPrivateTargets),
        BlockLists = settings.Get(Settings.BlockList),
        AllowLists = settings.Get(Settings.AllowList),
        TargetLog = settings.Find(Settings.TargetLog) ?? TargetLogging.Refusals,
    };

    /// <summary>A flag that does nothing would leave somebody believing in a price. A file may hold them for the times when it does share.</summary>
    private static void RefuseWithoutShare(SettingValues settings)
    {
        foreach (Setting setting in new Setting[] { Settings.Region, Settings.Price, Settings.PriceCeiling, Settings.AllowPort, Settings.AllowPrivateTargets,
            Settings.BlockList, Settings.AllowList, Settings.TargetLog })
            if (settings.IsFromCommandLine(setting)) throw new UsageException($"{setting.Flag} does nothing without {Settings.Share.Flag}.");
    }
}
