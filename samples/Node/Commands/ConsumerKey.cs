using Overlay.Proofs;
using Overlay.Transport.Identity;

namespace Overlay.Node.Commands;

/// <summary>A consumer as people name it: by its PeerId, or by its key in hexadecimal digits.</summary>
internal static class ConsumerKey
{
    /// <exception cref="UsageException">The text names no Ed25519 key.</exception>
    internal static PublicKey Read(string name, string text)
    {
        if (text.Length == PublicKey.Size * 2 && text.All(char.IsAsciiHexDigit)) return PublicKey.Parse(text);
        if (PeerId.TryParse(text, out PeerId? peer) && peer.TryGetPublicKey(out PeerPublicKey? key) && key.Type == PeerKeyType.Ed25519)
            return new PublicKey(key.Data.Span);
        throw new UsageException($"{name} cannot be '{text}': it takes a PeerId such as 12D3Koo…, or a key of 64 hexadecimal digits.");
    }
}
