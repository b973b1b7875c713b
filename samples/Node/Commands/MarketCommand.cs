using System.CommandLine;
using System.Globalization;
using Overlay.Market;
using Overlay.Market.Choosing;
using Overlay.Node.Configuration;
using Overlay.Node.Output;

namespace Overlay.Node.Commands;

/// <summary><c>overlay market</c>: what is asked and offered, by region, as it changes.</summary>
internal static class MarketCommand
{
    private const string DemandTopic = "/overlay/demand/1/";
    private const int DefaultInterval = 2, MaxInterval = 3600;

    // Between two looks at who offers what: an offer holds for two minutes.
    private static readonly TimeSpan s_surveyInterval = TimeSpan.FromMinutes(1);

    internal static Command Create(CommandTree tree)
    {
        var command = new Command("market", "Show what is asked and offered in the network, by region, until Ctrl-C. Asks for nothing itself.");
        var options = new SettingOptions(
            command, Settings.Listen, Settings.Bootstrap, Settings.Peer, Settings.NoMdns, Settings.KadProtocol, Settings.PrivateNetwork, Settings.Region, Settings.GeoIp);
        var interval = new Option<string>("--interval") { HelpName = "SECONDS", Description = $"How often to look; {DefaultInterval} by default." };
        var count = new Option<string>("--count") { HelpName = "N", Description = "End after so many looks; each is shown when something has changed." };
        command.Options.Add(interval);
        command.Options.Add(count);
        return tree.Complete(
            command,
            invocation => RunAsync(
                invocation, invocation.Read(options), TimeSpan.FromSeconds(ReadNumber(invocation, interval, DefaultInterval, MaxInterval)),
                ReadNumber(invocation, count, int.MaxValue, int.MaxValue)),
            "overlay market", $"overlay market --bootstrap {PeerProbe.ExampleAddress} --count 5 --json");
    }

    private static async Task<int> RunAsync(Invocation invocation, SettingValues settings, TimeSpan interval, int count)
    {
        IReadOnlyList<string> listen = [.. settings.Get(Settings.Listen).Select(address => address.ToString())];
        var options = new OverlayOptions
        {
            Listen = listen.Count > 0 ? listen : RunOptions.ListenAnywhere,
            Discovery = RunOptions.Discovery(settings),
            Gossip = RunOptions.Gossip,
            Market = RunOptions.Market(settings),
        };
        await using OverlayNode node = await OverlayNode.StartAsync(options, new OverlayServices { LoggerFactory = invocation.Logging }, invocation.Stop);
        using var over = CancellationTokenSource.CreateLinkedTokenSource(invocation.Stop);
        node.Market.Follow(Region.Anywhere);
        Task surveying = SurveyAsync(node, over.Token);
        try
        {
            // Nothing heard is nothing to show.
            IReadOnlyList<RegionFigures> shown = [];
            await foreach (IReadOnlyList<RegionFigures> regions in node.Market.WatchAsync(interval, over.Token))
            {
                // Whatever region anybody's demand is told of here is worth hearing.
                foreach (string topic in node.Gossip!.Topics.Where(name => name.StartsWith(DemandTopic, StringComparison.Ordinal)))
                    if (Region.TryParse(topic[DemandTopic.Length..], out Region region)) node.Market.Follow(region);
                if (!shown.SequenceEqual(regions)) invocation.Output.WriteTable(MarketLine.Columns, [.. regions.Select(figures => new MarketLine(figures))]);
                shown = regions;
                if (--count == 0) break;
            }
        }
        catch (OperationCanceledException) when (invocation.Stop.IsCancellationRequested)
        {
            // Ctrl-C is how it ends.
        }

        await over.CancelAsync();
        await surveying;
        return ExitCode.Done;
    }

    /// <summary>Asks the exits that the DHT knows for their terms, again and again.</summary>
    private static async Task SurveyAsync(OverlayNode node, CancellationToken stop)
    {
        try
        {
            while (true)
            {
                IReadOnlyList<ExitCandidate> found = await node.Market.FindExitsAsync(new ExitWish(), stop);
                // A node that has just started finds nobody yet.
                await Task.Delay(found.Count > 0 ? s_surveyInterval : TimeSpan.FromSeconds(1), stop);
            }
        }
        catch (OperationCanceledException)
        {
            // The command ends.
        }
    }

    private static int ReadNumber(Invocation invocation, Option<string> option, int otherwise, int max)
    {
        if (invocation.Find(option) is not { } text) return otherwise;
        return int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out int value) && value >= 1 && value <= max
            ? value
            : throw new UsageException($"{option.Name} cannot be '{text}': it takes a whole number from 1 to {max}.");
    }
}
