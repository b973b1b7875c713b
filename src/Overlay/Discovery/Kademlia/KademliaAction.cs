using Overlay.Discovery.Kademlia.Lookups;

namespace Overlay.Discovery.Kademlia;

/// <summary>What a node's core wants done, or has to tell.</summary>
internal abstract record KademliaAction;

/// <summary>Ask a peer. The outcome comes back under the same id, once.</summary>
/// <param name="Id">The request.</param>
/// <param name="Peer">Whom to ask, and where it may be dialled.</param>
/// <param name="Message">The request's message.</param>
/// <param name="IsFreshDial">Whether an existing connection will not do: it is to be shown that the peer can be dialled.</param>
internal sealed record SendRequest(long Id, Contact Peer, KademliaMessage Message, bool IsFreshDial) : KademliaAction
{
    /// <summary>Whether the peer answers at all. A provider record is only sent.</summary>
    internal bool ExpectsAnswer => Message.Type != KademliaMessageType.AddProvider;
}

/// <summary>Nobody waits for a request any more.</summary>
internal sealed record CancelRequest(long Id) : KademliaAction;

/// <summary>An operation has found one more provider.</summary>
internal sealed record ProviderFound(ProvidersOperation Operation, Contact Provider) : KademliaAction;

/// <summary>An operation is over; its result stands in it.</summary>
internal sealed record OperationEnded(Operation Operation) : KademliaAction;

/// <summary>A peer has answered under its own name at an address that was dialled.</summary>
internal sealed record PeerLearned(Contact Peer) : KademliaAction;
