using System.Diagnostics.Metrics;

namespace Overlay.Diagnostics;

/// <summary>Counts of gossip, read when a meter is listened to. No label names a peer or a topic.</summary>
internal static class GossipMetrics
{
    /// <summary>The meter's name.</summary>
    public const string MeterName = "Overlay.Gossip";

    /// <summary>Makes the meter.</summary>
    /// <param name="factory">Owns it.</param>
    /// <param name="peers">Peers that are gossiped with.</param>
    /// <param name="topics">Topics that are joined.</param>
    /// <param name="mesh">Peers in the meshes of all topics together.</param>
    /// <param name="messages">Messages by what has become of them.</param>
    public static void Create(IMeterFactory factory, Func<int> peers, Func<int> topics, Func<int> mesh,
        Func<IReadOnlyList<(string Outcome, long Count)>> messages)
    {
        Meter meter = factory.Create(MeterName);
        meter.CreateObservableUpDownCounter("overlay.gossip.peers", peers, "{peer}", "Peers that are gossiped with.");
        meter.CreateObservableUpDownCounter("overlay.gossip.topics", topics, "{topic}", "Topics that are joined.");
        meter.CreateObservableUpDownCounter("overlay.gossip.mesh", mesh, "{peer}", "Peers in the meshes of all topics, each for each topic.");
        meter.CreateObservableCounter(
            "overlay.gossip.messages",
            () => messages().Select(one => new Measurement<long>(one.Count, new KeyValuePair<string, object?>("outcome", one.Outcome))),
            "{message}", "Messages that came of joined topics, and of these the duplicates, the wrong and the accepted; and those sent, each for each peer.");
    }
}
