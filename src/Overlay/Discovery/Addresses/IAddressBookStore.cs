namespace Overlay.Discovery.Addresses;

/// <summary>Where an address book is kept between two runs of a node. Every implementation runs one contract suite.</summary>
/// <remarks>Used by one caller at a time. What is lost of it is known again sooner or later, so a failure to write is told and lived with.</remarks>
internal interface IAddressBookStore : IAsyncDisposable
{
    /// <summary>Reads all peers; what cannot be read is left out and counted.</summary>
    /// <returns>The peers, at most <paramref name="maxCount"/>, those reached last first.</returns>
    ValueTask<IReadOnlyList<PeerEntry>> LoadAsync(int maxCount, CancellationToken cancellationToken);

    /// <summary>Writes changed peers, whole, and takes forgotten ones away: all or none.</summary>
    /// <exception cref="AddressBookException">They could not be written.</exception>
    ValueTask SaveAsync(IReadOnlyList<PeerEntry> changed, IReadOnlyList<Transport.Identity.PeerId> removed, CancellationToken cancellationToken);

    /// <summary>Replaces the list of standing connections, for other programs to read.</summary>
    /// <exception cref="AddressBookException">It could not be written.</exception>
    ValueTask SaveConnectionsAsync(IReadOnlyList<NetworkPeer> connected, CancellationToken cancellationToken);

    /// <summary>Rows that <see cref="LoadAsync"/> left out because they were not as they are written.</summary>
    int DamagedCount { get; }
}
