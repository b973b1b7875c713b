using System.Security.Cryptography;
using Overlay.Transport.Crypto.Group;

namespace Overlay.Transport.Crypto;

/// <summary>X25519 (RFC 7748, section 5) behind the one name that this assembly uses for it: agreement by <see cref="MontgomeryLadder"/>, public keys
/// by a table of the base point's multiples on edwards25519. Constant time.</summary>
internal static class X25519
{
    /// <summary>Bytes of a private key, a public key and a shared secret alike.</summary>
    internal const int KeySize = 32;

    private static readonly FixedBase s_base = CurveBackend.Best.PrepareFixedBase(CurveConstants.Basepoint);

    /// <summary>Computes the public key of a private one.</summary>
    /// <remarks>The base point's order is ℓ, so its multiple by the scalar modulo ℓ is the multiple by the scalar.</remarks>
    internal static void DerivePublicKey(ReadOnlySpan<byte> privateKey, Span<byte> publicKey)
    {
        ArgumentOutOfRangeException.ThrowIfNotEqual(privateKey.Length, KeySize);
        ArgumentOutOfRangeException.ThrowIfNotEqual(publicKey.Length, KeySize);
        Span<byte> wide = stackalloc byte[Scalar.WideSize];
        Span<Scalar> scalar = stackalloc Scalar[1];
        wide.Clear();
        privateKey.CopyTo(wide);
        MontgomeryLadder.Clamp(wide);
        scalar[0] = Scalar.ReduceWide(wide);
        MontgomeryLadder.Encode(CurveBackend.Best.Multiply(scalar[0], s_base), publicKey);
        CryptographicOperations.ZeroMemory(wide);
        Scalar.Clear(scalar);
    }

    /// <summary>Computes the shared secret.</summary>
    /// <returns>False, with <paramref name="sharedSecret"/> zero, when the result is all zero: the other side sent a point of small order (RFC 7748, section 6.1).</returns>
    internal static bool TryAgree(ReadOnlySpan<byte> privateKey, ReadOnlySpan<byte> publicKey, Span<byte> sharedSecret)
    {
        ArgumentOutOfRangeException.ThrowIfNotEqual(privateKey.Length, KeySize);
        ArgumentOutOfRangeException.ThrowIfNotEqual(publicKey.Length, KeySize);
        ArgumentOutOfRangeException.ThrowIfNotEqual(sharedSecret.Length, KeySize);
        MontgomeryLadder.Multiply(privateKey, publicKey, sharedSecret);
        int bits = 0;
        foreach (byte b in sharedSecret) bits |= b;
        return bits != 0;
    }
}

/// <summary>An X25519 key pair. Clears its private half when disposed.</summary>
/// <remarks>Safe on several threads until disposed.</remarks>
internal sealed class X25519KeyPair : IDisposable
{
    // Pinned, so that the collector leaves no copies of the secret behind when it moves objects.
    private readonly byte[] _privateKey = GC.AllocateArray<byte>(X25519.KeySize, pinned: true);
    private readonly byte[] _publicKey = new byte[X25519.KeySize];
    private bool _disposed;

    private X25519KeyPair()
    {
    }

    internal ReadOnlySpan<byte> PublicKey => _publicKey;

    internal static X25519KeyPair Generate()
    {
        var pair = new X25519KeyPair();
        RandomNumberGenerator.Fill(pair._privateKey);
        X25519.DerivePublicKey(pair._privateKey, pair._publicKey);
        return pair;
    }

    internal static X25519KeyPair FromPrivateKey(ReadOnlySpan<byte> privateKey)
    {
        ArgumentOutOfRangeException.ThrowIfNotEqual(privateKey.Length, X25519.KeySize);
        var pair = new X25519KeyPair();
        privateKey.CopyTo(pair._privateKey);
        X25519.DerivePublicKey(pair._privateKey, pair._publicKey);
        return pair;
    }

    /// <inheritdoc cref="X25519.TryAgree"/>
    internal bool TryAgree(ReadOnlySpan<byte> publicKey, Span<byte> sharedSecret)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        return X25519.TryAgree(_privateKey, publicKey, sharedSecret);
    }

    public void Dispose()
    {
        _disposed = true;
        CryptographicOperations.ZeroMemory(_privateKey);
    }
}
