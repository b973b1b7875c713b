using System.Diagnostics;
using System.Diagnostics.Metrics;
using Overlay.Transport.Connections;
using Overlay.Transport.Resources;

namespace Overlay.Transport.Diagnostics;

/// <summary>The transport's instruments, meter <c>Overlay.Transport</c>. No label carries a peer's id.</summary>
internal sealed class TransportMetrics : IDisposable
{
    internal const string MeterName = "Overlay.Transport";

    internal static readonly ActivitySource Activities = new(MeterName);

    private readonly Meter _meter;
    private readonly UpDownCounter<int> _connections;
    private readonly UpDownCounter<int> _streams;
    private readonly Counter<long> _handshakes;
    private readonly Histogram<double> _handshakeDuration;
    private readonly Func<ResourceSnapshot> _resources;
    private readonly long[] _refusals = new long[Enum.GetValues<ConnectionError>().Length + 1];

    /// <param name="factory">Makes the meter; without one it stands by itself.</param>
    /// <param name="resources">What the node holds and has refused. Asked only when somebody reads the instruments.</param>
    internal TransportMetrics(IMeterFactory? factory, Func<ResourceSnapshot> resources)
    {
        _resources = resources;
        _meter = factory?.Create(MeterName) ?? new Meter(MeterName);
        _connections = _meter.CreateUpDownCounter<int>("overlay.transport.connections", "{connection}", "Established connections.");
        _streams = _meter.CreateUpDownCounter<int>("overlay.transport.streams", "{stream}", "Open streams whose protocol was agreed on.");
        _handshakes = _meter.CreateCounter<long>("overlay.transport.handshakes", "{handshake}", "Finished upgrades, by direction and outcome.");
        _handshakeDuration = _meter.CreateHistogram<double>("overlay.transport.handshake.duration", "s", "Time from connected to upgraded.");
        // Observed rather than pushed: a refusal must cost nothing but an addition, and may happen with a muxer's gate held.
        _meter.CreateObservableCounter("overlay.transport.refusals", Refusals, "{refusal}", "Connections, streams and memory refused: by reason, and by scope and resource where a budget was used up.");
        _meter.CreateObservableUpDownCounter("overlay.transport.memory", () => _resources().Node.MemorySize, "By", "Memory charged to the node's budget.");
    }

    internal void ConnectionOpened(Direction direction) => _connections.Add(1, Tag(direction));

    internal void ConnectionClosed(Direction direction) => _connections.Add(-1, Tag(direction));

    internal void StreamOpened(Direction direction) => _streams.Add(1, Tag(direction));

    internal void StreamClosed(Direction direction) => _streams.Add(-1, Tag(direction));

    internal void HandshakeFinished(Direction direction, ConnectionError? error, TimeSpan duration)
    {
        if (!_handshakes.Enabled && !_handshakeDuration.Enabled) return;
        var outcome = new KeyValuePair<string, object?>("outcome", error?.ToString() ?? "ok");
        _handshakes.Add(1, Tag(direction), outcome);
        if (error is null) _handshakeDuration.Record(duration.TotalSeconds, Tag(direction));
    }

    /// <summary>Counts a connection or stream refused for another reason than a used-up budget, which counts by itself.</summary>
    internal void Refused(ConnectionError error) => Interlocked.Increment(ref _refusals[(int)error]);

    public void Dispose() => _meter.Dispose();

    private IEnumerable<Measurement<long>> Refusals()
    {
        for (int i = 0; i < _refusals.Length; i++)
            if (Volatile.Read(ref _refusals[i]) is > 0 and long count) yield return new(count, Reason((ConnectionError)i));
        foreach (RefusalCount refusal in _resources().Refusals)
        {
            yield return new(
                refusal.Count, Reason(ConnectionError.LimitExceeded),
                new KeyValuePair<string, object?>("scope", refusal.Scope.ToString()), new KeyValuePair<string, object?>("resource", refusal.Resource.ToString()));
        }
    }

    private static KeyValuePair<string, object?> Reason(ConnectionError error) => new("reason", error.ToString());

    private static KeyValuePair<string, object?> Tag(Direction direction) => new("direction", direction == Direction.Inbound ? "inbound" : "outbound");
}
