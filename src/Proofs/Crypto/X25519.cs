using System.Security.Cryptography;
using BouncyX25519 = Org.BouncyCastle.Math.EC.Rfc7748.X25519;

namespace Overlay.Proofs.Crypto;

/// <summary>Diffie-Hellman on Curve25519 (RFC 7748, section 5): the only place in this assembly that names an implementation of it.</summary>
public static class X25519
{
    /// <summary>Size of private keys, public keys and shared secrets in bytes.</summary>
    public const int KeySize = 32;

    /// <summary>Makes a fresh key pair.</summary>
    /// <param name="privateKey">Receives the private key; exactly <see cref="KeySize"/> bytes. The caller clears it.</param>
    /// <param name="publicKey">Receives the public key; exactly <see cref="KeySize"/> bytes.</param>
    /// <exception cref="ArgumentException">A buffer has another length.</exception>
    public static void GenerateKeyPair(Span<byte> privateKey, Span<byte> publicKey)
    {
        Check(privateKey.Length, nameof(privateKey));
        Check(publicKey.Length, nameof(publicKey));
        RandomNumberGenerator.Fill(privateKey);
        BouncyX25519.ScalarMultBase(privateKey, publicKey);
    }

    /// <summary>Computes the secret shared with the holder of another key.</summary>
    /// <param name="privateKey">Own private key; exactly <see cref="KeySize"/> bytes.</param>
    /// <param name="peerPublicKey">What the peer sent; any length but <see cref="KeySize"/> is refused.</param>
    /// <param name="sharedSecret">Receives the secret; exactly <see cref="KeySize"/> bytes. The caller clears it.</param>
    /// <returns>False when the peer's key is of small order, so that the secret would be all zero (RFC 7748, section 6.1).</returns>
    /// <exception cref="ArgumentException">One of the caller's own buffers has another length.</exception>
    public static bool TryAgree(ReadOnlySpan<byte> privateKey, ReadOnlySpan<byte> peerPublicKey, Span<byte> sharedSecret)
    {
        Check(privateKey.Length, nameof(privateKey));
        Check(sharedSecret.Length, nameof(sharedSecret));
        return peerPublicKey.Length == KeySize && BouncyX25519.CalculateAgreement(privateKey, peerPublicKey, sharedSecret);
    }

    private static void Check(int length, string parameter)
    {
        if (length != KeySize) throw new ArgumentException($"Expected {KeySize} bytes, got {length}.", parameter);
    }
}
