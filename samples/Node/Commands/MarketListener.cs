using Overlay.Market;
using Overlay.Market.Choosing;
using Overlay.Node.Configuration;

namespace Overlay.Node.Commands;

/// <summary>A node that joins to hear the market and asks for nothing itself.</summary>
internal static class MarketListener
{
    private const string DemandTopic = "/overlay/demand/1/";

    // Between two looks at who offers what: an offer holds for two minutes.
    private static readonly TimeSpan s_surveyInterval = TimeSpan.FromMinutes(1);

    /// <summary>Joins, listens for a while, and tells what it has heard.</summary>
    internal static async Task<IReadOnlyList<RegionFigures>> ListenAsync(Invocation invocation, SettingValues settings, TimeSpan time)
    {
        IReadOnlyList<RegionFigures> heard = [];
        using var over = CancellationTokenSource.CreateLinkedTokenSource(invocation.Stop);
        bool listens = false;
        try
        {
            await WatchAsync(
                invocation, settings, TimeSpan.FromSeconds(1),
                regions =>
                {
                    // The first look is the node's start.
                    if (!listens) over.CancelAfter(time);
                    listens = true;
                    heard = regions;
                },
                over.Token);
        }
        catch (OperationCanceledException) when (!invocation.Stop.IsCancellationRequested)
        {
            // The time is over.
        }

        return heard;
    }

    /// <summary>Joins and tells what was heard now and after each interval, until cancelled.</summary>
    internal static async Task WatchAsync(
        Invocation invocation, SettingValues settings, TimeSpan interval, Action<IReadOnlyList<RegionFigures>> tell, CancellationToken stop)
    {
        IReadOnlyList<string> listen = [.. settings.Get(Settings.Listen).Select(address => address.ToString())];
        var options = new OverlayOptions
        {
            Listen = listen.Count > 0 ? listen : RunOptions.ListenAnywhere,
            Discovery = RunOptions.Discovery(settings),
            Gossip = RunOptions.Gossip,
            Market = RunOptions.Market(settings),
        };
        await using OverlayNode node = await OverlayNode.StartAsync(options, new OverlayServices { LoggerFactory = invocation.Logging }, stop);
        using var over = CancellationTokenSource.CreateLinkedTokenSource(stop);
        node.Market.Follow(Region.Anywhere);
        if (settings.Find(Settings.Region) is { } wanted) node.Market.Follow(wanted);
        Task surveying = SurveyAsync(node, over.Token);
        try
        {
            await foreach (IReadOnlyList<RegionFigures> regions in node.Market.WatchAsync(interval, over.Token))
            {
                // Whatever region anybody's demand is told of here is worth hearing.
                foreach (string topic in node.Gossip!.Topics.Where(name => name.StartsWith(DemandTopic, StringComparison.Ordinal)))
                    if (Region.TryParse(topic[DemandTopic.Length..], out Region region)) node.Market.Follow(region);
                tell(regions);
            }
        }
        finally
        {
            await over.CancelAsync();
            await surveying;
        }
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
}
