using System.Net;
using System.Net.NetworkInformation;
using System.Net.Sockets;
using System.Threading.Channels;
using Microsoft.Extensions.Logging;
using Overlay.Diagnostics;

namespace Overlay.Discovery.Mdns;

/// <summary>Multicast DNS over the operating system's sockets: one for IPv4 and one for IPv6, each joined to the group on every link.</summary>
/// <remarks>The port is shared with other programs of this host that speak multicast DNS. Safe on several threads.</remarks>
internal sealed class SystemMulticast : IMulticast
{
    // Packets that wait to be looked at; more are lost.
    private const int MaxWaitingCount = 64;

    private const int MaxLinkCount = 64;

    private readonly ILogger _logger;
    private readonly MdnsSocket[] _sockets;
    private readonly Channel<MdnsPacket> _packets = Channel.CreateBounded<MdnsPacket>(
        new BoundedChannelOptions(MaxWaitingCount) { FullMode = BoundedChannelFullMode.DropWrite, SingleReader = true });

    private SystemMulticast(MdnsSocket[] sockets, ILogger logger)
    {
        _sockets = sockets;
        _logger = logger;
    }

    /// <summary>Opens the sockets; null when none can be opened.</summary>
    /// <param name="maxPacketSize">Longer packets are cut off, and so refused later.</param>
    /// <param name="logger">Told what could not be opened.</param>
    internal static SystemMulticast? TryOpen(int maxPacketSize, ILogger logger)
    {
        var sockets = new List<MdnsSocket>();
        foreach (AddressFamily family in (ReadOnlySpan<AddressFamily>)[AddressFamily.InterNetwork, AddressFamily.InterNetworkV6])
        {
            if (family == AddressFamily.InterNetwork ? !Socket.OSSupportsIPv4 : !Socket.OSSupportsIPv6) continue;
            try
            {
                sockets.Add(new MdnsSocket(family, maxPacketSize));
            }
            catch (SocketException e)
            {
                DiscoveryLog.MulticastUnavailable(logger, family, e.Message);
            }
        }

        if (sockets.Count == 0) return null;
        var multicast = new SystemMulticast([.. sockets], logger);
        foreach (MdnsSocket socket in sockets) socket.Start(multicast._packets.Writer);
        return multicast;
    }

    public IReadOnlyList<MdnsLink> FindLinks()
    {
        var links = new List<MdnsLink>();
        foreach ((MdnsLink link, int? ipv4Index, int? ipv6Index) in HostLinks().Take(MaxLinkCount))
        {
            bool joined = false;
            foreach (MdnsSocket socket in _sockets)
            {
                if ((socket.Family == AddressFamily.InterNetwork ? ipv4Index : ipv6Index) is not { } index) continue;
                if (socket.TryJoin(index, out string? error)) joined = true;
                else DiscoveryLog.JoinFailed(_logger, link.Name, socket.Family, error);
            }

            if (joined) links.Add(link);
        }

        return links;
    }

    public void Send(MdnsSend send)
    {
        foreach (MdnsSocket socket in _sockets)
            if (send.To is null || send.To.AddressFamily == socket.Family) socket.Send(send);
    }

    public ValueTask<MdnsPacket> ReceiveAsync(CancellationToken cancellationToken) => _packets.Reader.ReadAsync(cancellationToken);

    public async ValueTask DisposeAsync()
    {
        foreach (MdnsSocket socket in _sockets) await socket.DisposeAsync().ConfigureAwait(false);
        _packets.Writer.TryComplete();
    }

    private static IEnumerable<(MdnsLink Link, int? Ipv4Index, int? Ipv6Index)> HostLinks()
    {
        NetworkInterface[] interfaces;
        try
        {
            interfaces = NetworkInterface.GetAllNetworkInterfaces();
        }
        catch (NetworkInformationException)
        {
            yield break;
        }

        foreach (NetworkInterface one in interfaces)
        {
            if (one.NetworkInterfaceType == NetworkInterfaceType.Loopback || !one.SupportsMulticast) continue;
            if (one.OperationalStatus is not (OperationalStatus.Up or OperationalStatus.Unknown)) continue;
            IPInterfaceProperties properties = one.GetIPProperties();
            LinkAddress[] networks = [.. properties.UnicastAddresses.Select(a => new LinkAddress(WithoutZone(a.Address), a.PrefixLength))];
            int? ipv4Index = networks.Any(n => n.Address.AddressFamily == AddressFamily.InterNetwork) ? IndexOf(() => properties.GetIPv4Properties()?.Index)
                : null;
            int? ipv6Index = networks.Any(n => n.Address.AddressFamily == AddressFamily.InterNetworkV6) ? IndexOf(() => properties.GetIPv6Properties()?.Index)
                : null;
            if ((ipv4Index ?? ipv6Index) is { } index) yield return (new MdnsLink(index, one.Name, networks), ipv4Index, ipv6Index);
        }
    }

    // An interface without the family says so by an exception.
    private static int? IndexOf(Func<int?> index)
    {
        try
        {
            return index();
        }
        catch (NetworkInformationException)
        {
            return null;
        }
    }

    private static IPAddress WithoutZone(IPAddress address) => new(address.GetAddressBytes());
}
