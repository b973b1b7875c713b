using Overlay.Discovery.Kademlia;
using Overlay.Discovery.Kademlia.Lookups;
using Overlay.Simulation.Tests.Network;
using Overlay.Transport.Identity;

namespace Overlay.Simulation.Tests.Kademlia;

/// <summary>Sybils crowd around a key, nearer than any honest peer; then somebody provides the key, and somebody else looks for the provider.</summary>
internal sealed class EclipseExperiment(KademliaTown town, int sybils)
{
    private readonly SimulatedNetwork _network = town.Network;

    /// <summary>Runs trials one after another, each with its own key.</summary>
    /// <returns>How many keys were hidden.</returns>
    internal int CountHidden(int trials)
    {
        int hidden = 0;
        for (int i = 0; i < trials; i++)
            if (!IsFound(Attack())) hidden++;
        return hidden;
    }

    private byte[] Attack()
    {
        byte[] key = KeyPreimage.Random(_network.Random);
        Key target = Key.Of(key);
        Distance nearest = _network.Online.Where(peer => peer.Misbehaviour is null).Min(peer => peer.Contact.Key.DistanceTo(target));
        var adversary = new Adversary(20);
        for (int i = 0; i < sybils; i++)
        {
            PeerId id = IdNearer(target, nearest);
            adversary.Enlist(_network.Join(misbehaviour: adversary, id: id).Contact);
        }

        _network.Run(TimeSpan.FromSeconds(90));
        return key;
    }

    private bool IsFound(byte[] key)
    {
        SimulatedPeer provider = _network.RandomHonest()!, seeker;
        do seeker = _network.RandomHonest()!;
        while (seeker == provider);

        bool isProvided = false, isOver = false, isFound = false;
        ProvideOperation? po = null; ProvidersOperation? so = null;
        _network.Start(provider, (node, now) => node.Provide(key, now), o => { isProvided = true; po = o; });
        _network.RunUntil(() => isProvided, TimeSpan.FromMinutes(2));
        _network.ProviderFound = found => isFound |= found.Provider.Id == provider.Contact.Id;
        _network.Start(seeker, (node, now) => node.FindProviders(key, int.MaxValue, now), o => { isOver = true; so = o; });
        _network.RunUntil(() => isOver, TimeSpan.FromMinutes(2));
        if (!isFound || Environment.GetEnvironmentVariable("DBG") == "2") Console.WriteLine($"DBG found {isFound} provider est {provider.Node.Size.Estimate:0} region {po?.Region?.PrefixLength} members {po?.Region?.Members.Count} honest {po?.Region?.Members.Count(m => _network.Find(m.Id)!.Misbehaviour is null)} closest {po?.Closest.Count} stored {po?.StoredCount}; seeker est {seeker.Node.Size.Estimate:0} region {so?.Region?.PrefixLength} members {so?.Region?.Members.Count} honest {so?.Region?.Members.Count(m => _network.Find(m.Id)!.Misbehaviour is null)} closest {so?.Closest.Count} honestclosest {so?.Closest.Count(m => _network.Find(m.Contact.Id)!.Misbehaviour is null)} holders {_network.Online.Count(p => p.Node.Providers.Find(Key.Of(key), 10, TimeSpan.Zero).Count > 0)} took provide");
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
