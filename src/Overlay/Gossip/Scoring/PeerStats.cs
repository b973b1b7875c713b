namespace Overlay.Gossip.Scoring;

/// <summary>What is counted of one peer. Owned by <see cref="PeerScore"/>.</summary>
internal sealed class PeerStats
{
    internal Dictionary<string, TopicStats> Topics { get; } = new(StringComparer.Ordinal);

    /// <summary>P7's counter.</summary>
    internal double BehaviourPenalty { get; set; }

    internal double DroppedMessages { get; set; }

    /// <summary>What it shares with others at the same place; null for what does not count.</summary>
    internal string? Address { get; set; }

    internal bool IsConnected { get; set; }

    /// <summary>When to forget it, once it has no connection.</summary>
    internal TimeSpan ForgetAt { get; set; }

    /// <summary>The score as computed last; null when something has changed since.</summary>
    internal double? Score { get; set; }
}

/// <summary>What is counted of one peer in one topic.</summary>
internal sealed class TopicStats
{
    internal bool IsInMesh { get; set; }

    internal TimeSpan GraftedAt { get; set; }

    internal TimeSpan MeshTime { get; set; }

    /// <summary>Whether it was in the mesh for long enough that P3 counts.</summary>
    internal bool IsActive { get; set; }

    internal double FirstMessageDeliveries { get; set; }

    internal double MeshMessageDeliveries { get; set; }

    internal double MeshFailurePenalty { get; set; }

    internal double InvalidMessageDeliveries { get; set; }
}
