using System.Globalization;
using System.Text.Json;
using Overlay.Sharing.Limits;

namespace Overlay.Node.Output;

/// <summary>Who has taken limits that were written.</summary>
internal enum TakenBy
{
    /// <summary>None were written.</summary>
    Nobody,

    /// <summary>The running node.</summary>
    Node,

    /// <summary>No node shares on the folder: the next that starts there will.</summary>
    NextStart,

    /// <summary>A node runs and has not said that it did.</summary>
    NotYet,
}

/// <summary>An owner's limits and what the running node makes of them.</summary>
internal sealed class LimitsLine(OwnerLimits limits, SharingState? state, TakenBy taken) : IMessage
{
    private const string TimeForm = "yyyy-MM-dd'T'HH:mm:ss'Z'";

    public string Event => "limits";

    public void WriteJson(Utf8JsonWriter json)
    {
        Number(json, "maxUpload", limits.MaxUpload?.BitsPerSecond);
        Number(json, "maxDownload", limits.MaxDownload?.BitsPerSecond);
        Number(json, "dailyQuota", limits.DailyQuota?.Bytes);
        Number(json, "monthlyQuota", limits.MonthlyQuota?.Bytes);
        json.WriteNumber("resetDay"u8, limits.ResetDay);
        json.WriteBoolean("hibernate"u8, limits.Hibernate);
        json.WriteStartArray("schedule"u8);
        foreach (ScheduleWindow window in limits.Schedule) json.WriteStringValue(window.ToString());
        json.WriteEndArray();
        json.WriteBoolean("yield"u8, limits.Yield);
        json.WriteString("whenOnBattery"u8, NameOf(limits.WhenOnBattery));
        json.WriteString("whenMetered"u8, NameOf(limits.WhenMetered));
        json.WriteBoolean("paused"u8, limits.Paused);
        if (taken != TakenBy.Nobody) json.WriteString("takenBy"u8, taken switch { TakenBy.Node => "node", TakenBy.NextStart => "next-start", _ => null });
        if (state is null)
        {
            json.WriteNull("state"u8);
            return;
        }

        json.WriteStartObject("state"u8);
        json.WriteString("condition"u8, NameOf(state.Condition));
        json.WriteString("until"u8, state.Until?.ToUniversalTime().ToString(TimeForm, CultureInfo.InvariantCulture));
        json.WriteString("fault"u8, state.Fault);
        json.WriteNumber("usedToday"u8, state.UsedToday.Bytes);
        json.WriteNumber("usedThisMonth"u8, state.UsedThisMonth.Bytes);
        Number(json, "allowedUpload", state.AllowedUpload?.BitsPerSecond);
        Number(json, "allowedDownload", state.AllowedDownload?.BitsPerSecond);
        json.WriteNumber("share"u8, state.Share);
        json.WriteEndObject();
    }

    public void WriteText(TextPage page)
    {
        page.Heading(taken switch
        {
            TakenBy.Node => "The running node has taken these limits.",
            TakenBy.NextStart => "No node shares on this folder now; the next one that starts there has these limits.",
            TakenBy.NotYet => "The limits are written, but the running node has not taken them.",
            _ => state is null ? "No node shares on this folder now." : "What others may have of this line:",
        });
        page.Field("up to", $"{limits.MaxUpload?.ToString() ?? "any rate"} sent, {limits.MaxDownload?.ToString() ?? "any rate"} received");
        string daily = limits.DailyQuota?.ToString() ?? "none", monthly = limits.MonthlyQuota?.ToString() ?? "none";
        page.Field("quota", $"{daily} a day, {monthly} a month, which begins on day {limits.ResetDay}{(limits.Hibernate ? "; hibernates" : "")}");
        page.Field("hours", limits.Schedule.Count == 0 ? "always" : string.Join("; ", limits.Schedule));
        page.Field("gives way", limits.Yield ? "to the owner's traffic" : "never");
        page.Field("on battery", NameOf(limits.WhenOnBattery));
        page.Field("metered", NameOf(limits.WhenMetered));
        if (limits.Paused) page.Bad("  Paused by the owner; 'overlay limits resume' serves again.");
        if (state is null) return;
        string until = state.Until is { } time ? $" until {time.ToUniversalTime().ToString(TimeForm, CultureInfo.InvariantCulture)}" : "";
        page.Field("now", $"{NameOf(state.Condition)}{until}{(state.Fault is { } fault ? $": {fault}" : "")}");
        page.Field("used", $"{state.UsedToday} today, {state.UsedThisMonth} this month");
        page.Field("allowed", $"{state.AllowedUpload?.ToString() ?? "any rate"} sent, {state.AllowedDownload?.ToString() ?? "any rate"} received");
    }

    private static void Number(Utf8JsonWriter json, string name, ulong? value)
    {
        if (value is { } number) json.WriteNumber(name, number);
        else json.WriteNull(name);
    }

    private static string NameOf(OwnerRule rule) => rule switch { OwnerRule.Serve => "serve", OwnerRule.Yield => "yield", _ => "pause" };

    private static string NameOf(SharingCondition condition) => condition switch
    {
        SharingCondition.Serving => "serving",
        SharingCondition.Yielding => "yielding",
        SharingCondition.Paused => "paused",
        SharingCondition.OutsideSchedule => "outside-schedule",
        SharingCondition.Asleep => "asleep",
        SharingCondition.QuotaSpent => "quota-spent",
        SharingCondition.OnBattery => "on-battery",
        SharingCondition.Metered => "metered",
        _ => "faulted",
    };
}
