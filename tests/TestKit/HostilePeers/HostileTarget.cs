using Overlay.Transport.Connections;
using Overlay.Transport.Identity;

namespace Overlay.TestKit.HostilePeers;

/// <summary>The host that is misbehaved against: how to reach it and who it says it is.</summary>
/// <param name="Transport">What carries the bytes.</param>
/// <param name="Address">Where it listens.</param>
/// <param name="PeerId">Its name.</param>
public sealed record HostileTarget(IByteTransport Transport, Multiaddr Address, PeerId PeerId)
{
    /// <summary>Opens a line on which nothing has been said.</summary>
    /// <exception cref="ConnectionException">The host does not accept.</exception>
    public async Task<RawLine> DialAsync(CancellationToken cancellationToken) =>
        new(await Transport.DialAsync(Address.WithoutPeerId(), cancellationToken));
}
