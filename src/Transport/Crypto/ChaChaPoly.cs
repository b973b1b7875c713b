using System.Security.Cryptography;

namespace Overlay.Transport.Crypto;

/// <summary>One key of AEAD_CHACHA20_POLY1305 (RFC 8439, section 2.8), working in place: <c>text ‖ tag</c> in one span. Clears the key when disposed.</summary>
/// <remarks>Not safe on several threads at once. The caller never uses a nonce twice.</remarks>
internal abstract class ChaChaPoly : IDisposable
{
    internal const int KeySize = 32;
    internal const int NonceSize = 12;
    internal const int TagSize = 16;

    private protected ChaChaPoly()
    {
    }

    /// <summary>The platform's implementation where there is one, otherwise the managed one; they agree byte for byte.</summary>
    internal static ChaChaPoly Create(ReadOnlySpan<byte> key) =>
        ChaCha20Poly1305.IsSupported ? new PlatformChaChaPoly(key) : new ManagedChaChaPoly(key);

    /// <summary>Encrypts in place.</summary>
    /// <param name="nonce">12 bytes.</param>
    /// <param name="message">The plaintext, followed by 16 bytes of room that receive the tag.</param>
    /// <param name="associatedData">Authenticated and not sent.</param>
    internal abstract void Seal(ReadOnlySpan<byte> nonce, Span<byte> message, ReadOnlySpan<byte> associatedData);

    /// <summary>Decrypts in place.</summary>
    /// <param name="nonce">12 bytes.</param>
    /// <param name="message">Ciphertext followed by the 16 bytes of its tag; afterwards the plaintext, followed by bytes of no meaning.</param>
    /// <param name="associatedData">What the sender authenticated.</param>
    /// <returns>False for anything forged, shorter than a tag included; the text is then of no meaning and holds no plaintext.</returns>
    internal abstract bool TryOpen(ReadOnlySpan<byte> nonce, Span<byte> message, ReadOnlySpan<byte> associatedData);

    public abstract void Dispose();
}
