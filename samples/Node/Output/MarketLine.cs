using System.Globalization;
using System.Text.Json;
using Overlay.Market;

namespace Overlay.Node.Output;

/// <summary>A region's figures as a row.</summary>
internal sealed class MarketLine(RegionFigures figures) : IRow
{
    internal static IReadOnlyList<Column> Columns { get; } =
        [new("region"), new("demands", true), new("wanted", true), new("would pay (median)", true), new("offers", true), new("price (median)", true), new("lowest", true)];

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
    }

    private static string Credits(decimal? price) => price is { } credits ? Units.Credits(credits) : "";

    private static void Write(Utf8JsonWriter json, ReadOnlySpan<byte> name, decimal? price)
    {
        if (price is { } credits) json.WriteNumber(name, credits);
        else json.WriteNull(name);
    }
}
