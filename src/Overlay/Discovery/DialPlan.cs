using Overlay.Discovery.Addresses;
using Overlay.Discovery.Mdns;
using Overlay.Transport.Identity;

namespace Overlay.Discovery;

/// <summary>A peer to dial, and why.</summary>
internal readonly record struct DialTarget(PeerId Peer, PeerSource Source);

/// <summary>What a plan is made from.</summary>
internal sealed record DialSituation
{
    /// <summary>Peers with a connection, each with how it was found.</summary>
    internal required IReadOnlyDictionary<PeerId, PeerSource> Connected { get; init; }

    /// <summary>Peers that are being dialled, each with why.</summary>
    internal required IReadOnlyDictionary<PeerId, PeerSource> Dialling { get; init; }

    internal IReadOnlyList<PeerId> Persistent { get; init; } = [];

    /// <summary>Peers seen on the local network.</summary>
    internal IReadOnlyList<MdnsPeer> Lan { get; init; } = [];

    /// <summary>Peers of the address book, best first.</summary>
    internal IReadOnlyList<PeerId> Book { get; init; } = [];

    internal IReadOnlyList<PeerId> Bootstrap { get; init; } = [];
}

/// <summary>Decides whom to dial next: persistent peers, those of the local network, those of the address book, and last the ways in. No I/O, no
/// clock.</summary>
internal sealed class DialPlan(DiscoveryOptions options, Backoff backoff)
{
    // With fewer connections than this, what the address book gives is not enough and the ways in are tried too.
    private const int FewConnections = 4;

    /// <summary>Whom to dial now, in order.</summary>
    internal IReadOnlyList<DialTarget> Next(DialSituation situation, DateTimeOffset now)
    {
        var targets = new List<DialTarget>();
        int free = options.MaxParallelDials - situation.Dialling.Count;
        foreach (PeerId peer in situation.Persistent) Take(peer, PeerSource.Persistent);

        // A dial under way will be a connection too; one that has just become one is counted once.
        int lanRoom = options.MaxLanConnectionCount - situation.Connected.Count(pair => pair.Value == PeerSource.Mdns)
            - situation.Dialling.Count(pair => pair.Value == PeerSource.Mdns && !situation.Connected.ContainsKey(pair.Key));
        foreach (MdnsPeer peer in situation.Lan)
            if (lanRoom > 0 && Take(peer.Peer, PeerSource.Mdns)) lanRoom--;

        foreach (PeerId peer in situation.Book)
            if (Standing() < options.TargetConnectionCount) Take(peer, PeerSource.AddressBook);
        foreach (PeerId peer in situation.Bootstrap)
            if (NeedsBootstrap(Standing())) Take(peer, PeerSource.Bootstrap);
        return targets;

        int Standing() => situation.Connected.Count + situation.Dialling.Count + targets.Count;

        bool Take(PeerId peer, PeerSource source)
        {
            if (targets.Count >= free || situation.Connected.ContainsKey(peer) || situation.Dialling.ContainsKey(peer)) return false;
            if (!backoff.IsOver(peer, now) || targets.Exists(target => target.Peer == peer)) return false;
            targets.Add(new DialTarget(peer, source));
            return true;
        }
    }

    /// <summary>Whether so few connections stand, or are being made, that the ways in are needed.</summary>
    internal bool NeedsBootstrap(int standing) => standing < Math.Min(FewConnections, options.TargetConnectionCount);

    /// <summary>When the first of those that wait may be dialled again; null when none waits.</summary>
    internal DateTimeOffset? NextAttempt(DialSituation situation, DateTimeOffset now)
    {
        IEnumerable<PeerId> wanted = situation.Persistent.Concat(situation.Lan.Select(peer => peer.Peer)).Concat(situation.Book).Concat(situation.Bootstrap);
        DateTimeOffset[] waits = [.. wanted.Where(peer => !situation.Connected.ContainsKey(peer)).Select(backoff.Until).Where(until => until > now)];
        return waits.Length == 0 ? null : waits.Min();
    }
}
