using System.Security.Cryptography;

namespace Overlay.Transport.Crypto;

/// <summary>ChaCha20-Poly1305 by the operating system's library: several times the speed of managed code.</summary>
internal sealed class PlatformChaChaPoly : ChaChaPoly
{
    private readonly ChaCha20Poly1305 _cipher;

    internal PlatformChaChaPoly(ReadOnlySpan<byte> key) => _cipher = new ChaCha20Poly1305(key);

    internal override void Seal(ReadOnlySpan<byte> nonce, Span<byte> message, ReadOnlySpan<byte> associatedData)
    {
        Span<byte> text = message[..^TagSize];
        _cipher.Encrypt(nonce, text, text, message[^TagSize..], associatedData);
    }

    internal override bool TryOpen(ReadOnlySpan<byte> nonce, Span<byte> message, ReadOnlySpan<byte> associatedData)
    {
        if (message.Length < TagSize) return false;
        Span<byte> text = message[..^TagSize];
        try
        {
            // Clears the text itself when the tag does not match.
            _cipher.Decrypt(nonce, text, message[^TagSize..], text, associatedData);
            return true;
        }
        catch (AuthenticationTagMismatchException)
        {
            return false;
        }
    }

    public override void Dispose() => _cipher.Dispose();
}
