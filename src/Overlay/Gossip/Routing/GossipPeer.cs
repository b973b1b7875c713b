using Overlay.Gossip.Scoring;
using Overlay.Transport.Identity;

namespace Overlay.Gossip.Routing;

/// <summary>A connected peer and what the router remembers of it. Owned by the router.</summary>
/// <remarks>Its hash is its number, so that nothing depends on where it lies in memory and a run with one seed is like another.</remarks>
internal sealed class GossipPeer(int number, PeerId id, GossipVersion version, bool isOutbound, PeerStats stats)
{
    internal PeerId Id => id;

    internal GossipVersion Version => version;

    /// <summary>Whether this node dialled it. Whoever wants to surround a node must be dialled by it, too.</summary>
    internal bool IsOutbound => isOutbound;

    /// <summary>Whether the owner named it: outside of meshes and scores, and sent everything.</summary>
    internal bool IsDirect { get; init; }

    internal PeerStats Stats => stats;

    /// <summary>Its signed record of addresses, for others; empty when it sent none.</summary>
    internal ReadOnlyMemory<byte> SignedRecord { get; set; }

    /// <summary>What it takes messages of.</summary>
    internal HashSet<string> Topics { get; init; } = new(StringComparer.Ordinal);

    /// <summary>Ids that it does not want, and for how many heartbeats they are remembered.</summary>
    internal Dictionary<MessageId, int> Unwanted { get; } = [];

    /// <summary>Its messages that wait for their check.</summary>
    internal int PendingCount { get; set; }

    /// <summary>RPCs with IHAVE since the last heartbeat.</summary>
    internal int IHaveCount { get; set; }

    /// <summary>Messages asked of it since the last heartbeat.</summary>
    internal int AskedCount { get; set; }

    /// <summary>IDONTWANT messages since the last heartbeat.</summary>
    internal int IDontWantCount { get; set; }

    /// <summary>Bytes given to it for its IWANT since the last heartbeat.</summary>
    internal long GivenBytes { get; set; }

    public override int GetHashCode() => number;
}

/// <summary>The versions of gossipsub, in their order.</summary>
internal enum GossipVersion
{
    V11 = 1,
    V12 = 2,
}
