using System.Diagnostics.Metrics;
using Microsoft.Extensions.Logging;

namespace Overlay;

/// <summary>What a host lends a node: its logs, its meters, its clock. All optional.</summary>
public sealed record OverlayServices
{
    /// <summary>Where logs go; nowhere where null.</summary>
    public ILoggerFactory? LoggerFactory { get; init; }

    /// <summary>Makes the meters <c>Overlay.Sharing</c>, <c>Overlay.Discovery</c>, <c>Overlay.Gossip</c> and <c>Overlay.Transport</c>.</summary>
    public IMeterFactory? MeterFactory { get; init; }

    /// <summary>The clock of every deadline and date; the system's where null.</summary>
    public TimeProvider? TimeProvider { get; init; }
}
