using System.Globalization;
using System.Text.Json;
using Overlay.Market;

namespace Overlay.Node.Output;

/// <summary>A region's figures as a row.</summary>
internal sealed class MarketLine(RegionFigures figures) : IRow
{
    internal static IReadOnlyList<Column> Columns { get; } =
        [
            new("region"), new("demands", true), new("wanted", true), new("would pay (median)", true), new("offers", true),
            new("price (median)", true), new("lowest", true), new("attested", true), new("up", true), new("round trip", true), new("down", true),
        ];

    public string Event => "region";

    public IReadOnlyList<string> Cells =>
    [
        figures.Region == Region.Anywhere ? "anywhere" : figures.Region.Code,
        figures.DemandCount.ToString(CultureInfo.InvariantCulture),
        figures.Wanted.Bytes == 0 ? "" : Units.Size(figures.Wanted.Bytes),
        Credits(figures.MedianMaxPricePerGiB),
        figures.OfferCount.ToString(CultureInfo.InvariantCulture),
        Credits(figures.MedianPricePerGiB),
        Credits(figures.LowestPricePerGiB),
        figures.AttestedCount == 0 ? "" : figures.AttestedCount.ToString(CultureInfo.InvariantCulture),
        figures.MedianUptime is { } uptime ? uptime.ToString("P0", CultureInfo.InvariantCulture) : "",
        figures.MedianRoundTrip is { } roundTrip ? Units.Milliseconds(roundTrip) : "",
        figures.MedianRateDown?.ToString() ?? "",
    ];

    public void WriteJson(Utf8JsonWriter json)
    {
        json.WriteString("region"u8, figures.Region.Code);
        json.WriteNumber("demands"u8, figures.DemandCount);
        json.WriteNumber("wanted"u8, figures.Wanted.Bytes);
        Write(json, "medianMaxPrice"u8, figures.MedianMaxPricePerGiB);
        json.WriteNumber("offers"u8, figures.OfferCount);
        Write(json, "medianPrice"u8, figures.MedianPricePerGiB);
        Write(json, "lowestPrice"u8, figures.LowestPricePerGiB);
        json.WriteNumber("attested"u8, figures.AttestedCount);
        Write(json, "medianUptime"u8, (decimal?)figures.MedianUptime);
        Write(json, "medianMilliseconds"u8, (decimal?)figures.MedianRoundTrip?.TotalMilliseconds);
        Write(json, "medianMbpsDown"u8, (decimal?)figures.MedianRateDown?.Megabits);
        Write(json, "medianMbpsUp"u8, (decimal?)figures.MedianRateUp?.Megabits);
    }

    private static string Credits(decimal? price) => price is { } credits ? Units.Credits(credits) : "";

    private static void Write(Utf8JsonWriter json, ReadOnlySpan<byte> name, decimal? figure)
    {
        if (figure is { } number) json.WriteNumber(name, number);
        else json.WriteNull(name);
    }
}
