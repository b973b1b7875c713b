using System.Diagnostics.Metrics;
using Microsoft.Extensions.Logging;
using Overlay.Discovery.Addresses;
using Overlay.Discovery.Bootstrap;
using Overlay.Discovery.Mdns;

namespace Overlay.Discovery;

/// <summary>What a finder works with: the system's own, unless a test gives others.</summary>
internal sealed record PeerFinderParts
{
    internal required TimeProvider Time { get; init; }

    internal required ILoggerFactory Loggers { get; init; }

    /// <summary>Makes the meter <c>Overlay.Discovery</c>; null for none.</summary>
    internal IMeterFactory? Meters { get; init; }

    internal required ITextRecords TextRecords { get; init; }

    /// <summary>Whether the network around is asked; null leaves that to what the node listens on.</summary>
    internal bool? IsOpen { get; init; }

    internal IHostNames HostNames { get; init; } = new SystemHostNames();

    /// <summary>Opens the links for multicast DNS; null when there are none to be had.</summary>
    internal Func<MdnsOptions, ILogger, IMulticast?> OpenMulticast { get; init; } = (options, logger) => SystemMulticast.TryOpen(options.MaxPacketSize, logger);

    /// <summary>Makes a source of chance for delays and orders, none of which is a secret.</summary>
    internal Func<Random> NewRandom { get; init; } = () => new Random();
}
