using System.Globalization;
using System.Net;
using Overlay.Sharing;
using Overlay.Transport.Identity;

namespace Overlay.Node.Configuration;

/// <summary>All settings of a node. A configuration file may hold any of them, whichever command reads it.</summary>
internal static class Settings
{
    internal static readonly ValueSetting<string> Data = new(
        "--data", "DIR", "Folder of the node's key and ledger; by default 'overlay' where this user's application data lies (~/.local/share).", "the path of a folder", ReadPath);

    internal static readonly ListSetting<Multiaddr> Listen = new(
        "--listen", "ADDR", "Address to take peers at; port 0 takes a free one. With --share and none given: /ip4/0.0.0.0/tcp/4001; with no proxy either: a free one.",
        "a multiaddr such as /ip4/0.0.0.0/tcp/4001", ReadAddress);

    internal static readonly ListSetting<Multiaddr> Bootstrap = new(
        "--bootstrap", "ADDR", "Way into the network, tried when too few peers are known; several may be given.",
        "a peer's address such as /ip4/203.0.113.7/tcp/4001/p2p/12D3Koo… or /dnsaddr/bootstrap.example.org", ReadBootstrap);

    internal static readonly ListSetting<Multiaddr> Peer = new(
        "--peer", "PEER-ADDR", "Peer to be connected with always; several may be given.",
        "a peer's address such as /ip4/203.0.113.7/tcp/4001/p2p/12D3Koo…", ReadPeerAddress);

    internal static readonly SwitchSetting NoMdns = new("--no-mdns", "Neither look for peers on the local network nor be found there.");

    internal static readonly SwitchSetting Share = new("--share", "Give service to others as an exit.");

    internal static readonly ValueSetting<Region> Region = new(
        "--region", "CODE", "Where the exit stands, as its offers say; ZZ leaves it open.", "an ISO 3166-1 code of two letters such as DE, or ZZ for anywhere", ReadRegion);

    internal static readonly ValueSetting<decimal> Price = new(
        "--price", "CREDITS", "What a GiB through this exit costs; 0 gives it away.", PriceRange, ReadPrice);

    internal static readonly ListSetting<PortRange> AllowPort = new(
        "--allow-port", "N|N-M",
        "Port of targets that consumers may reach, beside 80 and 443, or a range. Ports of mail, remote shells, file sharing and databases open only one by one.",
        "a port from 1 to 65535, or a range such as 1000-2000", PortRange.TryParse);

    internal static readonly SwitchSetting AllowPrivateTargets = new(
        "--allow-private-targets", "Let consumers reach loopback, private and this host's own addresses. For tests only: it opens your network to strangers.");

    internal static readonly ListSetting<string> BlockList = new(
        "--block-list", "FILE",
        "File of names and networks that are refused: a hosts file, or a name, address or network a line; several may be given. Read anew when it changes.",
        "the path of a file", ReadPath);

    internal static readonly ListSetting<string> AllowList = new(
        "--allow-list", "FILE", "File of the same form: with any, nothing else is reached.", "the path of a file", ReadPath);

    internal static readonly ValueSetting<TargetLogging> TargetLog = new(
        "--target-log", "WHAT", "Which targets go into targets.log in the data folder: none, refusals (unless said), or all, that is also who reached what.",
        "none, refusals or all",
        ReadTargetLog);

    internal static readonly ListSetting<Multiaddr> Provider = new(
        "--provider", "PEER-ADDR", "Provider to use; several are tried in turn.",
        "a provider's address such as /ip4/203.0.113.7/tcp/4001/p2p/12D3Koo…", ReadPeerAddress);

    internal static readonly ValueSetting<Region> Want = new(
        "--want", "CODE", "Search the network for an exit in this region; ZZ for anywhere.", "an ISO 3166-1 code of two letters such as DE, or ZZ for anywhere", ReadRegion);

    internal static readonly ValueSetting<ByteSize> Amount = new(
        "--amount", "SIZE", "With --want: about how much will be bought, for providers to hear.", "a size such as 50GiB", ByteSize.TryParse);

    internal static readonly ValueSetting<decimal> PriceCeiling = new(
        "--price-ceiling", "CREDITS", "Let the price follow demand, from --price up to this.", PriceRange, ReadPrice);

    internal static readonly ValueSetting<decimal> MaxPrice = new(
        "--max-price", "CREDITS", "Highest price of a GiB to accept from a provider.", PriceRange, ReadPrice);

    internal static readonly ValueSetting<IPEndPoint> Socks = new(
        "--socks", "HOST:PORT", "Take SOCKS5 clients here.", EndPointForm, ReadEndPoint);

    internal static readonly ValueSetting<IPEndPoint> HttpProxy = new(
        "--http-proxy", "HOST:PORT", "Take HTTP proxy clients here.", EndPointForm, ReadEndPoint);

    internal static readonly SwitchSetting ServePerf = new("--serve-perf", "Let any peer measure throughput with this node.");

    internal static readonly ValueSetting<string> KadProtocol = new(
        "--kad-protocol", "ID", "Protocol id of the DHT; /overlay/kad/1.0.0 unless said, /ipfs/kad/1.0.0 is the public IPFS network.",
        "a protocol id such as /ipfs/kad/1.0.0", ReadProtocol);

    internal static readonly SwitchSetting PrivateNetwork = new(
        "--private-network", "Let the DHT use loopback and private addresses, and many peers of one network. For tests and isolated networks only.");

    private const string PriceRange = "credits a GiB, from 0 to 1000000, such as 0.05";
    private const string EndPointForm = "an IP address or localhost, and a port from 0 to 65535, such as 127.0.0.1:1080 or [::1]:1080";
    private const decimal MaxPriceInCredits = 1_000_000m;

    /// <summary>Every one, in the order in which help and errors name them.</summary>
    internal static IReadOnlyList<Setting> All { get; } =
        [Data, Listen, Bootstrap, Peer, NoMdns, KadProtocol, PrivateNetwork, Share, Region, Price, PriceCeiling, AllowPort, AllowPrivateTargets, BlockList,
            AllowList, TargetLog, Provider, Want, Amount, MaxPrice, Socks, HttpProxy, ServePerf];

    private static bool ReadTargetLog(string text, out TargetLogging value)
    {
        value = text switch { "none" => TargetLogging.None, "all" => TargetLogging.All, _ => TargetLogging.Refusals };
        return text is "none" or "refusals" or "all";
    }

    private static bool ReadPath(string text, out string value)
    {
        value = text;
        return !string.IsNullOrWhiteSpace(text) && !text.Contains('\0', StringComparison.Ordinal);
    }

    private static bool ReadAddress(string text, out Multiaddr value)
    {
        bool read = Multiaddr.TryParse(text, out Multiaddr? address);
        value = address!;
        return read;
    }

    private static bool ReadPeerAddress(string text, out Multiaddr value) => ReadAddress(text, out value) && value.PeerId is not null;

    private static bool ReadBootstrap(string text, out Multiaddr value) =>
        ReadAddress(text, out value) && (value.PeerId is not null || value.HostNameKind == MultiaddrProtocol.DnsAddr);

    private static bool ReadProtocol(string text, out string value)
    {
        value = text;
        return text.Length is > 1 and <= 256 && text[0] == '/' && !text.Contains('\n', StringComparison.Ordinal);
    }

    private static bool ReadRegion(string text, out Region value) => Overlay.Region.TryParse(text, out value);

    private static bool ReadPrice(string text, out decimal value) =>
        decimal.TryParse(text, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out value) && value <= MaxPriceInCredits;

    private static bool ReadEndPoint(string text, out IPEndPoint value)
    {
        value = null!;
        int colon = text.LastIndexOf(':');
        if (colon <= 0
            || !int.TryParse(text.AsSpan(colon + 1), NumberStyles.None, CultureInfo.InvariantCulture, out int port) || port > IPEndPoint.MaxPort) return false;

        string host = text[..colon];
        IPAddress? address;
        if (host.Equals("localhost", StringComparison.OrdinalIgnoreCase)) address = IPAddress.Loopback;
        else if (host is ['[', .., ']']) { if (!IPAddress.TryParse(host[1..^1], out address)) return false; }
        else if (host.Contains(':', StringComparison.Ordinal) || !IPAddress.TryParse(host, out address)) return false;
        value = new IPEndPoint(address, port);
        return true;
    }
}
