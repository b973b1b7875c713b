using Overlay.Transport.Identity;

namespace Overlay;

/// <summary>Of addresses that a peer told, those that may be dialled from here, names replaced by what they stand for now: no stranger's word leads a dial into the owner's networks.</summary>
/// <param name="told">What was told.</param>
/// <param name="cancellationToken">Gives up.</param>
internal delegate ValueTask<IReadOnlyList<Multiaddr>> DialableAddresses(IReadOnlyList<Multiaddr> told, CancellationToken cancellationToken);
