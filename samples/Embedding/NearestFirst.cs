using Overlay;
using Overlay.Discovery;
using Overlay.Market;
using Overlay.Market.Choosing;

namespace Embedding;

/// <summary>A selection policy of one's own: who of several providers is used.</summary>
internal static class NearestFirst
{
    internal static async Task GetAsync(string wayIn)
    {
        #region ranking
        await using var overlay = await OverlayNode.StartAsync(new OverlayOptions
        {
            Discovery = new DiscoveryOptions { Bootstrap = [wayIn] },
            Market = new MarketOptions { Ranking = new LatencyRanking() },
        });
        #endregion

        using var http = new HttpClient(overlay.CreateHttpHandler(new ExitWish { Region = "DE" }));
        Console.WriteLine(await http.GetStringAsync("https://example.org/"));
    }

    #region policy
    /// <summary>The nearest that can be trusted; whoever has broken a word is left out, and therefore never used.</summary>
    internal sealed class LatencyRanking : IExitRanking
    {
        public IReadOnlyList<ExitCandidate> Rank(ExitWish wish, IReadOnlyList<ExitCandidate> candidates) =>
            [.. candidates.Where(candidate => candidate.Standing >= ExitCandidate.Newcomer).OrderBy(candidate => candidate.Latency ?? TimeSpan.MaxValue)];
    }
    #endregion
}
