namespace Overlay.Transport.Resources;

/// <summary>When and how a node lets connections go that it could do without. Immutable; change with <c>with</c>.</summary>
/// <remarks>
/// A connection is new until it has stood for <see cref="GracePeriod"/>, and only so many are new at once (<see cref="MaxNewConnectionCount"/>). What is
/// new neither counts towards the marks nor is closed. So whoever opens many connections can crowd out none that stood before: when his own have been
/// there long enough to count, they are the least valuable and the youngest, and go first.
/// </remarks>
public sealed record TrimOptions
{
    /// <summary>Connections, new ones aside, at which trimming begins; at least 1. Null: three quarters of <see cref="ResourceLimits.MaxConnectionCount"/> of the node.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The value is below 1.</exception>
    public int? HighWater { get; init => field = value is null or >= 1 ? value : throw new ArgumentOutOfRangeException(nameof(HighWater), value, "Must be at least 1."); }

    /// <summary>Connections, new ones aside, that trimming leaves; at least 0 and at most <see cref="HighWater"/>. Null: five sixths of the high-water mark.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The value is negative.</exception>
    public int? LowWater { get; init => field = value is null or >= 0 ? value : throw new ArgumentOutOfRangeException(nameof(LowWater), value, "Must not be negative."); }

    /// <summary>How long a connection is new. 1 min, as in go-libp2p.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The value is negative.</exception>
    public TimeSpan GracePeriod
    {
        get;
        init => field = value >= TimeSpan.Zero ? value : throw new ArgumentOutOfRangeException(nameof(GracePeriod), value, "Must not be negative.");
    } = TimeSpan.FromMinutes(1);

    /// <summary>Most inbound connections that are new at once; the oldest beyond lose what grace is left to them. At least 0. Null: a quarter of <see cref="ResourceLimits.MaxConnectionCount"/> of the node.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The value is negative.</exception>
    public int? MaxNewConnectionCount
    {
        get;
        init => field = value is null or >= 0 ? value : throw new ArgumentOutOfRangeException(nameof(MaxNewConnectionCount), value, "Must not be negative.");
    }

    /// <summary>Time between two trims, and between two connections closed to make room. 10 s, as in go-libp2p.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The value is not positive.</exception>
    public TimeSpan SilencePeriod { get; init => field = Positive(value, nameof(SilencePeriod)); } = TimeSpan.FromSeconds(10);

    /// <summary>How long the streams of a connection that is let go may take to end. 5 s.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The value is not positive.</exception>
    public TimeSpan CloseTimeout { get; init => field = Positive(value, nameof(CloseTimeout)); } = TimeSpan.FromSeconds(5);

    /// <summary>What an inbound connection gets from a node that has all the connections it may have. It is refused.</summary>
    public WhenFull WhenFull { get; init; } = WhenFull.Refuse;

    /// <summary>Peers that may have tags or protections at once; at least 1. 1,024.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The value is below 1.</exception>
    public int MaxTaggedPeerCount { get; init => field = AtLeastOne(value, nameof(MaxTaggedPeerCount)); } = 1024;

    /// <summary>Tags, and protections, that one peer may have; at least 1. 32.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The value is below 1.</exception>
    public int MaxTagsPerPeer { get; init => field = AtLeastOne(value, nameof(MaxTagsPerPeer)); } = 32;

    private static TimeSpan Positive(TimeSpan value, string name) =>
        value > TimeSpan.Zero ? value : throw new ArgumentOutOfRangeException(name, value, "Must be positive.");

    private static int AtLeastOne(int value, string name) =>
        value >= 1 ? value : throw new ArgumentOutOfRangeException(name, value, "Must be at least 1.");
}

/// <summary>What an inbound connection gets from a node that is full.</summary>
public enum WhenFull
{
    /// <summary>It is refused.</summary>
    Refuse = 1,

    /// <summary>One connection is closed for it that is inbound, without value or protection, without streams and past its grace; if there is none, or the last
    /// was less than <see cref="TrimOptions.SilencePeriod"/> ago, it is refused.</summary>
    ReplaceWorthless,
}
