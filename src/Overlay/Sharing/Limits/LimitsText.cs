using System.Buffers;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;

namespace Overlay.Sharing.Limits;

/// <summary>Limits as JSON: one object whose names are those of <see cref="OwnerLimits"/>. Rates are bits in a second, sizes bytes or text such as
/// <c>500GiB</c>.</summary>
internal static class LimitsText
{
    private const int MaxShown = 64;

    private static readonly string[] s_names =
    [
        "maxUpload", "maxDownload", "dailyQuota", "monthlyQuota", "resetDay", "hibernate", "schedule", "yield", "whenOnBattery", "whenMetered", "paused",
    ];

    /// <summary>Which limits a file holds: its SHA-256, hexadecimal.</summary>
    internal static string RevisionOf(ReadOnlySpan<byte> text) => Convert.ToHexStringLower(SHA256.HashData(text));

    internal static byte[] Write(OwnerLimits limits)
    {
        var buffer = new ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(buffer, new JsonWriterOptions { Indented = true }))
        {
            json.WriteStartObject();
            if (limits.MaxUpload is { } up) json.WriteNumber("maxUpload", up.BitsPerSecond);
            if (limits.MaxDownload is { } down) json.WriteNumber("maxDownload", down.BitsPerSecond);
            if (limits.DailyQuota is { } daily) json.WriteNumber("dailyQuota", daily.Bytes);
            if (limits.MonthlyQuota is { } monthly) json.WriteNumber("monthlyQuota", monthly.Bytes);
            json.WriteNumber("resetDay", limits.ResetDay);
            json.WriteBoolean("hibernate", limits.Hibernate);
            json.WriteStartArray("schedule");
            foreach (ScheduleWindow window in limits.Schedule) json.WriteStringValue(window.ToString());
            json.WriteEndArray();
            json.WriteBoolean("yield", limits.Yield);
            json.WriteString("whenOnBattery", NameOf(limits.WhenOnBattery));
            json.WriteString("whenMetered", NameOf(limits.WhenMetered));
            json.WriteBoolean("paused", limits.Paused);
            json.WriteEndObject();
        }

        return [.. buffer.WrittenSpan, (byte)'\n'];
    }

    /// <summary>Reads limits. What is not written has its default; what is written and not understood is an error, for half of an owner's limits is not what
    /// the owner wants.</summary>
    /// <exception cref="FormatException">The text is no limits; the message names what is wrong in one line.</exception>
    internal static OwnerLimits Read(ReadOnlyMemory<byte> text)
    {
        if (text.Span.StartsWith("\uFEFF"u8)) text = text[3..];
        var limits = new OwnerLimits();
        var seen = new HashSet<string>(StringComparer.Ordinal);
        try
        {
            var leniency = new JsonDocumentOptions { CommentHandling = JsonCommentHandling.Skip, AllowTrailingCommas = true };
            using JsonDocument document = JsonDocument.Parse(text, leniency);
            if (document.RootElement.ValueKind != JsonValueKind.Object)
                throw new FormatException("it must hold one JSON object such as { \"maxUpload\": 20000000 }");
            foreach (JsonProperty property in document.RootElement.EnumerateObject())
            {
                if (!s_names.Contains(property.Name))
                    throw new FormatException($"there is no '{Shown(property.Name)}'; the nearest is '{NearestName.Among(s_names, property.Name)}'");
                if (!seen.Add(property.Name)) throw new FormatException($"'{property.Name}' is there twice");
                limits = With(limits, property.Name, property.Value);
            }
        }
        catch (JsonException e)
        {
            throw new FormatException($"it is not JSON: line {e.LineNumber + 1}, byte {e.BytePositionInLine + 1}", e);
        }
        catch (Exception e) when (e is InvalidOperationException or DecoderFallbackException)
        {
            // Bytes of another encoding, or half of a surrogate pair: found only when a name or a value is read.
            throw new FormatException("it holds text that is not UTF-8", e);
        }
        catch (ArgumentException e)
        {
            // The message of an option's own check, without the lines that .NET adds.
            throw new FormatException(e.Message.Split(['\r', '\n'])[0], e);
        }

        return limits;
    }

    private static OwnerLimits With(OwnerLimits limits, string name, JsonElement value) => name switch
    {
        "maxUpload" => limits with { MaxUpload = Rate(name, value) },
        "maxDownload" => limits with { MaxDownload = Rate(name, value) },
        "dailyQuota" => limits with { DailyQuota = Size(name, value) },
        "monthlyQuota" => limits with { MonthlyQuota = Size(name, value) },
        "resetDay" => limits with
        {
            ResetDay = value.ValueKind == JsonValueKind.Number && value.TryGetInt32(out int day)
            ? day : throw Wrong(name, value, "a day from 1 to 28")
        },
        "hibernate" => limits with { Hibernate = Switch(name, value) },
        "schedule" => limits with { Schedule = Windows(name, value) },
        "yield" => limits with { Yield = Switch(name, value) },
        "whenOnBattery" => limits with { WhenOnBattery = Rule(name, value) },
        "whenMetered" => limits with { WhenMetered = Rule(name, value) },
        _ => limits with { Paused = Switch(name, value) },
    };

    private static BitRate? Rate(string name, JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.Null => null,
        JsonValueKind.Number when value.TryGetUInt64(out ulong bits) => new BitRate(bits),
        _ => throw Wrong(name, value, "whole bits in a second, such as 20000000, or null"),
    };

    private static ByteSize? Size(string name, JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.Null => null,
        JsonValueKind.Number when value.TryGetUInt64(out ulong bytes) => new ByteSize(bytes),
        JsonValueKind.String when ByteSize.TryParse(value.GetString(), out ByteSize size) => size,
        _ => throw Wrong(name, value, "a size such as \"500GiB\", bytes, or null"),
    };

    private static bool Switch(string name, JsonElement value) =>
        value.ValueKind is JsonValueKind.True or JsonValueKind.False ? value.GetBoolean() : throw Wrong(name, value, "true or false");

    private static OwnerRule Rule(string name, JsonElement value) => (value.ValueKind == JsonValueKind.String ? value.GetString() : null) switch
    {
        "serve" => OwnerRule.Serve,
        "yield" => OwnerRule.Yield,
        "pause" => OwnerRule.Pause,
        _ => throw Wrong(name, value, "\"serve\", \"yield\" or \"pause\""),
    };

    private static List<ScheduleWindow> Windows(string name, JsonElement value)
    {
        if (value.ValueKind != JsonValueKind.Array || value.GetArrayLength() > OwnerLimits.MaxWindows)
            throw Wrong(name, value, $"a list of up to {OwnerLimits.MaxWindows} windows");
        return
        [
            .. value.EnumerateArray().Select(element =>
                element.ValueKind == JsonValueKind.String && ScheduleWindow.TryParse(element.GetString(), out ScheduleWindow? window)
                    ? window : throw Wrong(name, element, "windows such as \"mon-fri 22:00-07:00\"")),
        ];
    }

    private static string NameOf(OwnerRule rule) => rule switch { OwnerRule.Serve => "serve", OwnerRule.Yield => "yield", _ => "pause" };

    private static FormatException Wrong(string name, JsonElement value, string allowed) =>
        new($"'{name}' cannot be {Shown(value.GetRawText())}: it takes {allowed}");

    // What somebody wrote, short and in one line.
    private static string Shown(string text)
    {
        string line = string.Concat(text.Take(MaxShown).Select(c => char.IsControl(c) ? ' ' : c));
        return text.Length <= MaxShown ? line : line + "…";
    }
}
