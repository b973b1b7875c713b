using System.Security.Cryptography;
using Overlay.Transport.Crypto;

namespace Overlay.Transport.Identity;

/// <summary>A node's own Ed25519 key pair and the name made from it. Clears its secret when disposed.</summary>
/// <remarks>Safe on several threads until disposed.</remarks>
public sealed class PeerIdentity : IDisposable
{
    private readonly byte[] _seed;
    private readonly byte[] _publicKey;
    private bool _disposed;

    private PeerIdentity(byte[] seed)
    {
        _seed = seed;
        _publicKey = Ed25519.DerivePublicKey(seed);
        PublicKey = PeerPublicKey.FromEd25519(_publicKey);
        PeerId = PublicKey.ToPeerId();
    }

    /// <summary>The public key.</summary>
    public PeerPublicKey PublicKey { get; }

    /// <summary>The node's name.</summary>
    public PeerId PeerId { get; }

    /// <summary>Makes a new random identity.</summary>
    public static PeerIdentity Generate() => new(Ed25519.GenerateSeed());

    /// <summary>The identity of a 32-byte Ed25519 seed (RFC 8032, section 5.1.5). The seed is copied.</summary>
    /// <exception cref="ArgumentException">The seed has another length.</exception>
    public static PeerIdentity FromSeed(ReadOnlySpan<byte> seed)
    {
        if (seed.Length != Ed25519.SeedSize) throw new ArgumentException($"An Ed25519 seed is 32 bytes, not {seed.Length}.", nameof(seed));
        return new PeerIdentity(seed.ToArray());
    }

    /// <summary>Writes the Ed25519 signature of <paramref name="message"/>.</summary>
    /// <param name="message">The bytes to sign.</param>
    /// <param name="signature">Receives exactly 64 bytes.</param>
    /// <exception cref="ObjectDisposedException">The identity was disposed.</exception>
    public void Sign(ReadOnlySpan<byte> message, Span<byte> signature)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        if (signature.Length != Ed25519.SignatureSize) throw new ArgumentException("A signature is 64 bytes.", nameof(signature));
        Ed25519.Sign(_seed, _publicKey, message, signature);
    }

    /// <summary>Copies out the seed, for storing it. The caller clears the copy.</summary>
    /// <param name="seed">Receives exactly 32 bytes.</param>
    public void ExportSeed(Span<byte> seed)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        _seed.CopyTo(seed);
    }

    /// <summary>Clears the secret.</summary>
    public void Dispose()
    {
        _disposed = true;
        CryptographicOperations.ZeroMemory(_seed);
    }
}
