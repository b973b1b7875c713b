using System.Diagnostics;
using System.Globalization;
using Overlay.Simulation.Tests.Network;

namespace Overlay.Simulation.Tests.Kademlia;

/// <summary>The figures that the project states, at their full size: minutes, so only when <c>OVERLAY_SIMULATION=large</c> asks for them. Prints one row
/// each.</summary>
public sealed class LargeTownTests(ITestOutputHelper output)
{
    private static readonly TimeSpan s_minute = TimeSpan.FromMinutes(1);

    [Fact]
    public void TenThousandPeers_NoChurn()
    {
        KademliaTown town = Large(seed: 10);
        var watch = Stopwatch.StartNew();
        town.Populate(10_000);
        Row($"10,000 peers joined and settled: {watch.Elapsed.TotalSeconds:0} s of computing, {town.Network.Messages} requests, {town.Network.Now.TotalSeconds:0} s simulated");

        LookupFigures figures = town.LookUp(1000, s_minute);
        Row($"10,000 peers, no churn: {figures}");
        Assert.True(figures.Right >= 0.999, figures.ToString());
        Assert.True(figures.MedianHops <= 5, figures.ToString());
    }

    [Theory]
    [InlineData(0.1, 0.99)]
    [InlineData(0.2, 0.95)]
    public void ThousandPeers_Churn(double share, double goal)
    {
        KademliaTown town = Large(seed: 11);
        town.Populate(1000);
        town.Churn(share);
        town.Network.Run(5 * s_minute);

        LookupFigures figures = town.LookUp(1000, 5 * s_minute);
        Row($"1,000 peers, {share:P0} a minute replaced: {figures}");
        Assert.True(figures.NearlyRight >= goal, figures.ToString());
    }

    [Theory]
    [InlineData(0.2, 0.95)]
    [InlineData(0.5, 0.80)]
    public void ThousandPeers_Malicious(double share, double goal)
    {
        KademliaTown town = Large(seed: 12);
        town.Populate(1000, share);

        LookupFigures figures = town.LookUp(1000, 5 * s_minute);
        Row($"1,000 peers, {share:P0} malicious: {figures}");
        Assert.True(figures.Right >= goal, figures.ToString());
    }

    [Theory]
    [InlineData(20)]
    [InlineData(45)]
    [InlineData(100)]
    public void ThousandPeers_SybilsAroundAKey(int sybils)
    {
        KademliaTown town = Large(seed: 13);
        town.Populate(1000);

        int hidden = new EclipseExperiment(town, sybils).CountHidden(trials: 40);
        Row($"1,000 peers, {sybils} Sybils around a key: {hidden} of 40 keys hidden");
        Assert.True(hidden <= 2, $"{hidden}");
    }

    [Fact]
    public void ThousandPeers_AtRest_Traffic()
    {
        KademliaTown town = Large(seed: 14);
        town.Populate(1000, settle: 15 * s_minute);

        double rate = town.MeasureTraffic(30 * s_minute);
        Row($"1,000 peers at rest: {rate.ToString("0", CultureInfo.InvariantCulture)} bytes sent by each peer in a second, {town.Network.Online.Average(town.Fill):P1} of tables filled");
        Assert.True(rate <= 1024, $"{rate}");
    }

    [Fact]
    public void ThousandPeers_FiftyMillisecondLinks_NewTableIsFilledInTenSeconds()
    {
        Assert.SkipUnless(IsAsked, "Runs with OVERLAY_SIMULATION=large.");
        var town = new KademliaTown(new SimulationOptions { Seed = 15, MinLatency = TimeSpan.FromMilliseconds(50), MaxLatency = TimeSpan.FromMilliseconds(50), Loss = 0 });
        town.Populate(1000);
        double usual = town.Network.Online.Average(town.Fill);

        var seconds = new List<double>();
        for (int i = 0; i < 20; i++)
        {
            SimulatedPeer peer = town.Network.Join();
            TimeSpan began = town.Network.Now;
            while (town.Fill(peer) < 0.9 * usual && town.Network.Now - began < s_minute) town.Network.Run(TimeSpan.FromSeconds(0.1));
            seconds.Add((town.Network.Now - began).TotalSeconds);
        }

        Row(string.Create(
            CultureInfo.InvariantCulture,
            $"1,000 peers, 50 ms links: a newcomer's table holds nine tenths of the usual ({usual:P0} of all it could) after {seconds.Order().ElementAt(10):0.0} s, {seconds.Max():0.0} s at most"));
        Assert.True(seconds.Max() <= 10, $"{seconds.Max()}");
    }

    private static bool IsAsked => Environment.GetEnvironmentVariable("OVERLAY_SIMULATION") == "large";

    private static KademliaTown Large(int seed)
    {
        Assert.SkipUnless(IsAsked, "Runs with OVERLAY_SIMULATION=large.");
        return new KademliaTown(new SimulationOptions { Seed = seed });
    }

    private void Row(string text) => output.WriteLine(text);
}
