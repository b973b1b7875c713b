using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using Overlay.Market;
using Overlay.Node.Configuration;
using Overlay.Node.Output;

namespace Overlay.Node.Commands;

/// <summary><c>overlay estimate</c>: what a line may earn in a month, by the demand and the offers of this moment.</summary>
internal static class EstimateCommand
{
    private const int DefaultSeconds = 20;

    // As long as a demand is valid unless its maker says otherwise: what was heard longer ago is no longer among what is heard.
    private const int MaxSeconds = 120;

    private const decimal DefaultUptime = 0.98m, MaxMegabits = 1_000_000m;

    private static readonly decimal[] s_lines = [50, 500, 1000];

    internal static Command Create(CommandTree tree)
    {
        var command = new Command("estimate", "Estimate what a line may earn in a month, from the demand and the offers that are heard now. Asks for nothing itself.");
        var options = new SettingOptions(
            command, Settings.Listen, Settings.Bootstrap, Settings.Peer, Settings.NoMdns, Settings.KadProtocol, Settings.PrivateNetwork, Settings.Region);
        var megabits = new Option<string>("--mbps") { HelpName = "N", Description = "The line's rate in Mbit/s; without it, lines of 50, 500 and 1000." };
        var uptime = new Option<string>("--uptime") { HelpName = "PART", Description = $"The part of the time for which it is there, above 0 to 1; {Text(DefaultUptime)} by default." };
        var seconds = new Option<string>("--seconds") { HelpName = "N", Description = $"How long to listen, at most {MaxSeconds}; {DefaultSeconds} by default." };
        command.Options.Add(megabits);
        command.Options.Add(uptime);
        command.Options.Add(seconds);
        return tree.Complete(
            command,
            invocation => RunAsync(
                invocation, invocation.Read(options), ReadNumber(invocation, megabits, MaxMegabits), ReadNumber(invocation, uptime, 1) ?? DefaultUptime,
                TimeSpan.FromSeconds(CommandNumbers.Read(seconds.Name, invocation.Find(seconds), DefaultSeconds, MaxSeconds))),
            "overlay estimate --mbps 500 --region DE --uptime 0.98", $"overlay estimate --bootstrap {PeerProbe.ExampleAddress} --seconds 60 --json");
    }

    private static async Task<int> RunAsync(Invocation invocation, SettingValues settings, decimal? megabits, decimal uptime, TimeSpan listening)
    {
        IReadOnlyList<RegionFigures> regions = await MarketListener.ListenAsync(invocation, settings, listening);
        HeardMarket heard = HeardMarket.Of(listening, regions, settings.Find(Settings.Region));
        EarningsEstimate[] estimates = [.. (megabits is { } one ? [one] : s_lines).Select(line => EarningsEstimate.Of(line, uptime, heard))];
        invocation.Output.WriteTable(EstimateLine.Columns, [.. estimates.Select(estimate => new EstimateLine(estimate))]);
        invocation.Output.Write(new EstimateBasis(heard, uptime));
        return ExitCode.Done;
    }

    private static decimal? ReadNumber(Invocation invocation, Option<string> option, decimal max)
    {
        if (invocation.Find(option) is not { } text) return null;
        return decimal.TryParse(text, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out decimal value) && value > 0 && value <= max
            ? value
            : throw new UsageException($"{option.Name} cannot be '{text}': it takes a number above 0, at most {Text(max)}.");
    }

    private static string Text(decimal value) => value.ToString(CultureInfo.InvariantCulture);

    private sealed class EstimateLine(EarningsEstimate estimate) : IRow
    {
        internal static IReadOnlyList<Column> Columns { get; } =
            [new("line", true), new("sold a month", true), new("credits a month", true), new("bound by")];

        public string Event => "estimate";

        public IReadOnlyList<string> Cells =>
        [
            $"{Text(estimate.Megabits)} Mbit/s",
            string.Create(CultureInfo.InvariantCulture, $"{estimate.GiB.Low:#,0.#} – {estimate.GiB.High:#,0.#} GiB"),
            $"{Units.Credits(estimate.Credits.Low)} – {Units.Credits(estimate.Credits.High)}",
            estimate.IsBoundByDemand ? "demand" : "the line",
        ];

        public void WriteJson(Utf8JsonWriter json)
        {
            json.WriteNumber("mbps"u8, estimate.Megabits);
            json.WriteNumber("lowGiB"u8, Math.Round(estimate.GiB.Low, 3));
            json.WriteNumber("highGiB"u8, Math.Round(estimate.GiB.High, 3));
            json.WriteNumber("lowCredits"u8, estimate.Credits.Low);
            json.WriteNumber("highCredits"u8, estimate.Credits.High);
            json.WriteString("boundBy"u8, estimate.IsBoundByDemand ? "demand" : "line");
        }
    }

    private sealed class EstimateBasis(HeardMarket heard, decimal uptime) : IMessage
    {
        public string Event => "basis";

        public void WriteJson(Utf8JsonWriter json)
        {
            json.WriteNumber("seconds"u8, Math.Round(heard.Listened.TotalSeconds, 3));
            json.WriteNumber("demands"u8, heard.Demands);
            json.WriteNumber("wanted"u8, heard.Wanted.Bytes);
            json.WriteNumber("offers"u8, heard.Offers);
            json.WriteNumber("lowPrice"u8, heard.Price!.Value.Low);
            json.WriteNumber("highPrice"u8, heard.Price!.Value.High);
            json.WriteNumber("lowShare"u8, EarningsEstimate.LowShare);
            json.WriteNumber("highShare"u8, EarningsEstimate.HighShare);
            json.WriteNumber("uptime"u8, uptime);
        }

        public void WriteText(TextPage page)
        {
            page.Heading("What this rests on");
            foreach (string line in heard.Basis(uptime)) page.Line($"  {line}");
        }
    }
}
