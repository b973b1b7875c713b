using System.Diagnostics.Metrics;

namespace Overlay.Diagnostics;

/// <summary>Counts of discovery, read when a meter is listened to. No label names a peer.</summary>
internal static class DiscoveryMetrics
{
    /// <summary>The meter's name.</summary>
    public const string MeterName = "Overlay.Discovery";

    /// <summary>Makes the meter.</summary>
    /// <param name="factory">Owns it.</param>
    /// <param name="peers">How many peers are connected now.</param>
    /// <param name="known">How many peers the address book holds.</param>
    /// <param name="refusals">What was not taken, by the part that refused it and why.</param>
    /// <param name="served">How many dials were made for others.</param>
    public static void Create(IMeterFactory factory, Func<int> peers, Func<int> known, Func<IEnumerable<(string Part, string Reason, long Count)>> refusals,
        Func<long> served)
    {
        Meter meter = factory.Create(MeterName);
        meter.CreateObservableUpDownCounter("overlay.discovery.peers", peers, "{peer}", "Peers connected now.");
        meter.CreateObservableUpDownCounter("overlay.discovery.known", known, "{peer}", "Peers in the address book.");
        meter.CreateObservableCounter("overlay.discovery.served", served, "{dial}", "Dials made for other nodes that ask how they are reached.");
        meter.CreateObservableCounter(
            "overlay.discovery.refusals",
            () => refusals().Select(one => new Measurement<long>(
                one.Count, new KeyValuePair<string, object?>("part", one.Part), new KeyValuePair<string, object?>("reason", one.Reason))),
            "{item}", "Packets, addresses and requests that were refused, by part and reason.");
    }
}
