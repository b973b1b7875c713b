using System.Security.Cryptography;
using Overlay.Transport.Crypto;

namespace Overlay.Transport.Noise;

/// <summary>The chaining key, the transcript hash and the handshake's cipher (Noise specification, section 5.2).</summary>
internal sealed class SymmetricState : IDisposable
{
    private readonly CipherState _cipher = new();
    private readonly IncrementalHash _hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
    private readonly byte[] _ck = GC.AllocateArray<byte>(HkdfSha256.HashSize, pinned: true);
    private readonly byte[] _h = new byte[HkdfSha256.HashSize];

    /// <summary>InitializeSymmetric: a name of at most 32 bytes is padded with zeros, as section 5.2 says.</summary>
    internal SymmetricState(ReadOnlySpan<byte> protocolName)
    {
        protocolName.CopyTo(_h);
        _h.CopyTo(_ck, 0);
    }

    internal bool HasKey => _cipher.HasKey;

    internal ReadOnlySpan<byte> HandshakeHash => _h;

    internal void MixKey(ReadOnlySpan<byte> inputKeyMaterial)
    {
        Span<byte> key = stackalloc byte[HkdfSha256.HashSize];
        HkdfSha256.DeriveTwo(_ck, inputKeyMaterial, _ck, key);
        _cipher.InitializeKey(key);
        CryptographicOperations.ZeroMemory(key);
    }

    internal void MixHash(ReadOnlySpan<byte> data)
    {
        _hash.AppendData(_h);
        _hash.AppendData(data);
        _hash.GetHashAndReset(_h);
    }

    /// <summary>Writes the ciphertext, or the plaintext while there is no key, and returns its size.</summary>
    internal int EncryptAndHash(ReadOnlySpan<byte> plaintext, Span<byte> destination)
    {
        int size = plaintext.Length + (HasKey ? ChaChaPoly.TagSize : 0);
        Span<byte> output = destination[..size];
        plaintext.CopyTo(output);
        if (HasKey) _cipher.EncryptWithAd(_h, output);
        MixHash(output);
        return size;
    }

    /// <summary>Writes the plaintext and returns its size. <paramref name="destination"/> is at least as long as the ciphertext.</summary>
    /// <exception cref="NoiseException">Authentication failed.</exception>
    internal int DecryptAndHash(ReadOnlySpan<byte> ciphertext, Span<byte> destination)
    {
        Span<byte> output = destination[..ciphertext.Length];
        ciphertext.CopyTo(output);
        if (HasKey && !_cipher.TryDecryptWithAd(_h, output)) throw new NoiseException(NoiseError.DecryptionFailed);
        MixHash(ciphertext);
        return ciphertext.Length - (HasKey ? ChaChaPoly.TagSize : 0);
    }

    /// <summary>The two transport ciphers: the first encrypts from the initiator to the responder. The caller owns them.</summary>
    internal (CipherState First, CipherState Second) Split()
    {
        Span<byte> first = stackalloc byte[HkdfSha256.HashSize];
        Span<byte> second = stackalloc byte[HkdfSha256.HashSize];
        HkdfSha256.DeriveTwo(_ck, default, first, second);
        var c1 = new CipherState();
        var c2 = new CipherState();
        c1.InitializeKey(first);
        c2.InitializeKey(second);
        CryptographicOperations.ZeroMemory(first);
        CryptographicOperations.ZeroMemory(second);
        return (c1, c2);
    }

    public void Dispose()
    {
        _cipher.Dispose();
        _hash.Dispose();
        CryptographicOperations.ZeroMemory(_ck);
    }
}
