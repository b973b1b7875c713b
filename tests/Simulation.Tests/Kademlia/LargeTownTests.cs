using System.Diagnostics;
using System.Globalization;
using Overlay.Discovery.Kademlia;
using Overlay.Simulation.Tests.Network;

namespace Overlay.Simulation.Tests.Kademlia;

/// <summary>The figures that the project states, at their full size: minutes, so only when <c>OVERLAY_SIMULATION=large</c> asks for them. Prints one row
/// each, and writes it where <see cref="ResultFile"/> says.</summary>
public sealed class LargeTownTests(ITestOutputHelper output)
{
    private const string LookupColumns = "lookups,right,nearly_right,mean_hops,median_hops,mean_requests,median_seconds,p95_seconds,seed";

    private static readonly TimeSpan s_minute = TimeSpan.FromMinutes(1);
    private static readonly ResultFile s_size = new("size.csv", "peers," + LookupColumns);
    private static readonly ResultFile s_churn = new("churn.csv", "replaced_percent_a_minute," + LookupColumns);
    private static readonly ResultFile s_malicious = new("malicious.csv", "malicious_percent," + LookupColumns);
    private static readonly ResultFile s_sybils = new("sybils.csv", "sybils,peers,keys,hidden,seed");
    private static readonly ResultFile s_undefended = new("sybils-nearest-alone.csv", "sybils,peers,keys,hidden,seed");
    private static readonly ResultFile s_traffic = new("traffic.csv", "peers,bytes_a_minute,requests_a_minute,connections_a_minute,table_fill,seed");

    [Theory]
    [InlineData(100)]
    [InlineData(300)]
    [InlineData(1000)]
    [InlineData(3000)]
    [InlineData(10_000)]
    public void Peers_NoChurn(int peers)
    {
        const int Seed = 10;
        KademliaTown town = Large(Seed);
        var watch = Stopwatch.StartNew();
        town.Populate(peers);
        Row($"{peers} peers settled: {watch.Elapsed.TotalSeconds:0} s of computing, {town.Network.Messages} requests");

        LookupFigures figures = town.LookUp(1000, 5 * s_minute);
        Row($"{peers} peers, no churn: {figures}");
        Write(s_size, peers, figures, Seed);
        Assert.True(figures.Right >= 0.999, figures.ToString());
        Assert.True(figures.MedianHops <= 5, figures.ToString());
    }

    [Theory]
    [InlineData(0, 0.999)]
    [InlineData(5, 0.99)]
    [InlineData(10, 0.99)]
    [InlineData(20, 0.95)]
    public void ThousandPeers_Churn(int percent, double goal)
    {
        const int Seed = 11;
        KademliaTown town = Large(Seed);
        town.Populate(1000);
        if (percent != 0) town.Churn(percent / 100.0);
        town.Network.Run(5 * s_minute);

        LookupFigures figures = town.LookUp(1000, 5 * s_minute);
        Row($"1,000 peers, {percent} % a minute replaced: {figures}");
        Write(s_churn, percent, figures, Seed);
        Assert.True(figures.NearlyRight >= goal, figures.ToString());
    }

    [Theory]
    [InlineData(0, 0.999)]
    [InlineData(10, 0.95)]
    [InlineData(20, 0.95)]
    [InlineData(30, 0.80)]
    [InlineData(40, 0.80)]
    [InlineData(50, 0.80)]
    public void ThousandPeers_Malicious(int percent, double goal)
    {
        const int Seed = 12;
        KademliaTown town = Large(Seed);
        town.Populate(1000, percent / 100.0);

        LookupFigures figures = town.LookUp(1000, 5 * s_minute);
        Row($"1,000 peers, {percent} % malicious: {figures}");
        Write(s_malicious, percent, figures, Seed);
        Assert.True(figures.Right >= goal, figures.ToString());
    }

    [Theory]
    [InlineData(20)]
    [InlineData(45)]
    [InlineData(100)]
    public void ThousandPeers_SybilsAroundAKey(int sybils)
    {
        const int Seed = 13, Keys = 40;
        KademliaTown town = Large(Seed);
        town.Populate(1000);

        int hidden = new EclipseExperiment(town, sybils).CountHidden(Keys);
        Row($"1,000 peers, {sybils} Sybils around a key: {hidden} of {Keys} keys hidden");
        s_sybils.Write(sybils, 1000, Keys, hidden, Seed);
        Assert.True(hidden <= Keys / 20, $"{hidden}");
    }

    /// <summary>The same attack on a DHT that stores on the twenty nearest and on nobody else: that the experiment can tell the difference.</summary>
    [Fact]
    public void ThousandPeers_SybilsAroundAKey_StoredOnTheNearestAlone()
    {
        const int Seed = 13, Keys = 40, Sybils = 45;
        Assert.SkipUnless(IsAsked, "Runs with OVERLAY_SIMULATION=large.");
        var town = new KademliaTown(new SimulationOptions { Seed = Seed, Kademlia = new KademliaOptions { MaxRegionPeers = 20 } });
        town.Populate(1000);

        int hidden = new EclipseExperiment(town, Sybils).CountHidden(Keys);
        Row($"1,000 peers, {Sybils} Sybils around a key, stored on the nearest alone: {hidden} of {Keys} keys hidden");
        s_undefended.Write(Sybils, 1000, Keys, hidden, Seed);
        Assert.True(hidden >= Keys / 2, $"{hidden}");
    }

    [Theory]
    [InlineData(100)]
    [InlineData(300)]
    [InlineData(1000)]
    public void Peers_AtRest_Traffic(int peers)
    {
        const int Seed = 14;
        KademliaTown town = Large(Seed);
        town.Populate(peers, settle: 15 * s_minute);

        (double bytes, double requests, double dials) = town.MeasureTraffic(30 * s_minute);
        double fill = town.Network.Online.Average(town.Fill);
        Row(string.Create(
            CultureInfo.InvariantCulture,
            $"{peers} peers at rest: each sends {bytes:0} bytes a minute in {requests:0.0} requests and makes {dials:0.0} connections, {fill:P1} of tables filled"));
        s_traffic.Write(peers, Math.Round(bytes), requests, dials, fill, Seed);
        Assert.True(bytes <= 60 * 1024, $"{bytes}");
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

    private static void Write(ResultFile file, double first, LookupFigures figures, int seed) => file.Write(
        first, figures.Count, figures.Right, figures.NearlyRight, figures.MeanHops, figures.MedianHops, figures.MeanRequests, figures.MedianSeconds,
        figures.Quantile(0.95), seed);

    private void Row(string text) => output.WriteLine(text);
}
