using System.Diagnostics.Metrics;

namespace Overlay.Diagnostics;

/// <summary>Gossip in figures, read when a meter is listened to. No label names a peer or a topic.</summary>
internal static class GossipMetrics
{
    /// <summary>The meter's name.</summary>
    public const string MeterName = "Overlay.Gossip";

    /// <summary>Makes the meter.</summary>
    /// <param name="factory">Owns it.</param>
    /// <param name="measure">The figures now.</param>
    public static void Create(IMeterFactory factory, Func<GossipFigures> measure)
    {
        Meter meter = factory.Create(MeterName);
        meter.CreateObservableUpDownCounter("overlay.gossip.peers", () => measure().Peers, "{peer}", "Peers that are gossiped with.");
        meter.CreateObservableUpDownCounter("overlay.gossip.mesh", () => measure().Mesh, "{peer}", "Places taken in the meshes of all topics.");
        meter.CreateObservableCounter("overlay.gossip.published", () => measure().Published, "{message}", "Own messages sent.");
        meter.CreateObservableCounter("overlay.gossip.received", () => Outcomes(measure()), "{message}", "Messages of others, by what became of them.");
        meter.CreateObservableCounter("overlay.gossip.sent", () => measure().BytesSent, "By", "Bytes of RPCs for peers.");
        meter.CreateObservableCounter("overlay.gossip.dropped", () => measure().Dropped, "{message}", "Messages that slow peers did not get.");
    }

    private static IEnumerable<Measurement<long>> Outcomes(GossipFigures figures) =>
    [
        new(figures.Delivered, new KeyValuePair<string, object?>("outcome", "delivered")),
        new(figures.Duplicate, new KeyValuePair<string, object?>("outcome", "duplicate")),
        new(figures.Rejected, new KeyValuePair<string, object?>("outcome", "rejected")),
        new(figures.Ignored, new KeyValuePair<string, object?>("outcome", "ignored")),
        new(figures.Overflowed, new KeyValuePair<string, object?>("outcome", "overflowed")),
    ];
}

/// <summary>Gossip at one moment.</summary>
internal readonly record struct GossipFigures(
    int Peers, int Mesh, long Published, long Delivered, long Duplicate, long Rejected, long Ignored, long Overflowed, long BytesSent, long Dropped);
