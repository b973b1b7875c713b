using Overlay.Transport.Identity;

namespace Overlay.Discovery;

/// <summary>What happened between two snapshots of a node's peers.</summary>
internal static class PeerChanges
{
    internal static IEnumerable<PeerChange> Between(IReadOnlyDictionary<PeerId, NetworkPeer> before, IReadOnlyList<NetworkPeer> now)
    {
        foreach (NetworkPeer peer in now)
        {
            NetworkPeer? known = before.GetValueOrDefault(peer.PeerId);
            if (peer.ConnectedSince is null)
            {
                if (known is null) yield return new PeerChange(PeerChangeKind.Found, peer);
                else if (known.ConnectedSince is not null) yield return new PeerChange(PeerChangeKind.Disconnected, peer);
            }
            else if (known?.ConnectedSince != peer.ConnectedSince)
            {
                yield return new PeerChange(PeerChangeKind.Connected, peer);
            }
        }

        HashSet<PeerId> present = [.. now.Select(peer => peer.PeerId)];
        foreach (NetworkPeer gone in before.Values.Where(peer => !present.Contains(peer.PeerId)))
            yield return new PeerChange(gone.ConnectedSince is null ? PeerChangeKind.Lost : PeerChangeKind.Disconnected, gone);
    }
}
