using Overlay.Proofs;

namespace Overlay.Market.Reputation;

/// <summary>What a node has seen of a peer itself.</summary>
/// <param name="Peer">The peer.</param>
/// <param name="Served">Payload bytes of the peer's service that this node has used and paid for.</param>
/// <param name="Failures">How often the peer did not keep to what was agreed.</param>
internal readonly record struct OwnExperience(PublicKey Peer, ulong Served, int Failures);
