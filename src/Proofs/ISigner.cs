namespace Overlay.Proofs;

/// <summary>Signs with one Ed25519 key. The seam through which a node's identity signs receipts without this assembly holding the key.</summary>
/// <remarks>Implementations are safe on several threads.</remarks>
public interface ISigner
{
    /// <summary>The signer's Ed25519 public key.</summary>
    PublicKey PublicKey { get; }

    /// <summary>Writes the 64-byte Ed25519 signature (RFC 8032, section 5.1.6) of <paramref name="message"/>.</summary>
    /// <param name="message">The bytes to sign, of any length.</param>
    /// <param name="signature">Receives the signature; exactly <see cref="Crypto.Ed25519.SignatureSize"/> bytes.</param>
    void Sign(ReadOnlySpan<byte> message, Span<byte> signature);
}
