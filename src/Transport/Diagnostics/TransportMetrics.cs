using System.Diagnostics;
using System.Diagnostics.Metrics;
using Overlay.Transport.Connections;

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
    private readonly Counter<long> _refusals;

    internal TransportMetrics(IMeterFactory? factory)
    {
        _meter = factory?.Create(MeterName) ?? new Meter(MeterName);
        _connections = _meter.CreateUpDownCounter<int>("overlay.transport.connections", "{connection}", "Established connections.");
        _streams = _meter.CreateUpDownCounter<int>("overlay.transport.streams", "{stream}", "Open streams whose protocol was agreed on.");
        _handshakes = _meter.CreateCounter<long>("overlay.transport.handshakes", "{handshake}", "Finished upgrades, by direction and outcome.");
        _handshakeDuration = _meter.CreateHistogram<double>("overlay.transport.handshake.duration", "s", "Time from connected to upgraded.");
        _refusals = _meter.CreateCounter<long>("overlay.transport.refusals", "{refusal}", "Connections and streams refused, by reason.");
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

    internal void Refused(ConnectionError error) => _refusals.Add(1, new KeyValuePair<string, object?>("reason", error.ToString()));

    public void Dispose() => _meter.Dispose();

    private static KeyValuePair<string, object?> Tag(Direction direction) => new("direction", direction == Direction.Inbound ? "inbound" : "outbound");
}
