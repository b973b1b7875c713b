using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using Overlay.Transport.Identity;

namespace Overlay.Discovery.Kademlia;

/// <summary>The network of one owner, as far as an address tells: an IPv4 /24 or an IPv6 /56. An IPv4 address mapped into IPv6 is the IPv4 address.</summary>
internal readonly record struct AddressGroup(bool IsV6, ulong Prefix)
{
    /// <summary>The network of an address.</summary>
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
    internal static bool IsPublic(IPAddress ip) => SpecialAddresses.Classify(ip) == AddressKind.Global;
}
