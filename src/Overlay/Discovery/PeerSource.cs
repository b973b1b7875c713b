namespace Overlay.Discovery;

/// <summary>How a node came to know of a peer.</summary>
public enum PeerSource
{
    /// <summary>The peer dialled this node.</summary>
    Inbound = 1,

    /// <summary>The node's own program dialled it: a provider that was named, say.</summary>
    Dialled,

    /// <summary>The local network (mDNS).</summary>
    Mdns,

    /// <summary>A way into the network that the owner named (<see cref="DiscoveryOptions.Bootstrap"/>).</summary>
    Bootstrap,

    /// <summary>A peer with whom the owner wants to be connected (<see cref="DiscoveryOptions.PersistentPeers"/>).</summary>
    Persistent,

    /// <summary>The address book: it was reached before.</summary>
    AddressBook,

    /// <summary>Another part of the node that searches the network.</summary>
    Network,
}
