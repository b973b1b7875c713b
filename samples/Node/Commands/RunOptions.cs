using System.Net;
using System.Net.Sockets;
using Overlay.Discovery;
using Overlay.Discovery.Mdns;
using Overlay.Gossip;
using Overlay.Market;
using Overlay.Market.Witnessing;
using Overlay.Node.Configuration;
using Overlay.Node.Dashboard;
using Overlay.Sharing;
using Overlay.Sharing.Limits;
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

        Region? want = settings.Find(Settings.Want);
        if (!shares) RefuseWithoutShare(settings, want is not null);
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
            Market = Market(settings) with { Witness = Witness(settings) },
            Transport = new TransportOptions { ServePerf = settings.IsOn(Settings.ServePerf) },
        };
    }

    /// <summary>What they say of a node, for a look at it: nothing need be asked for, and it listens where one that shares would.</summary>
    /// <exception cref="UsageException">The settings do not fit together.</exception>
    internal static OverlayOptions ForDoctor(SettingValues settings)
    {
        bool shares = settings.IsOn(Settings.Share);
        if (!shares) RefuseWithoutShare(settings, wants: true);
        string[] listen = [.. settings.Get(Settings.Listen).Select(address => address.ToString())];
        return new OverlayOptions { Listen = listen.Length > 0 ? listen : [DefaultListen], Discovery = Discovery(settings), Sharing = shares ? Sharing(settings) : null };
    }

    /// <summary>The owner's page, or null where none is wanted.</summary>
    /// <exception cref="UsageException">It would be open to others, and nobody said so.</exception>
    internal static DashboardOptions? Dashboard(SettingValues settings)
    {
        if (settings.FindObject(Settings.Dashboard) is not { } place) return null;
        if (!IPAddress.IsLoopback(place.Address) && !settings.IsOn(Settings.DashboardPublic))
            throw new UsageException($"{Settings.Dashboard.Flag} {place} is not on loopback: add {Settings.DashboardPublic.Flag} if others may reach it.");
        // The page answers to the very address that it is asked at, which 'all of them' is none of.
        if (place.Address.Equals(IPAddress.Any) || place.Address.Equals(IPAddress.IPv6Any))
            throw new UsageException($"{Settings.Dashboard.Flag} cannot be '{place}': it takes one address of this host, such as 127.0.0.1 or 192.168.1.20.");
        return new DashboardOptions { EndPoint = place };
    }

    /// <summary>By what offers are held against the region that they name.</summary>
    internal static MarketOptions Market(SettingValues settings) => new()
    {
        GeoIpFile = settings.FindObject(Settings.GeoIp),
        OwnRegion = settings.Find(Settings.Region) ?? Region.Anywhere,
    };

    /// <summary>How the node finds others.</summary>
    internal static DiscoveryOptions Discovery(SettingValues settings) => new()
    {
        Mdns = settings.IsOn(Settings.NoMdns) ? null : new MdnsOptions(),
        Kademlia = DhtCommand.Kademlia(settings),
        Bootstrap = [.. settings.Get(Settings.Bootstrap).Select(address => address.ToString())],
        PersistentPeers = [.. settings.Get(Settings.Peer).Select(address => address.ToString())],
    };

    /// <summary>Keeps the caps that the settings name in the data folder, where the node, and later ones, find them beside those that are there.</summary>
    internal static void KeepLimits(SettingValues settings)
    {
        BitRate? up = settings.Find(Settings.MaxUpload), down = settings.Find(Settings.MaxDownload);
        ByteSize? monthly = settings.Find(Settings.MonthlyQuota);
        if (!settings.IsOn(Settings.Share) || (up is null && down is null && monthly is null)) return;
        string folder = DataFolder.Of(settings);
        OwnerLimits kept = OverlaySharing.ReadLimits(folder) ?? new OwnerLimits();
        OverlaySharing.WriteLimits(
            folder, kept with { MaxUpload = up ?? kept.MaxUpload, MaxDownload = down ?? kept.MaxDownload, MonthlyQuota = monthly ?? kept.MonthlyQuota });
    }

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

    private static WitnessOptions? Witness(SettingValues settings)
    {
        IPEndPoint? place = settings.FindObject(Settings.WitnessListen);
        if (settings.FindObject(Settings.WitnessTarget) is { } target) return new WitnessOptions { Target = target, ListenOn = place };
        return place is null ? null : throw new UsageException($"{Settings.WitnessListen.Flag} does nothing without {Settings.WitnessTarget.Flag}.");
    }

    /// <summary>A flag that does nothing would leave somebody believing in a price. A file may hold them for the times when it does share.</summary>
    private static void RefuseWithoutShare(SettingValues settings, bool wants)
    {
        if (!wants && settings.IsFromCommandLine(Settings.Region))
            throw new UsageException($"{Settings.Region.Flag} does nothing without {Settings.Share.Flag} or {Settings.Want.Flag}.");
        Setting[] ofSharing =
        [
            Settings.Price, Settings.PriceCeiling, Settings.AllowPort, Settings.AllowPrivateTargets, Settings.BlockList, Settings.AllowList, Settings.TargetLog,
            Settings.MaxUpload, Settings.MaxDownload, Settings.MonthlyQuota,
        ];
        foreach (Setting setting in ofSharing)
            if (settings.IsFromCommandLine(setting)) throw new UsageException($"{setting.Flag} does nothing without {Settings.Share.Flag}.");
    }
}
