namespace Overlay.Gossip.Routing;

/// <summary>What has become of messages since the start. Written and read under the owner's lock.</summary>
internal sealed class GossipCounts
{
    /// <summary>Came from peers, of topics that are joined.</summary>
    internal long Received { get; set; }

    /// <summary>Of these, known already.</summary>
    internal long Duplicate { get; set; }

    /// <summary>Of these, wrong: in form or signature, or by the host application's word.</summary>
    internal long Rejected { get; set; }

    /// <summary>Of these, delivered and passed on.</summary>
    internal long Accepted { get; set; }

    /// <summary>Sent to peers, each for each peer.</summary>
    internal long Sent { get; set; }

    /// <summary>Each with the name that it has in metrics: five, whatever peers do.</summary>
    internal IReadOnlyList<(string Outcome, long Count)> All =>
        [("received", Received), ("duplicate", Duplicate), ("rejected", Rejected), ("accepted", Accepted), ("sent", Sent)];
}
