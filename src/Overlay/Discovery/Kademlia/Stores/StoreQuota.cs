namespace Overlay.Discovery.Kademlia.Stores;

/// <summary>Counts what peers and networks have in a store, against a limit for each.</summary>
internal sealed class StoreQuota(int perPeer)
{
    // One network may hold what several peers may: many share a provider's addresses.
    private const int PeersPerNetwork = 8;

    private readonly Dictionary<Key, int> _peers = [];
    private readonly Dictionary<AddressGroup, int> _networks = [];

    internal bool HasRoom(StoreOwner owner) =>
        _peers.GetValueOrDefault(owner.Peer) < perPeer && (owner.Network is not { } network || _networks.GetValueOrDefault(network) < (long)perPeer * PeersPerNetwork);

    internal void Add(StoreOwner owner)
    {
        _peers[owner.Peer] = _peers.GetValueOrDefault(owner.Peer) + 1;
        if (owner.Network is { } network) _networks[network] = _networks.GetValueOrDefault(network) + 1;
    }

    internal void Remove(StoreOwner owner)
    {
        if (--_peers[owner.Peer] == 0) _peers.Remove(owner.Peer);
        if (owner.Network is { } network && --_networks[network] == 0) _networks.Remove(network);
    }
}

/// <summary>Who has put something into a store.</summary>
/// <param name="Peer">The peer, proved by its connection.</param>
/// <param name="Network">The network that its connection came from; null when that is not limited.</param>
internal readonly record struct StoreOwner(Key Peer, AddressGroup? Network);
