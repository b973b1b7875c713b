using System.Net;
using System.Net.Sockets;
using Overlay.Transport.Identity;

namespace Overlay.Discovery.Addresses;

/// <summary>Decides which addresses may be dialled, by who told of them, and which may be told to whom. Pure and without state.</summary>
/// <remarks>
/// What is heard at one distance leads no nearer: an address told by a peer of the Internet is dialled only if it is public, one told on the LAN not if it is
/// loopback. So nobody outside can aim this node's dials at the owner's printer. What the owner wrote down is dialled wherever it leads.
/// </remarks>
internal static class AddressScopes
{
    /// <summary>The scope of an IP address; null for one that no peer can be dialled at (unspecified, multicast, documentation, translated, reserved,
    /// metadata).</summary>
    internal static AddressScope? Of(IPAddress address) => SpecialAddresses.Classify(address) switch
    {
        AddressKind.Global => AddressScope.Public,
        AddressKind.Loopback => AddressScope.Loopback,
        AddressKind.Private or AddressKind.LinkLocal or AddressKind.UniqueLocal or AddressKind.CarrierNat => AddressScope.Lan,
        // Networks set aside for measurements stand on a bench, as private as any.
        AddressKind.Benchmarking => AddressScope.Lan,
        _ => null,
    };

    /// <summary>The scope of an address by its first part: the peer's own, or the relay's for a relayed one. Null for one that nobody can be dialled
    /// at.</summary>
    internal static AddressScope? Of(Multiaddr address)
    {
        if (address.HostAddress is { } ip) return Of(ip);
        return address.HostNameKind is null ? null : AddressScope.Public;
    }

    /// <summary>Whether this node has a transport for an address: an IP address or domain name and a TCP port, and nothing behind them but the peer.</summary>
    internal static bool HasTransport(Multiaddr address)
    {
        IReadOnlyList<MultiaddrComponent> parts = address.Components;
        if (parts.Count is < 2 or > 3 || parts[1].Protocol != MultiaddrProtocol.Tcp || parts[1].RawValue.Span is [0, 0]) return false;
        if (parts.Count == 3 && parts[2].Protocol != MultiaddrProtocol.P2p) return false;
        return parts[0].Protocol is MultiaddrProtocol.Ip4 or MultiaddrProtocol.Ip6 or MultiaddrProtocol.Dns or MultiaddrProtocol.Dns4 or MultiaddrProtocol.Dns6;
    }

    /// <summary>Whether an address may be dialled that was told at a distance.</summary>
    /// <param name="address">The address.</param>
    /// <param name="toldFrom">From where it was told; null for the owner's own word.</param>
    internal static bool MayDial(Multiaddr address, AddressScope? toldFrom) => toldFrom is not { } distance || (Of(address) is { } scope && scope >= distance);

    /// <summary>Whether the address that a domain name stands for may be dialled.</summary>
    internal static bool MayDial(IPAddress address, AddressScope? toldFrom) => toldFrom is not { } distance || (Of(address) is { } scope && scope >= distance);

    /// <summary>Whether a peer at a distance may be told one of this node's own addresses: it is told none that would mean something else where it
    /// is.</summary>
    internal static bool MayTell(Multiaddr own, AddressScope listener) => Of(own) is { } scope && scope >= listener;

    /// <summary>The group that an address counts with where independent witnesses are asked for: its /16, or /32 for IPv6, what one party can easily have
    /// much of.</summary>
    internal static string GroupOf(IPAddress address)
    {
        byte[] bytes = address.GetAddressBytes();
        return address.AddressFamily == AddressFamily.InterNetwork ? $"{bytes[0]}.{bytes[1]}" : Convert.ToHexStringLower(bytes.AsSpan(0, 4));
    }
}
