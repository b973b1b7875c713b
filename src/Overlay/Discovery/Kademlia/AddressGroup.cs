using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using Overlay.Transport.Identity;

namespace Overlay.Discovery.Kademlia;

/// <summary>The network of one owner, as far as an address tells: an IPv4 /24 or an IPv6 /56. An IPv4 address mapped into IPv6 is the IPv4 address.</summary>
internal readonly record struct AddressGroup(bool IsV6, ulong Prefix)
{
    // What nobody reaches from elsewhere (RFC 6890 and the registries that grew from it): no way to a peer of a public network.
    private static readonly IPNetwork[] s_notPublic =
    [
        .. "0.0.0.0/8 10.0.0.0/8 100.64.0.0/10 127.0.0.0/8 169.254.0.0/16 172.16.0.0/12 192.0.0.0/24 192.0.2.0/24 192.168.0.0/16 198.18.0.0/15 198.51.100.0/24 203.0.113.0/24 224.0.0.0/3"
            .Split(' ').Select(network => IPNetwork.Parse(network)),
    ];

    private static readonly IPNetwork s_globalV6 = IPNetwork.Parse("2000::/3"), s_documentationV6 = IPNetwork.Parse("2001:db8::/32");

    /// <summary>The network of an address; null for one that does not begin with an IP address.</summary>
    internal static AddressGroup? Of(Multiaddr address) => TryGetIP(address, out IPAddress? ip) ? Of(ip) : null;

    internal static AddressGroup Of(IPAddress ip)
    {
        Span<byte> bytes = stackalloc byte[16];
        if (ip.IsIPv4MappedToIPv6) ip = ip.MapToIPv4();
        ip.TryWriteBytes(bytes, out _);
        return ip.AddressFamily == AddressFamily.InterNetwork
            ? new AddressGroup(false, BinaryPrimitives.ReadUInt32BigEndian(bytes) & 0xFFFF_FF00)
            : new AddressGroup(true, BinaryPrimitives.ReadUInt64BigEndian(bytes) & 0xFFFF_FFFF_FFFF_FF00);
    }

    /// <summary>Whether peers anywhere can dial the address.</summary>
    internal static bool IsPublic(IPAddress ip)
    {
        if (ip.IsIPv4MappedToIPv6) ip = ip.MapToIPv4();
        if (ip.AddressFamily == AddressFamily.InterNetworkV6) return s_globalV6.Contains(ip) && !s_documentationV6.Contains(ip);
        foreach (IPNetwork network in s_notPublic)
            if (network.Contains(ip)) return false;
        return true;
    }

    internal static bool TryGetIP(Multiaddr address, [System.Diagnostics.CodeAnalysis.NotNullWhen(true)] out IPAddress? ip)
    {
        MultiaddrComponent first = address.Components[0];
        ip = first.Protocol is MultiaddrProtocol.Ip4 or MultiaddrProtocol.Ip6 ? new IPAddress(first.RawValue.Span) : null;
        return ip is not null;
    }
}
