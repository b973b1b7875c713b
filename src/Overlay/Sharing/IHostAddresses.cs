using System.Net;

namespace Overlay.Sharing;

/// <summary>The addresses under which the exit's own host can be reached.</summary>
internal interface IHostAddresses
{
    /// <summary>A snapshot, current to within seconds; IPv6 addresses without their zone.</summary>
    IReadOnlySet<IPAddress> Current { get; }
}
