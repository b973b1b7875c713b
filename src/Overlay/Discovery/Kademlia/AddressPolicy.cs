using System.Net;
using Overlay.Discovery.Addresses;
using Overlay.Transport.Identity;

namespace Overlay.Discovery.Kademlia;

/// <summary>Which addresses lead to a peer of this network, and which count as one owner's.</summary>
internal sealed class AddressPolicy(KademliaOptions options)
{
    /// <summary>Whether this node would dial an address: a name or a public IP address with a TCP port, and nothing behind it but the peer.</summary>
    internal bool IsDialable(Multiaddr address) =>
        HasTransport(address) && (address.HostAddress is not { } ip || options.AllowPrivateAddresses || AddressGroup.IsPublic(ip));

    /// <summary>Whether there is a transport for an address, wherever it leads; that within a process counts where private addresses do.</summary>
    internal bool HasTransport(Multiaddr address) =>
        AddressScopes.HasTransport(address)
        || (options.AllowPrivateAddresses
            && address.Components is [{ Protocol: MultiaddrProtocol.Memory }] or [{ Protocol: MultiaddrProtocol.Memory }, { Protocol: MultiaddrProtocol.P2p }]);

    /// <summary>The dialable ones among addresses, without the peer's name, each once, no more in number and bytes than a peer may have.</summary>
    internal IReadOnlyList<Multiaddr> Dialable(IReadOnlyList<Multiaddr> addresses)
    {
        int count = 0, size = 0;
        foreach (Multiaddr address in addresses)
        {
            if (!IsDialable(address) || address.Components[^1].Protocol == MultiaddrProtocol.P2p) break;
            count++;
            size += address.Bytes.Length;
        }

        // Mostly nothing is to be changed, and the list can be shared.
        if (count == addresses.Count && count <= options.MaxAddressesPerPeer && size <= options.MaxAddressBytesPerPeer) return addresses;
        return Take(addresses.Where(IsDialable).Select(address => address.WithoutPeerId()).Distinct());
    }

    /// <summary>The first of addresses that a peer may have in number and bytes.</summary>
    internal List<Multiaddr> Take(IEnumerable<Multiaddr> addresses)
    {
        var taken = new List<Multiaddr>();
        int size = 0;
        foreach (Multiaddr address in addresses)
        {
            if (taken.Count == options.MaxAddressesPerPeer) break;
            if (size + address.Bytes.Length > options.MaxAddressBytesPerPeer) continue;
            size += address.Bytes.Length;
            taken.Add(address);
        }

        return taken;
    }

    /// <summary>The network that a peer was reached in, as far as networks are limited; null for an exempt one.</summary>
    internal AddressGroup? LimitedGroup(Multiaddr reachedAt)
    {
        if (reachedAt.HostAddress is not { } ip) return null;
        return options.AllowPrivateAddresses && !AddressGroup.IsPublic(ip) ? null : AddressGroup.Of(ip);
    }
}
