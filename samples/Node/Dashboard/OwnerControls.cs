using System.Globalization;
using Overlay.Node.Output;
using Overlay.Sharing.Limits;

namespace Overlay.Node.Dashboard;

/// <summary>The limits of a running node, for the owner's page.</summary>
internal sealed class OwnerControls(OverlaySharing sharing) : IOwnerControls
{
    public OwnerCaps Caps => new(sharing.Limits.MaxUpload, sharing.Limits.MaxDownload, sharing.Limits.DailyQuota, sharing.Limits.MonthlyQuota);

    public bool IsPaused => sharing.Limits.Paused;

    public string? State => sharing.State.Condition switch
    {
        SharingCondition.Serving or SharingCondition.Paused => null,
        SharingCondition.Yielding => "Giving way to you",
        SharingCondition.OutsideSchedule => "Outside your hours",
        SharingCondition.Asleep => "Asleep: quota kept for later",
        SharingCondition.QuotaSpent => "Quota spent",
        SharingCondition.OnBattery => "Waiting: on battery",
        SharingCondition.Metered => "Waiting: metered line",
        _ => "Stopped: see the log",
    };

    public Task SetCapsAsync(OwnerCaps caps, CancellationToken cancellationToken) => sharing.ChangeLimitsAsync(
        limits => limits with { MaxUpload = caps.MaxUpload, MaxDownload = caps.MaxDownload, DailyQuota = caps.DailyQuota, MonthlyQuota = caps.MonthlyQuota }, cancellationToken);

    public Task PauseAsync(CancellationToken cancellationToken) => sharing.PauseAsync(cancellationToken);

    public Task ResumeAsync(CancellationToken cancellationToken) => sharing.ResumeAsync(cancellationToken);

    /// <summary>What sharing is doing, and what was used.</summary>
    internal static string Words(SharingState state)
    {
        string until = state.Until is { } end ? string.Create(CultureInfo.InvariantCulture, $" until {end.ToLocalTime():ddd HH:mm}") : "";
        string doing = state.Condition switch
        {
            SharingCondition.Serving => "Serving.",
            SharingCondition.Yielding => string.Create(CultureInfo.InvariantCulture, $"Giving way to your own traffic: {state.Share:0 %} is left to others."),
            SharingCondition.Paused => "Paused by you.",
            SharingCondition.OutsideSchedule => $"Outside the hours that you set{until}.",
            SharingCondition.Asleep => $"Asleep{until}: the quota is kept for later in its period.",
            SharingCondition.QuotaSpent => $"The quota is spent{until}.",
            SharingCondition.OnBattery => "Not serving on battery.",
            SharingCondition.Metered => "Not serving on a line that is paid by the byte.",
            _ => $"Not serving: {state.Fault}",
        };
        return $"{doing} {Units.Size(state.UsedToday.Bytes)} used today, {Units.Size(state.UsedThisMonth.Bytes)} this month.";
    }
}
