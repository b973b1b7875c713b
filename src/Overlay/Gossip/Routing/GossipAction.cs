using Overlay.Gossip.Messages;
using Overlay.Gossip.Wire;
using Overlay.Transport.Identity;

namespace Overlay.Gossip.Routing;

/// <summary>What the router wants done. The order of what goes to one peer matters.</summary>
internal abstract record GossipAction
{
    private GossipAction()
    {
    }

    /// <summary>Send an RPC. The same one may go to several peers and is not changed any more.</summary>
    internal sealed record Send(GossipPeer Peer, Rpc Rpc) : GossipAction;

    /// <summary>Check a message and tell the router what was found.</summary>
    internal sealed record Check(PendingMessage Message) : GossipAction;

    /// <summary>Give a message to the subscriptions.</summary>
    internal sealed record Deliver(GossipMessage Message) : GossipAction;

    /// <summary>Dial a peer that a PRUNE named, if its record holds.</summary>
    internal sealed record Dial(PeerId Peer, ReadOnlyMemory<byte> SignedRecord) : GossipAction;
}
