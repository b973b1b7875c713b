using System.Buffers.Binary;
using System.Globalization;
using Overlay.Gossip;
using Overlay.Market;
using Overlay.Market.Demanding;
using Overlay.Market.Messages;
using Overlay.Market.Selling;
using Overlay.Tests.Gossip.Simulation;
using Overlay.Transport.Identity;

namespace Overlay.Tests.Market.Simulation;

/// <summary>How soon demand is answered in a network of many nodes: gossip's router, the gate and the terms are the real ones; links and clock are simulated.</summary>
public sealed class DemandSimulationTests(ITestOutputHelper output)
{
    // TCP, Noise, the offer on its way (half of one), and the ping by which the consumer measures before it counts an offer as usable.
    private const double OfferRoundTrips = 3.5;

    private static readonly TimeSpan s_link = TimeSpan.FromMilliseconds(50);
    private static readonly DateTimeOffset s_start = new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);

    [Fact]
    public void Demand_ThousandNodesOfTenRegions_IsAnsweredWithinASecond()
    {
        const int Seed = 21, NodeCount = 1000, RegionCount = 10, Dials = 48, DemandCount = 200;
        var random = new Random(Seed);
        var limits = new MarketLimits();
        Dictionary<SimulatedNode, (Region Region, DemandGate Gate, SellingTerms Terms, AnswerRate Rate)> providers = [];
        Dictionary<int, TimeSpan> firstOffer = [];
        GossipSimulation? running = null;
        var simulation = running = new GossipSimulation(Seed, new GossipOptions())
        {
            LinkDelay = s_link,
            LinkSpread = TimeSpan.Zero,
            Judge = (node, pending) =>
            {
                (Region region, DemandGate gate, SellingTerms terms, AnswerRate rate) = providers[node];
                DateTimeOffset now = s_start + running!.Now;
                GossipVerdict verdict = gate.Judge(region, pending.ToMessage(), now, out Demand? demand);
                if (verdict == GossipVerdict.Accept && terms.Fit(demand!) && rate.TryTake(demand!, now))
                    firstOffer.TryAdd(BinaryPrimitives.ReadInt32BigEndian(pending.Message.Data.Span[^4..]), running.Now + (OfferRoundTrips * 2 * s_link));
                return verdict;
            },
        };
        // Half of the nodes sell, in ten regions; one of three of them at a price that the consumers do not pay.
        for (int i = 0; i < NodeCount; i++)
        {
            if (i % 2 == 1)
            {
                simulation.AddNode(topic: null);
                continue;
            }

            Region region = RegionOf(i / 2 % RegionCount);
            ulong price = i % 3 == 0 ? 90_000UL : 50_000;
            SimulatedNode provider = simulation.AddNode(topic: MarketNames.TopicOf(region));
            providers.Add(provider, (region, new DemandGate(limits), new SellingTerms(region, price, 0, new HashSet<int> { 443 }), new AnswerRate(limits, isIsolated: false)));
        }

        foreach (SimulatedNode node in simulation.Nodes) simulation.ConnectAtRandom(node, simulation.Nodes, Dials);
        simulation.RunFor(TimeSpan.FromSeconds(70));
        double atRest = BytesPerNodeAndSecond(simulation, TimeSpan.FromMinutes(1), () => { });

        var asked = new Dictionary<int, TimeSpan>();
        SimulatedNode[] consumers = [.. simulation.Nodes.Where(node => !providers.ContainsKey(node))];
        double busy = BytesPerNodeAndSecond(simulation, TimeSpan.FromMinutes(1), () =>
        {
            for (int i = 0; i < DemandCount; i++)
            {
                Region region = RegionOf(random.Next(RegionCount));
                Demand demand = Ask(region, s_start + simulation.Now, random);
                SimulatedNode consumer = consumers[random.Next(consumers.Length)];
                TimeSpan now = simulation.Now;
                asked.Add(simulation.Publish(consumer, MarketNames.TopicOf(region), demand.Envelope.Encode()), now);
                simulation.RunFor(TimeSpan.FromMilliseconds(300));
            }
        });
        simulation.RunFor(TimeSpan.FromSeconds(10));

        List<double> waits = [.. asked.Select(demand => firstOffer.TryGetValue(demand.Key, out TimeSpan at) ? (at - demand.Value).TotalSeconds : double.PositiveInfinity).Order()];
        double p50 = waits[DemandCount / 2], p95 = waits[(int)(DemandCount * 0.95)];
        int unanswered = waits.Count(double.IsInfinity);
        output.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"seed {Seed}: first usable offer after {p50:F2} s (median), {p95:F2} s (p95), {waits.Where(double.IsFinite).Max():F2} s at most; {unanswered} of {DemandCount} found no neighbour of the topic; " +
            $"gossip sends {atRest:F0} bytes a second a node at rest, {busy:F0} with {DemandCount / 60.0:F1} demands a second in the network"));
        Assert.True(p95 <= 1, $"{p95}");
        Assert.True(atRest <= 2048, $"{atRest}");
    }

    private static Region RegionOf(int number) => Region.Parse(((string[])["DE", "FR", "NL", "US", "GB", "JP", "BR", "IN", "ZA", "AU"])[number]);

    private static Demand Ask(Region region, DateTimeOffset now, Random random)
    {
        using PeerIdentity fresh = PeerIdentity.Generate();
        return Demand.Create(
            new Demand
            {
                Consumer = default,
                Region = region.Code,
                BytesWanted = 1UL << 30,
                MaxPricePerGiB = 60_000,
                NotAfter = (ulong)(now + TimeSpan.FromMinutes(2)).ToUnixTimeSeconds(),
                MinMbps = 0,
                ExitPorts = [443],
                ReplyAddresses = [Multiaddr.Parse(string.Create(CultureInfo.InvariantCulture, $"/ip4/{random.Next(20, 100)}.{random.Next(256)}.7.9/tcp/4001"))],
                Envelope = default,
            },
            new IdentitySigner(fresh));
    }

    private static double BytesPerNodeAndSecond(GossipSimulation simulation, TimeSpan time, Action action)
    {
        long before = simulation.BytesSent;
        TimeSpan began = simulation.Now, end = began + time;
        action();
        if (simulation.Now < end) simulation.RunFor(end - simulation.Now);
        return (simulation.BytesSent - before) / (simulation.Now - began).TotalSeconds / simulation.Nodes.Count;
    }
}
