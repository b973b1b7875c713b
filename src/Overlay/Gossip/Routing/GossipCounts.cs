namespace Overlay.Gossip.Routing;

/// <summary>What became of messages, since the node started.</summary>
internal sealed class GossipCounts
{
    /// <summary>Own messages that went to somebody.</summary>
    internal long Published { get; set; }

    /// <summary>Messages of others that were good, each once.</summary>
    internal long Delivered { get; set; }

    /// <summary>Messages that came again.</summary>
    internal long Duplicate { get; set; }

    /// <summary>Messages that were forged, malformed, or refused by a validator.</summary>
    internal long Rejected { get; set; }

    /// <summary>Messages that a validator passed over.</summary>
    internal long Ignored { get; set; }

    /// <summary>Messages that were dropped because too many waited for their check.</summary>
    internal long Overflowed { get; set; }

    /// <summary>Bytes of RPCs put into the queues of peers.</summary>
    internal long BytesSent { get; set; }

    /// <summary>Messages dropped because a peer took them too slowly.</summary>
    internal long Dropped { get; set; }
}
