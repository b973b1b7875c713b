using Overlay.Discovery.Kademlia;
using Overlay.Discovery.Kademlia.Tables;
using Overlay.Simulation.Tests.Network;

namespace Overlay.Simulation.Tests.Kademlia;

/// <summary>What the DHT promises, kept by the real nodes on a simulated network. Small towns; the large ones are in <see cref="LargeTownTests"/>.</summary>
public sealed class KademliaSimulationTests(ITestOutputHelper output)
{
    [Fact]
    public void Lookup_QuietTown_FindsExactlyTheNearestTwenty()
    {
        KademliaTown town = Town(seed: 1, encodes: true);
        town.Populate(200);

        LookupFigures figures = Show("200 peers, no churn, encoded", town.LookUp(100, TimeSpan.FromMinutes(1)));

        Assert.True(figures.Right >= 0.999, figures.ToString());
        Assert.True(figures.MedianHops <= 5, figures.ToString());
    }

    [Fact]
    public void Lookup_SameSeed_SameHistory()
    {
        string first = Run(), second = Run();

        Assert.Equal(first, second);

        static string Run()
        {
            KademliaTown town = Town(seed: 2);
            town.Populate(60);
            town.Churn(0.2);
            LookupFigures figures = town.LookUp(20, TimeSpan.FromSeconds(30));
            return $"{figures} {town.Network.Messages} {town.Network.Peers.Sum(peer => peer.BytesSent)}";
        }
    }

    [Fact]
    public void Lookup_FifthOfPeersMalicious_FindsTheHonest()
    {
        KademliaTown town = Town(seed: 3);
        town.Populate(300, maliciousShare: 0.2);

        LookupFigures figures = Show("300 peers, 20 % malicious", town.LookUp(100, TimeSpan.FromMinutes(1)));

        Assert.True(figures.Right >= 0.95, figures.ToString());
    }

    [Fact]
    public void Lookup_TenthReplacedEachMinute_FindsTheNearest()
    {
        KademliaTown town = Town(seed: 4);
        town.Populate(200);
        town.Churn(0.1);
        town.Network.Run(TimeSpan.FromMinutes(2));

        LookupFigures figures = Show("200 peers, 10 % a minute replaced", town.LookUp(100, TimeSpan.FromMinutes(1)));

        Assert.True(figures.NearlyRight >= 0.99, figures.ToString());
    }

    [Fact]
    public void Lookup_PeersBehindNats_AreNeverInATable()
    {
        KademliaTown town = Town(seed: 5, natted: 0.4);
        town.Populate(150);

        LookupFigures figures = Show("150 peers, 40 % behind NATs", town.LookUp(50, TimeSpan.FromMinutes(1)));

        Assert.True(figures.Right >= 0.99, figures.ToString());
        HashSet<Key> natted = [.. town.Network.Peers.Where(peer => peer.IsNatted).Select(peer => peer.Contact.Key)];
        Assert.All(town.Network.Peers, peer => Assert.DoesNotContain(peer.Node.Table.Contacts, contact => natted.Contains(contact.Key)));
    }

    [Fact]
    public void Provide_SybilsCrowdAroundTheKey_IsFoundAllTheSame()
    {
        KademliaTown town = Town(seed: 6);
        town.Populate(300);

        int hidden = new EclipseExperiment(town, sybils: 45).CountHidden(trials: 10);

        output.WriteLine($"300 peers, 45 Sybils nearer to the key than any of them: {hidden} of 10 keys hidden");
        Assert.Equal(0, hidden);
    }

    /// <summary>The attack is one: a DHT that stores on the nearest alone falls to it.</summary>
    [Fact]
    public void Provide_SybilsCrowdAroundTheKeyAndRecordsStayWithTheNearest_IsHidden()
    {
        KademliaTown town = new(new SimulationOptions { Seed = 6, Kademlia = new KademliaOptions { MaxRegionPeers = 20 } });
        town.Populate(300);

        int hidden = new EclipseExperiment(town, sybils: 45).CountHidden(trials: 10);

        output.WriteLine($"300 peers, 45 Sybils nearer to the key than any of them, records on the nearest alone: {hidden} of 10 keys hidden");
        Assert.True(hidden >= 5, $"{hidden}");
    }

    [Fact]
    public void Lookup_TenthOfPeersNameInventedOnes_AreFoundOutAndNoLongerAsked()
    {
        KademliaTown town = Town(seed: 7);
        var inventor = new Inventor(town.Network, count: 20);
        for (int i = 0; i < 150; i++)
        {
            town.Network.Join(misbehaviour: i >= 10 && i % 10 == 0 ? inventor : null);
            town.Network.Run(TimeSpan.FromSeconds(0.5));
        }

        town.Network.Run(TimeSpan.FromMinutes(1));
        LookupFigures figures = Show("150 peers, 10 % name invented ones", town.LookUp(100, TimeSpan.FromMinutes(2)));

        Assert.True(figures.Right >= 0.95, figures.ToString());
        Assert.True(town.Network.Peers.Sum(peer => peer.Node.Standings.CountOf(Misdeed.DeadPeers)) > 0);
    }

    private static KademliaTown Town(int seed, bool encodes = false, double natted = 0) => new(new SimulationOptions { Seed = seed, Encodes = encodes, Natted = natted });

    private LookupFigures Show(string what, LookupFigures figures)
    {
        output.WriteLine($"{what}: {figures}");
        return figures;
    }
}
