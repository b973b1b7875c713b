using System.Net;

namespace Overlay.Discovery.Mdns;

/// <summary>A network interface as multicast DNS sees it.</summary>
/// <param name="Id">The operating system's index of it.</param>
/// <param name="Name">Its name, for the log.</param>
/// <param name="Networks">The addresses that this host has there, each with its network.</param>
internal sealed record MdnsLink(int Id, string Name, IReadOnlyList<LinkAddress> Networks)
{
    /// <summary>Whether an address belongs to one of the link's networks, so that its host stands beside this one.</summary>
    internal bool IsNeighbour(IPAddress address) => address.IsIPv6LinkLocal || Networks.Any(network => network.Contains(address));

    internal bool IsOwn(IPAddress address) => Networks.Any(network => network.Address.Equals(address));

    internal bool IsSameAs(MdnsLink other) => Id == other.Id && Networks.Count == other.Networks.Count && Networks.All(other.Networks.Contains);
}

/// <summary>One address of this host, without its zone, and the length of its network's prefix in bits.</summary>
internal readonly record struct LinkAddress(IPAddress Address, int PrefixLength)
{
    internal bool Contains(IPAddress other)
    {
        if (other.AddressFamily != Address.AddressFamily) return false;
        ReadOnlySpan<byte> own = Address.GetAddressBytes(), its = other.GetAddressBytes();
        int bits = Math.Clamp(PrefixLength, 0, own.Length * 8), whole = bits / 8, rest = bits % 8;
        if (!own[..whole].SequenceEqual(its[..whole])) return false;
        return rest == 0 || (own[whole] ^ its[whole]) >> (8 - rest) == 0;
    }
}
