using Overlay.Discovery.Kademlia;
using Overlay.Discovery.Kademlia.Lookups;
using Overlay.Simulation.Tests.Network;
using Overlay.Transport.Identity;

namespace Overlay.Simulation.Tests.Kademlia;

/// <summary>A network of Kademlia nodes and the questions asked of it.</summary>
internal sealed class KademliaTown
{
    private readonly SimulationOptions _options;

    internal KademliaTown(SimulationOptions options)
    {
        _options = options;
        Network = new SimulatedNetwork(options);
        Adversary = new Adversary(options.Kademlia.BucketSize);
    }

    internal SimulatedNetwork Network { get; }

    internal Adversary Adversary { get; }

    private int BucketSize => _options.Kademlia.BucketSize;

    /// <summary>Lets peers join, a tenth more each second so that a large town does not take hours, and waits until they have settled.</summary>
    internal void Populate(int count, double maliciousShare = 0, TimeSpan? settle = null)
    {
        int joined = 0;
        while (joined < count)
        {
            int batch = Math.Min(Math.Max(5, joined / 10), count - joined);
            for (int i = 0; i < batch; i++, joined++)
            {
                bool isMalicious = Network.Random.NextDouble() < maliciousShare && joined >= 5;
                SimulatedPeer peer = Network.Join(isNatted: !isMalicious && joined >= 5 && Network.Random.NextDouble() < _options.Natted, misbehaviour: isMalicious ? Adversary : null);
                if (isMalicious) Adversary.Enlist(peer.Contact);
            }

            Network.Run(TimeSpan.FromSeconds(1));
        }

        Network.Run(settle ?? TimeSpan.FromMinutes(1));
    }

    /// <summary>Replaces a share of the peers each minute, one at a time, for as long as the network runs.</summary>
    internal void Churn(double sharePerMinute)
    {
        TimeSpan pause = TimeSpan.FromMinutes(1) / (sharePerMinute * Network.Online.Count);
        Network.After(pause, Replace);

        void Replace()
        {
            SimulatedPeer leaving = Network.RandomOnline();
            Network.Leave(leaving);
            if (!leaving.IsOnline) Network.Join();
            Network.After(pause, Replace);
        }
    }

    /// <summary>Looks up random places from random honest peers, evenly over time.</summary>
    internal LookupFigures LookUp(int count, TimeSpan over)
    {
        var figures = new LookupFigures();
        int begun = 0;
        var requests = new Dictionary<Key, int>();
        // By the place that is asked for: nobody else looks for a random one.
        Network.RequestSent = (_, message) =>
        {
            Key place = Key.Of(message.Key.Span);
            if (requests.TryGetValue(place, out int sent)) requests[place] = sent + 1;
        };
        for (int i = 0; i < count; i++) Network.After(over * (i / (double)count), Begin);
        Network.Run(over);
        Network.RunUntil(() => figures.Count >= begun, _options.Kademlia.LookupTimeout + TimeSpan.FromSeconds(1));
        Network.RequestSent = null;
        return figures;

        void Begin()
        {
            if (Network.RandomHonest() is not { } peer) return;
            begun++;
            TimeSpan began = Network.Now;
            byte[] key = KeyPreimage.Random(Network.Random);
            Key target = Key.Of(key);
            // Whoever has only just come, nobody can be blamed for not knowing.
            List<Contact> before = Nearest(target, peer, began - TimeSpan.FromSeconds(10));
            requests.Add(target, 0);
            Network.Start(peer, (node, now) => node.FindClosest(key, now), operation =>
            {
                HashSet<PeerId> found = [.. operation.Closest.Select(one => one.Contact.Id)];
                // Nor for those who went while they were looked for, nor where as many others that are nearer had answered, whatever became of them since.
                Distance? farthest = operation.Closest.Count < BucketSize ? null : operation.Closest[^1].Distance;
                Contact[] expected = [.. before.Where(contact => Network.Find(contact.Id)!.IsOnline && !(contact.Key.DistanceTo(target) > farthest))];
                figures.Add(
                    expected.Length == 0 ? 1 : expected.Count(contact => found.Contains(contact.Id)) / (double)expected.Length,
                    operation.Closest.Count == 0 ? 0 : operation.Closest[0].Hops,
                    requests[target],
                    Network.Now - began);
            });
        }
    }

    /// <summary>What a peer sends in a minute, all peers' average, over some time.</summary>
    internal (double Bytes, double Requests, double Dials) MeasureTraffic(TimeSpan duration)
    {
        long bytes = BytesSent(), requests = Network.Messages, dials = Network.Dials;
        Network.Run(duration);
        double shares = Network.Online.Count * duration.TotalMinutes;
        return ((BytesSent() - bytes) / shares, (Network.Messages - requests) / shares, (Network.Dials - dials) / shares);

        long BytesSent() => Network.Peers.Sum(peer => peer.BytesSent);
    }

    /// <summary>How full a peer's table is: of the peers that its buckets could hold now, the share that they do.</summary>
    internal double Fill(SimulatedPeer peer)
    {
        var possible = new int[Key.BitCount + 1];
        foreach (SimulatedPeer other in Network.Online)
            if (other != peer && !other.IsNatted) possible[other.Contact.Key.CommonPrefixLength(peer.Contact.Key)]++;
        return peer.Node.Table.Count / (double)Math.Max(1, possible.Sum(count => Math.Min(count, BucketSize)));
    }

    /// <summary>The honest peers among those nearest to a place that could be known: dialable, and there since a time.</summary>
    private List<Contact> Nearest(Key target, SimulatedPeer asker, TimeSpan since) =>
    [
        .. Network.Online.Where(peer => peer != asker && !peer.IsNatted && peer.JoinedAt <= since)
            .Select(peer => (Distance: peer.Contact.Key.DistanceTo(target), Peer: peer)).OrderBy(pair => pair.Distance).Take(2 * BucketSize)
            .Take(BucketSize).Where(pair => pair.Peer.Misbehaviour is null).Select(pair => pair.Peer.Contact),
    ];
}
