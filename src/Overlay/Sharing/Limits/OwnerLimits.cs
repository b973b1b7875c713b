namespace Overlay.Sharing.Limits;

/// <summary>What an owner lets strangers have of the line. Immutable; change with <c>with</c>. The defaults limit nothing but give way to the owner's own
/// traffic.</summary>
/// <remarks>
/// Up is what the node sends, down what it receives. A relayed byte crosses the owner's line twice, once in and once out, so each takes from both rates and
/// counts twice in a quota. Payload alone is counted: headers,
/// encryption and acknowledgements come on top, about 5 to 8 %. See docs/limits.md.
/// </remarks>
public sealed record OwnerLimits
{
    private const ulong MinRate = 64_000, MaxRate = 100_000_000_000;
    private const ulong MinQuota = 1UL << 20, MaxQuota = 1UL << 50;

    /// <summary>How many windows a schedule has at most.</summary>
    internal const int MaxWindows = 64;

    /// <summary>The rate at which the node sends for others; 64 kbit/s to 100 Gbit/s. Null: no cap.</summary>
    public BitRate? MaxUpload { get; init => field = Rate(value, nameof(MaxUpload)); }

    /// <summary>The rate at which the node receives for others; 64 kbit/s to 100 Gbit/s. Null: no cap.</summary>
    public BitRate? MaxDownload { get; init => field = Rate(value, nameof(MaxDownload)); }

    /// <summary>What may cross the line for others in a day of the host's time zone, in and out together; 1 MiB to 1 PiB. Null: no quota.</summary>
    public ByteSize? DailyQuota { get; init => field = Quota(value, nameof(DailyQuota)); }

    /// <summary>What may cross the line for others from one <see cref="ResetDay"/> to the next, in and out together; 1 MiB to 1 PiB. Null: no
    /// quota.</summary>
    public ByteSize? MonthlyQuota { get; init => field = Quota(value, nameof(MonthlyQuota)); }

    /// <summary>The day on which a month begins, at midnight of the host's time zone; 1 to 28. 1 by default.</summary>
    public int ResetDay
    {
        get;
        init => field = value is >= 1 and <= 28 ? value : throw new ArgumentOutOfRangeException(nameof(ResetDay), value,
            $"{nameof(ResetDay)} is a day from 1 to 28.");
    } = 1;

    /// <summary>Spends the quota (the month's, or the day's where there is only that) at full speed and sleeps for the rest of its period, waking in the
    /// next one at a moment of the node's own that leaves about as much time as
    /// it took the last time: else all nodes with a quota would be there at the beginning of a month and none at its end.</summary>
    public bool Hibernate { get; init; }

    /// <summary>When service is given; at most 64 windows. Empty: always.</summary>
    public IReadOnlyList<ScheduleWindow> Schedule
    {
        get;
        init
        {
            ArgumentNullException.ThrowIfNull(value, nameof(Schedule));
            if (value.Count > MaxWindows || value.Contains(null!))
                throw new ArgumentException($"{nameof(Schedule)} takes up to {MaxWindows} windows, not {value.Count}.", nameof(Schedule));
            field = [.. value];
        }
    } = [];

    /// <summary>Gives way to the owner's own traffic: falls to a fiftieth at once and comes back gently. On by default.</summary>
    public bool Yield { get; init; } = true;

    /// <summary>What to do while the host runs on its battery. <see cref="OwnerRule.Pause"/> by default.</summary>
    public OwnerRule WhenOnBattery { get; init => field = Rule(value, nameof(WhenOnBattery)); } = OwnerRule.Pause;

    /// <summary>What to do while the line is paid by the byte, where that is known. <see cref="OwnerRule.Pause"/> by default.</summary>
    public OwnerRule WhenMetered { get; init => field = Rule(value, nameof(WhenMetered)); } = OwnerRule.Pause;

    /// <summary>Serves nobody until this is off again.</summary>
    public bool Paused { get; init; }

    /// <summary>Whether two are the same, window for window.</summary>
    public bool Equals(OwnerLimits? other) =>
        other is not null && MaxUpload == other.MaxUpload && MaxDownload == other.MaxDownload && DailyQuota == other.DailyQuota
            && MonthlyQuota == other.MonthlyQuota
        && ResetDay == other.ResetDay && Hibernate == other.Hibernate && Yield == other.Yield && WhenOnBattery == other.WhenOnBattery
        && WhenMetered == other.WhenMetered && Paused == other.Paused && Schedule.SequenceEqual(other.Schedule);

    /// <inheritdoc/>
    public override int GetHashCode() => HashCode.Combine(MaxUpload, MaxDownload, DailyQuota, MonthlyQuota, ResetDay, Hibernate, Paused, Schedule.Count);

    private static BitRate? Rate(BitRate? value, string name) => value is null or { BitsPerSecond: >= MinRate and <= MaxRate }
        ? value : throw new ArgumentOutOfRangeException(name, value, $"{name} is from 0.064 to 100000 Mbit/s.");

    private static ByteSize? Quota(ByteSize? value, string name) => value is null or { Bytes: >= MinQuota and <= MaxQuota }
        ? value : throw new ArgumentOutOfRangeException(name, value, $"{name} is from 1 MiB to 1024 TiB.");

    private static OwnerRule Rule(OwnerRule value, string name) => Enum.IsDefined(value)
        ? value : throw new ArgumentOutOfRangeException(name, value,
            $"{name} is {nameof(OwnerRule.Serve)}, {nameof(OwnerRule.Yield)} or {nameof(OwnerRule.Pause)}.");
}
