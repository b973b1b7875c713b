using System.Globalization;
using Overlay.Market;
using Overlay.Node.Output;

namespace Overlay.Node.Commands;

/// <summary>What a line may earn in a month by what was heard of the market. Pure arithmetic, with its assumptions as constants.</summary>
/// <remarks>
/// Price: from the lowest that is offered to what those who ask would pay (the median of what they name), or to the median offer where they name
/// none. Bytes: a share of what the line can carry in 30 days, but never more than this line's part of the demand heard, if what was asked for while
/// listening were asked for all month and divided among all who offer and this one.
/// </remarks>
internal sealed record EarningsEstimate
{
    /// <summary>Share of the line that is sold at the least.</summary>
    internal const decimal LowShare = 0.01m;

    /// <summary>Share of the line that is sold at the most.</summary>
    internal const decimal HighShare = 0.20m;

    private const decimal SecondsOfMonth = 30 * 86_400, BytesPerGiB = 1L << 30;

    /// <summary>The line's rate in Mbit/s.</summary>
    internal required decimal Megabits { get; init; }

    /// <summary>GiB sold in a month, at least and at most.</summary>
    internal required (decimal Low, decimal High) GiB { get; init; }

    /// <summary>Credits for a GiB, at least and at most.</summary>
    internal required (decimal Low, decimal High) Price { get; init; }

    /// <summary>Whether demand, and not the line, is what there is least of.</summary>
    internal required bool IsBoundByDemand { get; init; }

    /// <summary>Credits in a month, at least and at most.</summary>
    internal (decimal Low, decimal High) Credits => (Math.Round(GiB.Low * Price.Low, 2), Math.Round(GiB.High * Price.High, 2));

    /// <summary>What a line may earn.</summary>
    /// <param name="megabits">Its rate in Mbit/s.</param>
    /// <param name="uptime">The part of the time for which it is there, above 0 to 1.</param>
    /// <param name="heard">What was heard.</param>
    /// <exception cref="RefusalException">Too little was heard to say anything.</exception>
    internal static EarningsEstimate Of(decimal megabits, decimal uptime, HeardMarket heard)
    {
        heard.ThrowIfTooLittle();
        decimal most = megabits * 1_000_000 / 8 * SecondsOfMonth * uptime / BytesPerGiB;
        (decimal low, decimal high) = (most * LowShare, most * HighShare);
        bool isBound = false;
        // Who asks without an amount bounds nothing.
        if (heard.Wanted.Bytes > 0)
        {
            decimal due = heard.Wanted.Bytes / (decimal)heard.Listened.TotalSeconds * SecondsOfMonth * uptime / BytesPerGiB / (heard.Offers + 1);
            isBound = due < high;
            (low, high) = (Math.Min(low, due), Math.Min(high, due));
        }

        return new EarningsEstimate { Megabits = megabits, GiB = (low, high), Price = heard.Price!.Value, IsBoundByDemand = isBound };
    }
}

/// <summary>What was heard of the market in one region, or in all.</summary>
/// <param name="Listened">For how long; above zero.</param>
/// <param name="Demands">How many demands.</param>
/// <param name="Wanted">What they ask for together.</param>
/// <param name="Offers">How many providers offer.</param>
/// <param name="Price">Credits for a GiB, at least and at most; null where nobody named a price.</param>
internal sealed record HeardMarket(TimeSpan Listened, int Demands, ByteSize Wanted, int Offers, (decimal Low, decimal High)? Price)
{
    /// <summary>Sums up regions.</summary>
    /// <param name="listened">For how long was listened.</param>
    /// <param name="regions">All that were heard of.</param>
    /// <param name="region">The one that counts, with what is asked without naming one; null for all.</param>
    internal static HeardMarket Of(TimeSpan listened, IReadOnlyList<RegionFigures> regions, Region? region)
    {
        RegionFigures[] offering = [.. regions.Where(figures => region is null || figures.Region == region)];
        RegionFigures[] asking = [.. regions.Where(figures => region is null || figures.Region == region || figures.Region == Region.Anywhere)];
        UInt128 wanted = asking.Aggregate(UInt128.Zero, (sum, figures) => sum + figures.Wanted.Bytes);
        decimal? lowest = offering.Min(figures => figures.LowestPricePerGiB);
        // The lower of the regions' medians: strangers can name any price, and a hopeful figure helps nobody.
        decimal? paid = asking.Min(figures => figures.MedianMaxPricePerGiB) ?? offering.Min(figures => figures.MedianPricePerGiB);
        (decimal, decimal)? price = (lowest ?? paid, paid ?? lowest) is ({ } low, { } high) ? (Math.Min(low, high), high) : null;
        return new HeardMarket(
            listened, asking.Sum(figures => figures.DemandCount), new ByteSize((ulong)UInt128.Min(wanted, ulong.MaxValue)), offering.Sum(figures => figures.OfferCount), price);
    }

    /// <exception cref="RefusalException">Nothing was heard from which an estimate could be made.</exception>
    internal void ThrowIfTooLittle()
    {
        string listened = $"in {Units.Seconds(Listened)}";
        if (Demands == 0 && Offers == 0) throw new RefusalException($"no estimate can be made: neither demand nor offers were heard {listened}.");
        if (Demands == 0)
            throw new RefusalException($"no estimate can be made: {Units.Count(Offers, "offer")} but no demand was heard {listened}. Listen longer with --seconds.");
        if (Price is null) throw new RefusalException($"no estimate can be made: {Units.Count(Demands, "demand")} heard {listened}, but nobody named a price.");
    }

    /// <summary>What the estimate rests on, and what it does not know.</summary>
    internal IReadOnlyList<string> Basis(decimal uptime) =>
    [
        string.Create(CultureInfo.InvariantCulture,
            $"heard in {Listened.TotalSeconds:0} s: {Units.Count(Demands, "demand")}{(Wanted.Bytes > 0 ? $" for {Units.Size(Wanted.Bytes)} in all" : "")}, {Units.Count(Offers, "offer")}"),
        Price is { } price ? $"price: {Units.Credits(price.Low)} (the lowest offered) to {Units.Credits(price.High)} credits a GiB (what those who ask would pay, or the median offer)" : "",
        string.Create(CultureInfo.InvariantCulture,
            $"assumed: {EarningsEstimate.LowShare:0 %} to {EarningsEstimate.HighShare:0 %} of the line is sold, both ways together, for {uptime:0.## %} of 30 days"),
        Wanted.Bytes > 0
            ? "never more than this line's part of what is asked: as asked for while listening, all month, divided among all who offer and this one"
            : "those who ask named no amounts, so demand sets no bound",
        "not known: whether this demand lasts, what of it is honest, what your line's owner allows, and what it costs you",
    ];
}
