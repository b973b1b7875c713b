using Overlay.Transport.Identity;

namespace Overlay.Discovery.Addresses;

/// <summary>An address book that lasts as long as its node.</summary>
internal sealed class InMemoryAddressBookStore : IAddressBookStore
{
    private readonly Dictionary<PeerId, PeerEntry> _entries = [];

    public int DamagedCount => 0;

    public ValueTask<IReadOnlyList<PeerEntry>> LoadAsync(int maxCount, CancellationToken cancellationToken) =>
        ValueTask.FromResult<IReadOnlyList<PeerEntry>>([.. _entries.Values.OrderByDescending(entry => entry.LastReached).Take(maxCount)]);

    public ValueTask SaveAsync(IReadOnlyList<PeerEntry> changed, IReadOnlyList<PeerId> removed, CancellationToken cancellationToken)
    {
        foreach (PeerEntry entry in changed) _entries[entry.Peer] = entry;
        foreach (PeerId peer in removed) _entries.Remove(peer);
        return ValueTask.CompletedTask;
    }

    public ValueTask SaveConnectionsAsync(IReadOnlyList<NetworkPeer> connected, CancellationToken cancellationToken) => ValueTask.CompletedTask;

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;
}
