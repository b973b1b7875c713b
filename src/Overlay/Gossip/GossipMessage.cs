using Overlay.Transport.Identity;

namespace Overlay.Gossip;

/// <summary>A message of a topic, its signature checked where <see cref="GossipSigning.StrictSign"/> is in force.</summary>
public sealed class GossipMessage
{
    internal GossipMessage(string topic, PeerId? author, ulong sequence, ReadOnlyMemory<byte> data, PeerId receivedFrom, MessageId id)
    {
        Topic = topic;
        Author = author;
        Sequence = sequence;
        Data = data;
        ReceivedFrom = receivedFrom;
        Id = id.Bytes;
    }

    /// <summary>The topic.</summary>
    public string Topic { get; }

    /// <summary>Who made it; null without signatures.</summary>
    public PeerId? Author { get; }

    /// <summary>The author's sequence number: go-libp2p counts up, js-libp2p draws it by lot. Zero without signatures.</summary>
    public ulong Sequence { get; }

    /// <summary>What the author says.</summary>
    public ReadOnlyMemory<byte> Data { get; }

    /// <summary>The peer that sent it here first; the own node for own messages.</summary>
    public PeerId ReceivedFrom { get; }

    /// <summary>The message's id by <see cref="GossipOptions.MessageIds"/>.</summary>
    public ReadOnlyMemory<byte> Id { get; }
}

/// <summary>What a validator finds of a message (gossipsub v1.1, "Extended Validators").</summary>
public enum GossipVerdict
{
    /// <summary>Good: deliver it and pass it on.</summary>
    Accept = 1,

    /// <summary>Bad: neither, and whoever sent it loses score (P4).</summary>
    Reject = 2,

    /// <summary>Neither, at nobody's cost: late, perhaps, or not to be judged here.</summary>
    Ignore = 3,
}

/// <summary>Judges the messages of a topic before they are delivered and passed on. Their signatures have been checked. What it throws counts as <see cref="GossipVerdict.Ignore"/>.</summary>
public delegate ValueTask<GossipVerdict> GossipValidator(GossipMessage message, CancellationToken cancellationToken);
