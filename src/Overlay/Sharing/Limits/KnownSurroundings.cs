using Microsoft.Extensions.Logging;
using Overlay.Diagnostics;

namespace Overlay.Sharing.Limits;

/// <summary>What a host has told last of what surrounds it. The host's own code runs, and files are read, in <see cref="Look"/> alone, never under a lock.
/// Safe on several threads.</summary>
internal sealed class KnownSurroundings(ILineSurroundings surroundings, ILogger logger) : ILineSurroundings
{
    private volatile Told _told = new(null, null, null);

    public bool? IsOnBattery => _told.IsOnBattery;

    public bool? IsMetered => _told.IsMetered;

    /// <summary>Why the host does not tell; null while it does.</summary>
    internal string? Fault => _told.Fault;

    /// <summary>Asks the host. Where that fails the last answer stands, beside the fault.</summary>
    internal void Look()
    {
        try
        {
            _told = new Told(surroundings.IsOnBattery, surroundings.IsMetered, null);
        }
        catch (Exception e)
        {
            string fault = "The host does not tell what surrounds it: " + e.Message;
            Told before = _told;
            _told = before with { Fault = fault };
            if (fault != before.Fault) LimitsLog.Faulted(logger, fault);
        }
    }

    private sealed record Told(bool? IsOnBattery, bool? IsMetered, string? Fault);
}
