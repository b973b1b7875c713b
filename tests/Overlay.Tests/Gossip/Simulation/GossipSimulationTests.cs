using System.Globalization;
using Overlay.Gossip;
using Overlay.Gossip.Routing;

namespace Overlay.Tests.Gossip.Simulation;

/// <summary>The promises of gossip in networks of many nodes, each from one printed seed.</summary>
public sealed class GossipSimulationTests(ITestOutputHelper output)
{
    private static readonly TimeSpan s_second = TimeSpan.FromSeconds(1);

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public void Publish_ThousandNodes_NearlyAllGetItInFewHopsAndFewCopies(int seed)
    {
        const int NodeCount = 1000, MessageCount = 50;
        var random = new Random(seed);
        var simulation = new GossipSimulation(seed, new GossipOptions());
        for (int i = 0; i < NodeCount; i++) simulation.AddNode();
        foreach (SimulatedNode node in simulation.Nodes) simulation.ConnectAtRandom(node, simulation.Nodes, 10);
        simulation.RunFor(90 * s_second);

        for (int i = 0; i < MessageCount; i++)
        {
            simulation.Publish(simulation.Nodes[random.Next(NodeCount)], size: 1024);
            simulation.RunFor(s_second);
        }

        simulation.RunFor(10 * s_second);
        List<int> hops = [.. simulation.Nodes.SelectMany(node => node.Hops.Values).Order()];
        double delivered = hops.Count / (double)(NodeCount * MessageCount);
        int p99 = hops[(int)(hops.Count * 0.99)];
        double copies = (simulation.Nodes.Sum(node => node.Copies.Values.Sum()) / (double)(NodeCount * MessageCount)) - 1;
        output.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"seed {seed}: delivered {delivered:P3}, p99 {p99} hops, {copies:F2} copies beyond the first, mesh {simulation.Nodes.Average(node => node.Mesh.Count):F1}"));
        Assert.True(delivered >= 0.9999, $"{delivered}");
        Assert.True(p99 <= 6, $"{p99}");
        Assert.True(copies <= 3, $"{copies}");
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public void Sybils_FourToOneDialIn_MessagesStillArriveAndTheMeshIsWholeAfterSixtyHeartbeats(int seed)
    {
        var random = new Random(seed);
        var simulation = new GossipSimulation(seed, new GossipOptions());
        SimulatedNode[] honest = AddHonest(simulation);
        simulation.RunFor(30 * s_second);

        AddSybils(simulation, honest);
        List<int> during = Chat(simulation, honest, random, 60);
        int[] honestPeers = [.. honest.Select(node => node.Mesh.Count(peer => IsHonest(honest, peer))).Order()];
        List<int> after = Chat(simulation, honest, random, 20);
        simulation.RunFor(10 * s_second);

        double delivered = Delivered(honest, during.Concat(after));
        output.WriteLine(string.Create(
            CultureInfo.InvariantCulture, $"seed {seed}: delivered {delivered:P3}, honest peers of a mesh: least {honestPeers[0]}, median {honestPeers[honest.Length / 2]}"));
        Assert.True(delivered >= 0.99, $"{delivered}");
        // Whole: no honest node has fewer honest peers in its mesh than the specification's D_lo.
        Assert.True(honestPeers[0] >= 4, $"{honestPeers[0]}");
        Assert.True(honestPeers[honest.Length / 2] >= new GossipOptions().DegreeLow, $"{honestPeers[honest.Length / 2]}");
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public void Sybils_FourToOneFromTheBeginning_MessagesArriveAllTheSame(int seed)
    {
        var random = new Random(seed);
        var simulation = new GossipSimulation(seed, new GossipOptions());
        SimulatedNode[] honest = AddHonest(simulation);
        AddSybils(simulation, honest);

        List<int> messages = Chat(simulation, honest, random, 120);
        simulation.RunFor(10 * s_second);

        double delivered = Delivered(honest, messages);
        int[] honestPeers = [.. honest.Select(node => node.Mesh.Count(peer => IsHonest(honest, peer))).Order()];
        output.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"seed {seed}: delivered {delivered:P3}, honest peers of a mesh after 120 heartbeats: least {honestPeers[0]}, median {honestPeers[honest.Length / 2]}"));
        Assert.True(delivered >= 0.99, $"{delivered}");
    }

    [Fact]
    public void Simulation_SameSeed_IsTheSameRun()
    {
        Assert.Equal(Trace(7), Trace(7));
        Assert.NotEqual(Trace(7), Trace(8));

        static string Trace(int seed)
        {
            var simulation = new GossipSimulation(seed, new GossipOptions());
            for (int i = 0; i < 40; i++) simulation.AddNode();
            foreach (SimulatedNode node in simulation.Nodes) simulation.ConnectAtRandom(node, simulation.Nodes, 8);
            simulation.RunFor(5 * s_second);
            simulation.Publish(simulation.Nodes[0]);
            simulation.RunFor(5 * s_second);
            return string.Join(',', simulation.Nodes.Select(node => $"{node.Hops.GetValueOrDefault(0)}/{node.Copies.GetValueOrDefault(0)}/{node.Mesh.Count}"));
        }
    }

    private static SimulatedNode[] AddHonest(GossipSimulation simulation)
    {
        SimulatedNode[] honest = [.. Enumerable.Range(0, 100).Select(_ => simulation.AddNode())];
        foreach (SimulatedNode node in honest) simulation.ConnectAtRandom(node, honest, 8);
        return honest;
    }

    // Four for each honest node, with addresses of their own; five connections of six of an honest node are theirs.
    private static void AddSybils(GossipSimulation simulation, SimulatedNode[] honest)
    {
        for (int i = 0; i < 4 * honest.Length; i++) simulation.ConnectAtRandom(simulation.AddNode(isSybil: true, address: $"sybil-{i}"), honest, 20);
    }

    private static List<int> Chat(GossipSimulation simulation, SimulatedNode[] honest, Random random, int count)
    {
        var numbers = new List<int>();
        for (int i = 0; i < count; i++)
        {
            numbers.Add(simulation.Publish(honest[random.Next(honest.Length)]));
            simulation.RunFor(s_second);
        }

        return numbers;
    }

    private static double Delivered(SimulatedNode[] honest, IEnumerable<int> messages)
    {
        int[] all = [.. messages];
        return honest.Sum(node => all.Count(node.Hops.ContainsKey)) / (double)(all.Length * honest.Length);
    }

    private static bool IsHonest(SimulatedNode[] honest, GossipPeer peer) => Array.Exists(honest, node => node.Id == peer.Id);
}
