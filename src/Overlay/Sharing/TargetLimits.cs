using System.Runtime.CompilerServices;

namespace Overlay.Sharing;

/// <summary>How much a consumer may do through the exit before it looks like a search for open doors, or like a flood. Immutable; change with
/// <c>with</c>.</summary>
/// <remarks>A web page with a hundred hosts, a few of which do not answer, stays far below the defaults; a port scan is cut within a second.</remarks>
public sealed record TargetLimits
{
    /// <summary>Connections of one consumer at once, those being made among them. 1 to 65536, by default 512.</summary>
    public int MaxConnectionsPerConsumer { get; init => field = Within(value, 65536); } = 512;

    /// <summary>Connections of one consumer that are being made at once, lookups among them. Below the 256 that the exit makes for all together, so that nobody
    /// takes them all. 1 to 65536, by default 200.</summary>
    public int MaxPendingPerConsumer { get; init => field = Within(value, 65536); } = 200;

    /// <summary>Connections of all consumers to one address at once. 1 to 65536, by default 256.</summary>
    public int MaxConnectionsPerAddress { get; init => field = Within(value, 65536); } = 256;

    /// <summary>New targets, each an address with a port, of one consumer in a minute; as many may come at once. Above it the consumer is refused for
    /// <see cref="Pause"/>. 1 to 60000, by default 300.</summary>
    public int NewTargetsPerMinute { get; init => field = Within(value, 60_000); } = 300;

    /// <summary>As how many new targets one counts that is forbidden, does not exist, refuses or stays silent. 1 to 1000, by default 8.</summary>
    public int FailureWeight { get; init => field = Within(value, 1000); } = 8;

    /// <summary>Ports of one address that a consumer may reach within a minute. Above it the consumer is refused for <see cref="Pause"/>. 1 to 65535, by
    /// default 16.</summary>
    public int MaxPortsPerAddress { get; init => field = Within(value, 65535); } = 16;

    /// <summary>Connections of one consumer to one target in a minute; as many may come at once. Above it a connection is refused. 1 to 60000, by default
    /// 600.</summary>
    public int ConnectionsPerMinuteToOneTarget { get; init => field = Within(value, 60_000); } = 600;

    /// <summary>How long a consumer is refused that has gone too far. 1 s to 1 day, by default 1 minute.</summary>
    public TimeSpan Pause
    {
        get;
        init => field = value >= TimeSpan.FromSeconds(1) && value <= TimeSpan.FromDays(1)
            ? value
            : throw new ArgumentOutOfRangeException(nameof(Pause), value, "Pause takes 1 s to 1 day.");
    } = TimeSpan.FromMinutes(1);

    /// <summary>Consumers that are remembered. When there is no room, one that does nothing gives way, and if there is none, the one whose pause ends
    /// first; when all are connected, a new one is refused. 1 to 65536, by default 1024.</summary>
    public int MaxConsumers { get; init => field = Within(value, 65536); } = 1024;

    /// <summary>Targets that are remembered of each consumer; the one used longest ago gives way and counts as new again. 16 to 4096, by default 512.</summary>
    public int MaxTargetsPerConsumer
    {
        get;
        init => field = value is >= 16 and <= 4096 ? value : throw new ArgumentOutOfRangeException(nameof(MaxTargetsPerConsumer), value,
            "MaxTargetsPerConsumer takes 16 to 4096.");
    } = 512;

    private static int Within(int value, int max, [CallerMemberName] string name = "") =>
        value >= 1 && value <= max ? value : throw new ArgumentOutOfRangeException(name, value, $"{name} takes 1 to {max}.");
}
