using System.Buffers.Binary;
using Overlay.Transport.Crypto;

namespace Overlay.Transport.Noise;

/// <summary>A key and a counter of messages (Noise specification, section 5.1). Works in place and allocates nothing per message.</summary>
/// <remarks>One thread at a time. The owner disposes it, which clears the key.</remarks>
internal sealed class CipherState : IDisposable
{
    // Reserved by section 5.1; reaching it ends the key's life.
    private const ulong ExhaustedNonce = ulong.MaxValue;

    private ChaChaPoly? _k;
    private ulong _n;

    internal bool HasKey => _k is not null;

    internal void InitializeKey(ReadOnlySpan<byte> key)
    {
        _k?.Dispose();
        _k = ChaChaPoly.Create(key);
        _n = 0;
    }

    internal void SetNonce(ulong nonce) => _n = nonce;

    /// <summary>Encrypts <paramref name="message"/>, plaintext with 16 bytes of room for the tag at its end, in place.</summary>
    /// <exception cref="NoiseException">The nonces are used up.</exception>
    internal void EncryptWithAd(ReadOnlySpan<byte> associatedData, Span<byte> message)
    {
        Span<byte> nonce = stackalloc byte[ChaChaPoly.NonceSize];
        WriteNonce(nonce);
        Key.Seal(nonce, message, associatedData);
        _n++;
    }

    /// <summary>Decrypts <paramref name="message"/>, ciphertext and tag, in place. False for a forgery, which leaves the counter as it was.</summary>
    /// <exception cref="NoiseException">The nonces are used up.</exception>
    internal bool TryDecryptWithAd(ReadOnlySpan<byte> associatedData, Span<byte> message)
    {
        Span<byte> nonce = stackalloc byte[ChaChaPoly.NonceSize];
        WriteNonce(nonce);
        if (!Key.TryOpen(nonce, message, associatedData)) return false;
        _n++;
        return true;
    }

    public void Dispose()
    {
        _k?.Dispose();
        _k = null;
    }

    private ChaChaPoly Key => _k ?? throw new ObjectDisposedException(nameof(CipherState));

    // Section 12.3: 32 bits of zeros, then the counter in little-endian order.
    private void WriteNonce(Span<byte> nonce)
    {
        if (_n == ExhaustedNonce) throw new NoiseException(NoiseError.NonceExhausted);
        nonce[..4].Clear();
        BinaryPrimitives.WriteUInt64LittleEndian(nonce[4..], _n);
    }
}
