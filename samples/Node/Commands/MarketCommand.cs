using System.CommandLine;
using Overlay.Market;
using Overlay.Node.Configuration;
using Overlay.Node.Output;

namespace Overlay.Node.Commands;

/// <summary><c>overlay market</c>: what is asked and offered, by region, as it changes.</summary>
internal static class MarketCommand
{
    private const int DefaultInterval = 2, MaxInterval = 3600;

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
                invocation, invocation.Read(options), TimeSpan.FromSeconds(CommandNumbers.Read(interval.Name, invocation.Find(interval), DefaultInterval, MaxInterval)),
                CommandNumbers.Read(count.Name, invocation.Find(count), int.MaxValue, int.MaxValue)),
            "overlay market", $"overlay market --bootstrap {PeerProbe.ExampleAddress} --count 5 --json");
    }

    private static async Task<int> RunAsync(Invocation invocation, SettingValues settings, TimeSpan interval, int count)
    {
        using var over = CancellationTokenSource.CreateLinkedTokenSource(invocation.Stop);
        // Nothing heard is nothing to show.
        IReadOnlyList<RegionFigures> shown = [];
        try
        {
            await MarketListener.WatchAsync(
                invocation, settings, interval,
                regions =>
                {
                    if (!shown.SequenceEqual(regions)) invocation.Output.WriteTable(MarketLine.Columns, [.. regions.Select(figures => new MarketLine(figures))]);
                    shown = regions;
                    if (--count == 0) over.Cancel();
                },
                over.Token);
        }
        catch (OperationCanceledException)
        {
            // Ctrl-C or enough looks is how it ends.
        }

        return ExitCode.Done;
    }
}
