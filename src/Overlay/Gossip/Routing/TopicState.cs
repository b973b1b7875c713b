using Overlay.Transport.Identity;

namespace Overlay.Gossip.Routing;

/// <summary>What the router knows of one topic.</summary>
internal sealed class TopicState(string name)
{
    internal string Name => name;

    /// <summary>Whether this node takes its messages.</summary>
    internal bool IsJoined { get; set; }

    /// <summary>Peers that say that they take its messages, also those that cannot be sent any.</summary>
    internal int SubscriberCount { get; set; }

    /// <summary>Those of them that messages can be sent to.</summary>
    internal HashSet<GossipPeer> Peers { get; } = [];

    /// <summary>Peers that messages are exchanged with at once, both ways.</summary>
    internal HashSet<GossipPeer> Mesh { get; } = [];

    /// <summary>Peers that own messages are sent to while the topic is not joined.</summary>
    internal HashSet<GossipPeer> Fanout { get; } = [];

    internal TimeSpan LastPublished { get; set; }

    /// <summary>Until when which peers are not to be grafted.</summary>
    internal Dictionary<PeerId, TimeSpan> Backoffs { get; } = [];

    internal bool IsIdle => !IsJoined && SubscriberCount == 0 && Fanout.Count == 0 && Backoffs.Count == 0;
}
