using System.Globalization;
using Overlay.Gossip;
using Overlay.Gossip.Routing;

namespace Overlay.Tests.Gossip.Simulation;

/// <summary>What gossip promises where most peers only take and pass nothing on, each from one printed seed.</summary>
public sealed class GossipSybilTests(ITestOutputHelper output)
{
    private static readonly TimeSpan s_second = TimeSpan.FromSeconds(1);

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

        List<int> messages = Chat(simulation, honest, random, 60);
        simulation.RunFor(10 * s_second);

        double delivered = Delivered(honest, messages);
        int[] honestPeers = [.. honest.Select(node => node.Mesh.Count(peer => IsHonest(honest, peer))).Order()];
        output.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"seed {seed}: delivered {delivered:P3}, honest peers of a mesh after 60 heartbeats: least {honestPeers[0]}, median {honestPeers[honest.Length / 2]}"));
        Assert.True(delivered >= 0.99, $"{delivered}");
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
