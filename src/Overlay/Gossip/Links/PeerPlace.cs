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
        if (address.HostAddress is not { } ip) return null;
        if (SpecialAddresses.Classify(ip) is AddressKind.Loopback or AddressKind.Private or AddressKind.LinkLocal or AddressKind.UniqueLocal) return null;
        return ip.AddressFamily == AddressFamily.InterNetworkV6 ? Convert.ToHexStringLower(ip.GetAddressBytes().AsSpan(0, 8)) : ip.ToString();
    }
}
