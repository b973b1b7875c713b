using Overlay.Transport.Identity;

namespace Overlay.Discovery.Kademlia.Records;

/// <summary><c>/pk/</c> and a peer id: that peer's public key, for ids that are only its hash.</summary>
internal sealed class PublicKeyValidator : IRecordValidator
{
    internal const string Namespace = "pk";

    internal static ReadOnlySpan<byte> Prefix => "/pk/"u8;

    public bool IsValid(ReadOnlySpan<byte> key, ReadOnlySpan<byte> value) =>
        key.StartsWith(Prefix) && PeerPublicKey.TryDecode(value, out PeerPublicKey? publicKey) && publicKey.ToPeerId().Bytes.SequenceEqual(key[Prefix.Length..]);

    // A peer id has one key, and a key one encoding.
    public int Choose(ReadOnlySpan<byte> key, ReadOnlySpan<byte> left, ReadOnlySpan<byte> right) => 0;
}
