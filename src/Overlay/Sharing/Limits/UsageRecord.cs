using System.Buffers;
using System.Globalization;
using System.Text.Json;

namespace Overlay.Sharing.Limits;

/// <summary>What was used of the quotas, as it stands on disk: never less than what has crossed the line while a quota was set, for it is written
/// before.</summary>
internal sealed record UsageRecord
{
    /// <summary>The day of <see cref="DayBytes"/>.</summary>
    internal DateOnly Day { get; init; }

    /// <summary>Bytes over the line in that day, in and out together.</summary>
    internal ulong DayBytes { get; init; }

    /// <summary>The first day of the month of <see cref="MonthBytes"/>.</summary>
    internal DateOnly Month { get; init; }

    /// <summary>Bytes over the line in that month.</summary>
    internal ulong MonthBytes { get; init; }

    /// <summary>How long it took to spend the quota that hibernation goes by, in this period; null while it is not spent.</summary>
    internal TimeSpan? Spending { get; init; }

    /// <summary>The same of the period before.</summary>
    internal TimeSpan? LastSpending { get; init; }

    internal byte[] Write()
    {
        var buffer = new ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(buffer))
        {
            json.WriteStartObject();
            json.WriteString("day", Text(Day));
            json.WriteNumber("dayBytes", DayBytes);
            json.WriteString("month", Text(Month));
            json.WriteNumber("monthBytes", MonthBytes);
            if (Spending is { } spending) json.WriteNumber("spendingSeconds", (long)spending.TotalSeconds);
            if (LastSpending is { } last) json.WriteNumber("lastSpendingSeconds", (long)last.TotalSeconds);
            json.WriteEndObject();
        }

        return [.. buffer.WrittenSpan, (byte)'\n'];
    }

    /// <exception cref="FormatException">The text is no record of usage.</exception>
    internal static UsageRecord Read(ReadOnlyMemory<byte> text)
    {
        try
        {
            using JsonDocument document = JsonDocument.Parse(text);
            JsonElement json = document.RootElement;
            return new UsageRecord
            {
                Day = Date(json.GetProperty("day")),
                DayBytes = json.GetProperty("dayBytes").GetUInt64(),
                Month = Date(json.GetProperty("month")),
                MonthBytes = json.GetProperty("monthBytes").GetUInt64(),
                Spending = Seconds(json, "spendingSeconds"),
                LastSpending = Seconds(json, "lastSpendingSeconds"),
            };
        }
        catch (Exception e) when (e is JsonException or KeyNotFoundException or InvalidOperationException or FormatException)
        {
            throw new FormatException("it is no record of what was used", e);
        }
    }

    private static string Text(DateOnly date) => date.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture);

    private static DateOnly Date(JsonElement value) => DateOnly.ParseExact(value.GetString() ?? "", "yyyy-MM-dd", CultureInfo.InvariantCulture);

    private static TimeSpan? Seconds(JsonElement json, string name) =>
        json.TryGetProperty(name, out JsonElement value) ? TimeSpan.FromSeconds(Math.Clamp(value.GetInt64(), 0, 400 * 86_400)) : null;
}
