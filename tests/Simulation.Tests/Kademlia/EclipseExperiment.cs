using Overlay.Discovery.Kademlia;
using Overlay.Discovery.Kademlia.Lookups;
using Overlay.Simulation.Tests.Network;
using Overlay.Transport.Identity;

namespace Overlay.Simulation.Tests.Kademlia;

/// <summary>Sybils crowd around a key, nearer than any honest peer; then somebody provides the key, and somebody else looks for the provider. Then the Sybils
/// are gone, and it is the next key's turn.</summary>
internal sealed class EclipseExperiment(KademliaTown town, int sybils)
{
    private readonly SimulatedNetwork _network = town.Network;

    /// <summary>Runs trials one after another, each with its own key.</summary>
    /// <returns>How many keys were hidden.</returns>
    internal int CountHidden(int trials)
    {
        int hidden = 0;
        for (int i = 0; i < trials; i++)
        {
            (byte[] key, SimulatedPeer[] attackers) = Attack();
            if (!IsFound(key)) hidden++;
            foreach (SimulatedPeer attacker in attackers) _network.Leave(attacker);
        }

        return hidden;
    }

    private (byte[] Key, SimulatedPeer[] Attackers) Attack()
    {
        byte[] key = KeyPreimage.Random(_network.Random);
        Key target = Key.Of(key);
        Distance nearest = _network.Online.Where(peer => peer.Misbehaviour is null).Min(peer => peer.Contact.Key.DistanceTo(target));
        var adversary = new Adversary(20);
        var attackers = new SimulatedPeer[sybils];
        for (int i = 0; i < sybils; i++)
        {
            attackers[i] = _network.Join(misbehaviour: adversary, id: IdNearer(target, nearest));
            adversary.Enlist(attackers[i].Contact);
        }

        _network.Run(TimeSpan.FromSeconds(90));
        return (key, attackers);
    }

    private bool IsFound(byte[] key)
    {
        SimulatedPeer provider = _network.RandomHonest()!, seeker;
        do seeker = _network.RandomHonest()!;
        while (seeker == provider);

        bool isProvided = false, isOver = false, isFound = false;
        _network.Start(provider, (node, now) => node.Provide(key, now), _ => isProvided = true);
        _network.RunUntil(() => isProvided, TimeSpan.FromMinutes(2));
        _network.ProviderFound = found => isFound |= found.Provider.Id == provider.Contact.Id;
        _network.Start(seeker, (node, now) => node.FindProviders(key, int.MaxValue, now), _ => isOver = true);
        _network.RunUntil(() => isOver, TimeSpan.FromMinutes(2));
        return isFound;
    }

    private PeerId IdNearer(Key target, Distance than)
    {
        byte[] bytes = KeyPreimage.Random(_network.Random);
        while (Key.Of(bytes).DistanceTo(target) >= than)
        {
            int i = bytes.Length - 1;
            while (++bytes[i] == 0) i--;
        }

        Assert.True(PeerId.TryFromBytes(bytes, out PeerId? id));
        return id;
    }
}
