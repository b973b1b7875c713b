using Overlay.Proofs;
using Overlay.Transport.Identity;

namespace Overlay;

/// <summary>Lets proofs be signed with the node's identity, whose key they never see.</summary>
internal sealed class IdentitySigner(PeerIdentity identity) : ISigner
{
    public PublicKey PublicKey { get; } = new(identity.PublicKey.Data.Span);

    public void Sign(ReadOnlySpan<byte> message, Span<byte> signature) => identity.Sign(message, signature);
}
