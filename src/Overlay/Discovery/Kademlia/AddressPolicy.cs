using System.Net;
using Overlay.Transport.Identity;

namespace Overlay.Discovery.Kademlia;

/// <summary>Which addresses lead to a peer of this network, and which count as one owner's.</summary>
internal sealed class AddressPolicy(KademliaOptions options)
{
    /// <summary>Whether this node would dial an address: a name or a public IP address with a TCP port, and no relay on the way.</summary>
    internal bool IsDialable(Multiaddr address)
    {
        bool hasPort = false;
        foreach (MultiaddrComponent component in address.Components)
        {
            if (component.Protocol == MultiaddrProtocol.P2pCircuit) return false;
            hasPort |= component.Protocol is MultiaddrProtocol.Tcp or MultiaddrProtocol.Memory;
        }

        if (!hasPort) return false;
        if (address.HostAddress is { } ip) return options.AllowPrivateAddresses || AddressGroup.IsPublic(ip);
        return address.HostName is not null || options.AllowPrivateAddresses;
    }

    /// <summary>The dialable ones among addresses, without the peer's name, each once, no more than a peer may have.</summary>
    internal IReadOnlyList<Multiaddr> Dialable(IReadOnlyList<Multiaddr> addresses)
    {
        int count = 0;
        foreach (Multiaddr address in addresses)
            if (IsDialable(address) && address.Components[^1].Protocol != MultiaddrProtocol.P2p) count++;
        // Mostly nothing is to be changed, and the list can be shared.
        if (count == addresses.Count && count <= options.MaxAddressesPerPeer) return addresses;
        return [.. addresses.Where(IsDialable).Select(address => address.WithoutPeerId()).Distinct().Take(options.MaxAddressesPerPeer)];
    }

    /// <summary>The network that a peer was reached in, as far as networks are limited; null for an exempt one.</summary>
    internal AddressGroup? LimitedGroup(Multiaddr reachedAt)
    {
        if (reachedAt.HostAddress is not { } ip) return null;
        return options.AllowPrivateAddresses && !AddressGroup.IsPublic(ip) ? null : AddressGroup.Of(ip);
    }
}
