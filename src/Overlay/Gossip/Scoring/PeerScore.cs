using Overlay.Transport.Identity;

namespace Overlay.Gossip.Scoring;

/// <summary>Judges peers by what they do (gossipsub v1.1, "Peer Scoring"). The score stays with a peer for a while after it has gone.</summary>
/// <remarks>Without I/O; the owner's lock guards it. Scores are computed when they are asked for and something has changed.</remarks>
internal sealed class PeerScore(PeerScoreOptions options, int maxRetained)
{
    private readonly Dictionary<PeerId, PeerStats> _peers = [];
    private readonly Dictionary<string, int> _peersByAddress = new(StringComparer.Ordinal);
    private TimeSpan _decayedAt;
    private int _retained;

    internal int Count => _peers.Count;

    internal PeerStats Connect(PeerId peer, string? address)
    {
        if (!_peers.TryGetValue(peer, out PeerStats? stats)) _peers.Add(peer, stats = new PeerStats());
        else if (!stats.IsConnected) _retained--;
        stats.IsConnected = true;
        stats.Address = address;
        if (address is not null) CountAddress(address, 1);
        return stats;
    }

    internal void Disconnect(PeerId peer, TimeSpan now)
    {
        if (!_peers.TryGetValue(peer, out PeerStats? stats) || !stats.IsConnected) return;
        foreach (string topic in stats.Topics.Keys) LeaveMesh(stats, topic);
        if (stats.Address is { } address) CountAddress(address, -1);
        stats.IsConnected = false;
        stats.Address = null;
        stats.Score = null;
        // A good score is not kept: a peer that comes back earns it anew, and one that was bad stays bad.
        if (ScoreOf(peer, stats) >= 0 || _retained >= maxRetained)
        {
            _peers.Remove(peer);
            return;
        }

        foreach (TopicStats topic in stats.Topics.Values) topic.FirstMessageDeliveries = 0;
        stats.Score = null;
        stats.ForgetAt = now + options.RetainScore;
        _retained++;
    }

    internal double ScoreOf(PeerId peer, PeerStats stats) => stats.Score ??= Compute(peer, stats);

    internal void EnterMesh(PeerStats stats, string topic, TimeSpan now)
    {
        if (Find(stats, topic) is not { } counted) return;
        counted.IsInMesh = true;
        counted.GraftedAt = now;
        counted.MeshTime = TimeSpan.Zero;
        counted.IsActive = false;
        stats.Score = null;
    }

    internal void LeaveMesh(PeerStats stats, string topic)
    {
        if (options.ForTopic(topic) is not { } parameters || !stats.Topics.TryGetValue(topic, out TopicStats? counted) || !counted.IsInMesh) return;
        double lacking = parameters.MeshMessageDeliveriesThreshold - counted.MeshMessageDeliveries;
        if (counted.IsActive && lacking > 0) counted.MeshFailurePenalty += lacking * lacking;
        counted.IsInMesh = false;
        counted.IsActive = false;
        stats.Score = null;
    }

    /// <summary>P2, and P3 for a peer of the mesh: it was the first with a good message.</summary>
    internal void DeliverFirst(PeerStats stats, string topic)
    {
        if (options.ForTopic(topic) is not { } parameters || Find(stats, topic) is not { } counted) return;
        counted.FirstMessageDeliveries = Math.Min(counted.FirstMessageDeliveries + 1, parameters.FirstMessageDeliveriesCap);
        stats.Score = null;
        DeliverInMesh(stats, counted, parameters);
    }

    /// <summary>P3: a good message that others had sent before, <paramref name="after"/> it was judged.</summary>
    internal void DeliverAgain(PeerStats stats, string topic, TimeSpan after)
    {
        if (options.ForTopic(topic) is not { } parameters || after > parameters.MeshMessageDeliveriesWindow || Find(stats, topic) is not { } counted) return;
        DeliverInMesh(stats, counted, parameters);
    }

    /// <summary>P4.</summary>
    internal void DeliverInvalid(PeerStats stats, string topic)
    {
        if (Find(stats, topic) is not { } counted) return;
        counted.InvalidMessageDeliveries++;
        stats.Score = null;
    }

    /// <summary>P7.</summary>
    internal static void Penalize(PeerStats stats, int count)
    {
        stats.BehaviourPenalty += count;
        stats.Score = null;
    }

    internal static void Drop(PeerStats stats, int count)
    {
        stats.DroppedMessages += count;
        stats.Score = null;
    }

    /// <summary>Lets counters fade and forgets peers that are long gone. To be called at each heartbeat.</summary>
    internal void Refresh(TimeSpan now)
    {
        bool decays = now - _decayedAt >= options.DecayInterval;
        if (decays) _decayedAt = now;
        List<PeerId>? gone = null;
        foreach ((PeerId peer, PeerStats stats) in _peers)
        {
            if (!stats.IsConnected)
            {
                // What is retained does not fade: staying away shall not pay.
                if (now >= stats.ForgetAt) (gone ??= []).Add(peer);
                continue;
            }

            stats.Score = null;
            if (decays) Decay(stats);
            foreach ((string topic, TopicStats counted) in stats.Topics)
            {
                if (!counted.IsInMesh || options.ForTopic(topic) is not { } parameters) continue;
                counted.MeshTime = now - counted.GraftedAt;
                counted.IsActive |= counted.MeshTime > parameters.MeshMessageDeliveriesActivation;
            }
        }

        if (gone is null) return;
        foreach (PeerId peer in gone) _peers.Remove(peer);
        _retained -= gone.Count;
    }

    private static void DeliverInMesh(PeerStats stats, TopicStats counted, TopicScoreOptions parameters)
    {
        if (!counted.IsInMesh) return;
        counted.MeshMessageDeliveries = Math.Min(counted.MeshMessageDeliveries + 1, parameters.MeshMessageDeliveriesCap);
        stats.Score = null;
    }

    private TopicStats? Find(PeerStats stats, string topic)
    {
        if (options.ForTopic(topic) is null) return null;
        if (!stats.Topics.TryGetValue(topic, out TopicStats? counted)) stats.Topics.Add(topic, counted = new TopicStats());
        return counted;
    }

    private double Compute(PeerId peer, PeerStats stats)
    {
        double topics = 0;
        foreach ((string topic, TopicStats counted) in stats.Topics)
            if (options.ForTopic(topic) is { } parameters) topics += parameters.TopicWeight * TopicPart(counted, parameters);
        if (options.TopicScoreCap > 0) topics = Math.Min(topics, options.TopicScoreCap);

        double score = topics;
        if (options.AppSpecificScore is { } judge) score += options.AppSpecificWeight * Ask(judge, peer);
        if (stats.Address is { } address)
            score += options.IPColocationFactorWeight * Square(_peersByAddress.GetValueOrDefault(address) - options.IPColocationFactorThreshold);
        score += options.BehaviourPenaltyWeight * Square(stats.BehaviourPenalty - options.BehaviourPenaltyThreshold);
        score += options.SlowPeerWeight * Math.Max(0, stats.DroppedMessages - options.SlowPeerThreshold);
        return score;
    }

    private static double TopicPart(TopicStats counted, TopicScoreOptions parameters)
    {
        double part = parameters.FirstMessageDeliveriesWeight * counted.FirstMessageDeliveries;
        if (counted.IsInMesh) part += parameters.TimeInMeshWeight * Math.Min(counted.MeshTime / parameters.TimeInMeshQuantum, parameters.TimeInMeshCap);
        if (counted.IsActive) part += parameters.MeshMessageDeliveriesWeight * Square(parameters.MeshMessageDeliveriesThreshold - counted.MeshMessageDeliveries);
        part += parameters.MeshFailurePenaltyWeight * counted.MeshFailurePenalty;
        part += parameters.InvalidMessageDeliveriesWeight * Square(counted.InvalidMessageDeliveries);
        return part;
    }

    private void Decay(PeerStats stats)
    {
        stats.BehaviourPenalty = Faded(stats.BehaviourPenalty, options.BehaviourPenaltyDecay);
        stats.DroppedMessages = Faded(stats.DroppedMessages, options.SlowPeerDecay);
        foreach ((string topic, TopicStats counted) in stats.Topics)
        {
            if (options.ForTopic(topic) is not { } parameters) continue;
            counted.FirstMessageDeliveries = Faded(counted.FirstMessageDeliveries, parameters.FirstMessageDeliveriesDecay);
            counted.MeshMessageDeliveries = Faded(counted.MeshMessageDeliveries, parameters.MeshMessageDeliveriesDecay);
            counted.MeshFailurePenalty = Faded(counted.MeshFailurePenalty, parameters.MeshFailurePenaltyDecay);
            counted.InvalidMessageDeliveries = Faded(counted.InvalidMessageDeliveries, parameters.InvalidMessageDeliveriesDecay);
        }
    }

    private double Faded(double value, double decay) => value * decay < options.DecayToZero ? 0 : value * decay;

    // Only what lies above zero counts.
    private static double Square(double excess) => excess > 0 ? excess * excess : 0;

    /// <summary>What the host application says; zero when it fails or says what is no number, which would make every comparison false.</summary>
    private static double Ask(Func<PeerId, double> judge, PeerId peer)
    {
        try
        {
            double value = judge(peer);
            return double.IsFinite(value) ? value : 0;
        }
#pragma warning disable CA1031 // The host application's code may throw anything; no peer is to gain or lose by it.
        catch (Exception)
#pragma warning restore CA1031
        {
            return 0;
        }
    }

    private void CountAddress(string address, int change)
    {
        int count = _peersByAddress.GetValueOrDefault(address) + change;
        if (count == 0) _peersByAddress.Remove(address);
        else _peersByAddress[address] = count;
    }
}
