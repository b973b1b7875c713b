using Overlay.Discovery.Kademlia.Tables;

namespace Overlay.Discovery.Kademlia.Lookups;

/// <summary>Finds who provides a key, and goes on to the end: no peer's word is enough to stop at, or one liar could hide the others.</summary>
internal sealed class ProvidersOperation(ReadOnlyMemory<byte> key, int limit, TimeSpan deadline) : Operation(key, deadline)
{
    // Of one answer no more is taken than an honest peer sends, and in all no more than a caller could try.
    private const int MaxPerAnswer = 64, MaxCount = 4096;

    private readonly Dictionary<Key, bool> _found = [];

    /// <summary>How many were found.</summary>
    internal int Count => _found.Count;

    internal override bool AsksForContent => true;

    internal override bool IsSatisfied => _found.Count >= Math.Min(limit, MaxCount);

    internal override KademliaMessage Request => new(KademliaMessageType.GetProviders, RequestKey);

    internal override Misdeed? Take(Contact from, KademliaMessage answer, KademliaNode node)
    {
        for (int i = 0; i < answer.ProviderPeers.Count && i < MaxPerAnswer && !IsSatisfied; i++) Found(answer.ProviderPeers[i], node);
        return null;
    }

    /// <summary>Tells of a provider once, and again only when addresses come to light that were not known.</summary>
    internal void Found(Contact named, KademliaNode node)
    {
        Contact provider = node.Sanitize(named);
        bool hasAddresses = provider.Addresses.Count != 0;
        if (_found.TryGetValue(provider.Key, out bool known) && (known || !hasAddresses)) return;
        _found[provider.Key] = hasAddresses;
        node.Tell(new ProviderFound(this, provider));
    }
}

/// <summary>Tells the peers nearest to a key that this node provides it.</summary>
internal sealed class ProvideOperation(ReadOnlyMemory<byte> key, TimeSpan deadline) : Operation(key, deadline)
{
    /// <summary>This node as the record names it; null before there is one.</summary>
    internal Contact? Announced { get; private set; }

    /// <summary>Peers that the record was sent to.</summary>
    internal int StoredCount { get; private set; }

    internal override IEnumerable<(Contact Peer, KademliaMessage Message)> Stores(KademliaNode node)
    {
        Announced = node.Self;
        var message = new KademliaMessage(KademliaMessageType.AddProvider, RequestKey) { ProviderPeers = [node.Self] };
        return KademliaNode.StoreTargets(this).Select(peer => (peer, message));
    }

    internal override void Stored(Contact peer, KademliaMessage? answer) => StoredCount++;
}
