using Overlay.Transport.Identity;

namespace Overlay.TestKit.HostilePeers;

/// <summary>Where a handshake leaves the honest path. What is not said is done as it should be.</summary>
public sealed record HandshakeScript
{
    /// <summary>The honest path.</summary>
    public static HandshakeScript Honest { get; } = new();

    /// <summary>Changes the frame of the first message, length included.</summary>
    public Func<byte[], byte[]> First { get; init; } = static frame => frame;

    /// <summary>Changes the frame of the third message, length included.</summary>
    public Func<byte[], byte[]> Third { get; init; } = static frame => frame;

    /// <summary>Makes the payload of the third message from the identity and the static key.</summary>
    public Func<PeerIdentity, ReadOnlyMemory<byte>, byte[]> Payload { get; init; } = static (identity, key) => SignedPayload(identity, key, "/yamux/1.0.0");

    /// <summary>The identity's key, its signature of the static key, and a list of muxers (libp2p noise specification, "The libp2p Handshake Payload").</summary>
    public static byte[] SignedPayload(PeerIdentity identity, ReadOnlyMemory<byte> staticKey, params IEnumerable<string> muxers)
    {
        byte[] signature = new byte[64];
        identity.Sign([.. "noise-libp2p-static-key:"u8, .. staticKey.Span], signature);
        return Payload3(identity.PublicKey.Encoded.Span, signature, muxers);
    }

    /// <summary>A payload of any key, signature and muxers.</summary>
    public static byte[] Payload3(ReadOnlySpan<byte> identityKey, ReadOnlySpan<byte> signature, IEnumerable<string> muxers)
    {
        byte[] extensions = [.. muxers.SelectMany(name => HandProtobuf.Field(2, System.Text.Encoding.UTF8.GetBytes(name)))];
        return [.. HandProtobuf.Field(1, identityKey), .. HandProtobuf.Field(2, signature), .. HandProtobuf.Field(4, extensions)];
    }
}
