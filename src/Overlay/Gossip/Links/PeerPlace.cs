using System.Net;
using System.Net.Sockets;
using Overlay.Transport.Identity;

namespace Overlay.Gossip.Links;

/// <summary>What P6 counts a peer under: who can have many keys rarely has many addresses.</summary>
internal static class PeerPlace
{
    /// <summary>The IPv4 address, or the /64 of the IPv6 address, which one customer has for himself. Null for no address, loopback and private networks.</summary>
    internal static string? Of(Multiaddr address)
    {
        MultiaddrComponent first = address.Components[0];
        if (first.Protocol is not (MultiaddrProtocol.Ip4 or MultiaddrProtocol.Ip6) || !IPAddress.TryParse(first.Value, out IPAddress? ip)) return null;
        if (ip.IsIPv4MappedToIPv6) ip = ip.MapToIPv4();
        if (IPAddress.IsLoopback(ip)) return null;
        byte[] bytes = ip.GetAddressBytes();
        if (ip.AddressFamily == AddressFamily.InterNetworkV6)
            return ip.IsIPv6LinkLocal || ip.IsIPv6UniqueLocal ? null : Convert.ToHexStringLower(bytes.AsSpan(0, 8));
        bool isPrivate = bytes[0] == 10 || (bytes[0] == 172 && bytes[1] is >= 16 and < 32) || (bytes[0] == 192 && bytes[1] == 168) || (bytes[0] == 169 && bytes[1] == 254);
        return isPrivate ? null : ip.ToString();
    }
}
