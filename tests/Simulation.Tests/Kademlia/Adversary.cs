using Overlay.Discovery.Kademlia;
using Overlay.Simulation.Tests.Network;

namespace Overlay.Simulation.Tests.Kademlia;

/// <summary>One mind behind many peers: they behave like others until they are asked the way, and then name nobody but each other.</summary>
internal sealed class Adversary(int bucketSize) : IMisbehaviour
{
    private readonly List<Contact> _own = [];

    internal IReadOnlyList<Contact> Own => _own;

    internal void Enlist(Contact peer) => _own.Add(peer);

    public KademliaMessage? Answer(SimulatedPeer self, RequestOrigin origin, KademliaMessage request, TimeSpan now) => request.Type switch
    {
        // Takes whatever is to be stored, and drops it.
        KademliaMessageType.PutValue => request,
        KademliaMessageType.AddProvider => null,
        _ => new KademliaMessage(request.Type, request.Key) { CloserPeers = Nearest(Key.Of(request.Key.Span), self) },
    };

    private List<Contact> Nearest(Key target, SimulatedPeer self) =>
        [.. _own.Where(peer => peer != self.Contact).Select(peer => (Distance: peer.Key.DistanceTo(target), Peer: peer)).OrderBy(pair => pair.Distance).Take(bucketSize).Select(pair => pair.Peer)];
}

/// <summary>A peer whose answers are full of names that nobody has.</summary>
internal sealed class Inventor(SimulatedNetwork network, int count) : IMisbehaviour
{
    public KademliaMessage? Answer(SimulatedPeer self, RequestOrigin origin, KademliaMessage request, TimeSpan now) =>
        new(request.Type, request.Key) { CloserPeers = [.. Enumerable.Range(0, count).Select(_ => new Contact(network.RandomId(), self.Contact.Addresses))] };
}
