using Overlay.Gossip.Routing;
using Overlay.Gossip.Wire;
using Overlay.Transport.Identity;

namespace Overlay.Gossip.Messages;

/// <summary>A message that waits for its check, and who has sent it meanwhile.</summary>
internal sealed class PendingMessage(MessageId id, WireMessage message, PeerId? author, PeerPublicKey? key, GossipPeer from)
{
    internal MessageId Id => id;

    internal WireMessage Message => message;

    internal PeerId? Author => author;

    /// <summary>The author's key; null without signatures.</summary>
    internal PeerPublicKey? Key => key;

    /// <summary>Who sent it first.</summary>
    internal GossipPeer From => from;

    /// <summary>Everyone who has sent these very bytes, the first included.</summary>
    internal List<GossipPeer> Senders { get; } = [from];

    /// <summary>Whether its signature is known to hold.</summary>
    internal bool IsAuthentic { get; set; }

    internal GossipMessage ToMessage() => new(message.Topic, author, MessageForm.SequenceOf(message), message.Data, from.Id, id);
}
