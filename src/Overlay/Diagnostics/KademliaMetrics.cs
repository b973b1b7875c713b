using System.Diagnostics.Metrics;

namespace Overlay.Diagnostics;

/// <summary>Counts what the DHT does. No label names a peer or a key.</summary>
internal sealed class KademliaMetrics
{
    /// <summary>The meter's name.</summary>
    public const string MeterName = "Overlay.Discovery";

    private readonly Counter<long> _requests;
    private readonly Counter<long> _served;
    private readonly Counter<long> _refused;
    private readonly Histogram<double> _lookups;

    public KademliaMetrics(IMeterFactory factory)
    {
        Meter meter = factory.Create(MeterName);
        _requests = meter.CreateCounter<long>("overlay.kademlia.requests", "{request}", "Requests sent, by outcome.");
        _served = meter.CreateCounter<long>("overlay.kademlia.served", "{request}", "Requests of others that were answered.");
        _refused = meter.CreateCounter<long>("overlay.kademlia.refused", "{request}", "Requests of others that were malformed, over a limit or not acceptable.");
        _lookups = meter.CreateHistogram<double>("overlay.kademlia.lookup.duration", "s", "Time from a caller's question to the end of its search.");
    }

    public void Requested(string outcome) => _requests.Add(1, new KeyValuePair<string, object?>("outcome", outcome));

    public void Served() => _served.Add(1);

    public void Refused() => _refused.Add(1);

    public void LookupEnded(TimeSpan duration) => _lookups.Record(duration.TotalSeconds);
}
