using System.Diagnostics.CodeAnalysis;
using Overlay.Proofs.Crypto;
using Overlay.Proofs.Encoding;
using Overlay.Transport.Identity;

namespace Overlay.Discovery.Kademlia.Records;

/// <summary>A value that a peer has signed for its own part of the <c>/overlay/</c> namespace (docs/protocols/kademlia.md).</summary>
/// <remarks>
/// The envelope is <c>[bin body, bin signature]</c>, the body <c>[1, sequence, payload]</c>, both canonical. Signed is <c>overlay/record/1\0</c>, the key's
/// SHA-256 and the body: a value cannot be moved to another key.
/// </remarks>
internal sealed record SignedValue(ulong Sequence, ReadOnlyMemory<byte> Payload)
{
    private const int MaxBodySize = 65536, MaxNameSize = 128;

    private static ReadOnlySpan<byte> Domain => "overlay/record/1\0"u8;

    private static ReadOnlySpan<byte> Prefix => "/overlay/"u8;

    /// <summary>The key of a name in a peer's part of the namespace.</summary>
    /// <exception cref="ArgumentException">The name is empty, longer than 128 characters, or has one that is not printable ASCII.</exception>
    internal static byte[] KeyOf(PeerId peer, string name)
    {
        if (name.Length is 0 or > MaxNameSize || name.Any(c => c is < '!' or > '~'))
            throw new ArgumentException($"'{name}' cannot be the name of a value: 1 to {MaxNameSize} printable ASCII characters without spaces.", nameof(name));
        return System.Text.Encoding.ASCII.GetBytes($"/overlay/{peer}/{name}");
    }

    /// <summary>Signs a value.</summary>
    internal static byte[] Seal(PeerIdentity identity, ReadOnlySpan<byte> key, ulong sequence, ReadOnlySpan<byte> payload)
    {
        byte[] body = new CanonicalWriter(3).Write(1UL).Write(sequence).Write(payload).ToArray();
        byte[] signature = new byte[Ed25519.SignatureSize];
        identity.Sign(Signed(key, body), signature);
        return new CanonicalWriter(2).Write((ReadOnlySpan<byte>)body).Write((ReadOnlySpan<byte>)signature).ToArray();
    }

    /// <summary>Reads a value and checks that the peer in its key has signed it; false for anything else. Never throws on what a peer sent.</summary>
    internal static bool TryOpen(ReadOnlySpan<byte> key, ReadOnlySpan<byte> value, [NotNullWhen(true)] out SignedValue? opened)
    {
        opened = null;
        if (!TryReadPeer(key, out PeerId? peer) || !peer.TryGetPublicKey(out PeerPublicKey? publicKey)) return false;
        if (!TryReadEnvelope(value, out ReadOnlySpan<byte> body, out ReadOnlySpan<byte> signature)) return false;
        // The signature first: what is inside may be anything until it holds.
        if (!publicKey.VerifyVarTime(Signed(key, body), signature)) return false;
        if (!TryReadBody(body, out ulong sequence, out ReadOnlySpan<byte> payload)) return false;
        opened = new SignedValue(sequence, payload.ToArray());
        return true;
    }

    /// <summary>The sequence of a value that <see cref="TryOpen"/> has found to be right: its signature is not checked anew. Null for one that it would refuse
    /// for its form.</summary>
    internal static ulong? ReadSequence(ReadOnlySpan<byte> value) =>
        TryReadEnvelope(value, out ReadOnlySpan<byte> body, out _) && TryReadBody(body, out ulong sequence, out _) ? sequence : null;

    private static bool TryReadEnvelope(ReadOnlySpan<byte> value, out ReadOnlySpan<byte> body, out ReadOnlySpan<byte> signature)
    {
        signature = default;
        body = default;
        var envelope = new CanonicalReader(value);
        return envelope.TryReadArrayHeader(2) && envelope.TryReadBytes(1, MaxBodySize, out body)
            && envelope.TryReadBytes(Ed25519.SignatureSize, Ed25519.SignatureSize, out signature) && envelope.IsComplete;
    }

    private static bool TryReadBody(ReadOnlySpan<byte> body, out ulong sequence, out ReadOnlySpan<byte> payload)
    {
        sequence = 0;
        payload = default;
        var reader = new CanonicalReader(body);
        return reader.TryReadArrayHeader(3) && reader.TryReadUInt64(1, out ulong version) && version == 1
            && reader.TryReadUInt64(ulong.MaxValue, out sequence) && reader.TryReadBytes(0, MaxBodySize, out payload) && reader.IsComplete;
    }

    private static byte[] Signed(ReadOnlySpan<byte> key, ReadOnlySpan<byte> body) => [.. Domain, .. System.Security.Cryptography.SHA256.HashData(key), .. body];

    private static bool TryReadPeer(ReadOnlySpan<byte> key, [NotNullWhen(true)] out PeerId? peer)
    {
        peer = null;
        if (!key.StartsWith(Prefix)) return false;
        ReadOnlySpan<byte> rest = key[Prefix.Length..];
        int slash = rest.IndexOf((byte)'/');
        if (slash is < 1 or > 128 || rest.Length - slash - 1 is < 1 or > MaxNameSize) return false;
        foreach (byte b in rest)
            if (b is < (byte)'!' or > (byte)'~') return false;
        // One text for one peer, or one value would have several keys.
        string text = System.Text.Encoding.ASCII.GetString(rest[..slash]);
        return PeerId.TryParse(text, out peer) && peer.ToString() == text;
    }
}
