using System.Globalization;
using Overlay.Gossip;

namespace Overlay.Tests.Gossip.Simulation;

/// <summary>The promises of gossip in networks of many nodes, each from one printed seed.</summary>
/// <remarks>Those against Sybils are a class of their own, so that both run at the same time.</remarks>
public sealed class GossipSimulationTests(ITestOutputHelper output)
{
    private static readonly TimeSpan s_second = TimeSpan.FromSeconds(1);

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public void Publish_ThousandNodes_NearlyAllGetItInFewHopsAndFewCopies(int seed)
    {
        const int NodeCount = 1000, MessageCount = 25;
        var random = new Random(seed);
        var simulation = new GossipSimulation(seed, new GossipOptions());
        for (int i = 0; i < NodeCount; i++) simulation.AddNode();
        foreach (SimulatedNode node in simulation.Nodes) simulation.ConnectAtRandom(node, simulation.Nodes, 10);
        // Longer than a back-off, so that the meshes are no longer those of the first grafts.
        simulation.RunFor(70 * s_second);

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
}
