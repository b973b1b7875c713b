namespace Overlay.Sharing.Limits;

/// <summary>Whether service is given, and if not, why not.</summary>
public enum SharingCondition
{
    /// <summary>As the limits allow.</summary>
    Serving,

    /// <summary>The owner uses the line, or what is so calls for it: little is served.</summary>
    Yielding,

    /// <summary>The owner has paused it.</summary>
    Paused,

    /// <summary>It is not the hour for it.</summary>
    OutsideSchedule,

    /// <summary>The quota is for later in its period (<see cref="OwnerLimits.Hibernate"/>).</summary>
    Asleep,

    /// <summary>The quota of the day or the month is spent.</summary>
    QuotaSpent,

    /// <summary>The host runs on its battery.</summary>
    OnBattery,

    /// <summary>The line is paid by the byte.</summary>
    Metered,

    /// <summary>The limits cannot be read, the usage cannot be written, or what the host app judges by throws; nothing is shared until that is
    /// mended.</summary>
    Faulted,
}

/// <summary>What an owner's node gives at one moment.</summary>
public sealed record SharingState
{
    /// <summary>Whether it serves.</summary>
    public required SharingCondition Condition { get; init; }

    /// <summary>When that ends by itself, to a minute; null where nobody knows.</summary>
    public DateTimeOffset? Until { get; init; }

    /// <summary>What is wrong, in one line; null unless <see cref="SharingCondition.Faulted"/>.</summary>
    public string? Fault { get; init; }

    /// <summary>What has crossed the line for others today, in and out together.</summary>
    public required ByteSize UsedToday { get; init; }

    /// <summary>What has since the last <see cref="OwnerLimits.ResetDay"/>.</summary>
    public required ByteSize UsedThisMonth { get; init; }

    /// <summary>What may be sent for others now; null for no limit.</summary>
    public BitRate? AllowedUpload { get; init; }

    /// <summary>What may be received for others now; null for no limit.</summary>
    public BitRate? AllowedDownload { get; init; }

    /// <summary>The share of the caps, or of what was served before, that is left to others: 0 to 1, less than 1 while yielding.</summary>
    public required double Share { get; init; }

    /// <summary>Which limits these are: what <see cref="OverlaySharing.WriteLimits"/> has returned for them.</summary>
    public required string Revision { get; init; }
}
