using Overlay.Transport.Crypto;
using Overlay.Transport.Identity;

namespace Overlay.Transport.Noise;

/// <summary>
/// A host's Noise static key with its identity's signature over it (libp2p noise specification, "Static Key Authentication"). Made once per process, never stored;
/// signed once and not per connection. Clears its secret when disposed, which is after the last handshake.
/// </summary>
/// <remarks>Safe on several threads until disposed.</remarks>
internal sealed class NoiseStaticKey : IDisposable
{
    private const int IdentitySignatureSize = 64;

    private readonly byte[] _identitySignature = new byte[IdentitySignatureSize];

    private NoiseStaticKey(X25519KeyPair keyPair, PeerIdentity identity)
    {
        KeyPair = keyPair;
        Identity = identity.PublicKey;
        identity.Sign(SignedText(keyPair.PublicKey), _identitySignature);
    }

    internal X25519KeyPair KeyPair { get; }

    internal PeerPublicKey Identity { get; }

    internal ReadOnlySpan<byte> IdentitySignature => _identitySignature;

    internal static NoiseStaticKey Generate(PeerIdentity identity) => new(X25519KeyPair.Generate(), identity);

    internal static NoiseStaticKey FromPrivateKey(ReadOnlySpan<byte> privateKey, PeerIdentity identity) =>
        new(X25519KeyPair.FromPrivateKey(privateKey), identity);

    /// <summary>What an identity signs to vouch for a static key.</summary>
    internal static byte[] SignedText(ReadOnlySpan<byte> staticKey) => [.. "noise-libp2p-static-key:"u8, .. staticKey];

    public void Dispose() => KeyPair.Dispose();
}
