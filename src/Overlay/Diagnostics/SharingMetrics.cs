using System.Diagnostics.Metrics;
using Overlay.Sessions;

namespace Overlay.Diagnostics;

/// <summary>Counts what the exit does. No label names a peer or a target.</summary>
internal sealed class SharingMetrics
{
    /// <summary>The meter's name.</summary>
    public const string MeterName = "Overlay.Sharing";

    private readonly Counter<long> _connections;
    private readonly Counter<long> _refusals;
    private readonly Counter<long> _pauses;

    public SharingMetrics(IMeterFactory factory)
    {
        Meter meter = factory.Create(MeterName);
        _connections = meter.CreateCounter<long>("overlay.exit.connections", "{connection}", "Connections made to targets.");
        _refusals = meter.CreateCounter<long>("overlay.exit.refusals", "{request}", "Requests that were refused or failed, by reason.");
        _pauses = meter.CreateCounter<long>("overlay.exit.pauses", "{consumer}", "Consumers refused for a while because they seemed to look for open doors.");
    }

    public void Connected() => _connections.Add(1);

    public void Paused() => _pauses.Add(1);

    public void Refused(ConnectCode code) => _refusals.Add(1, new KeyValuePair<string, object?>("reason", Name(code)));

    // Names of their own, so that a renamed member does not rename a series on somebody's dashboard.
    private static string Name(ConnectCode code) => code switch
    {
        ConnectCode.Policy => "policy",
        ConnectCode.AddressTypeNotSupported => "invalid_host",
        ConnectCode.HostUnreachable => "host_unreachable",
        ConnectCode.NetworkUnreachable => "network_unreachable",
        ConnectCode.ConnectionRefused => "connection_refused",
        ConnectCode.TimedOut => "timed_out",
        ConnectCode.Capacity => "capacity",
        ConnectCode.NotAllowed => "not_allowed",
        _ => "failed",
    };
}
