using System.Buffers;
using Overlay.Transport.Crypto;
using Overlay.Transport.Identity;
using Overlay.Transport.Noise;

namespace Overlay.Fuzzing.Targets;

/// <summary>Two hosts whose keys, ephemeral ones too, never change, so that a recorded handshake is valid again.</summary>
internal static class NoiseSamples
{
    internal const string Muxer = "/yamux/1.0.0";

    private static readonly NoiseStaticKey s_own = NoiseStaticKey.FromPrivateKey(FuzzKeys.Seed(3), FuzzKeys.Own);
    private static readonly NoiseStaticKey s_peer = NoiseStaticKey.FromPrivateKey(FuzzKeys.Seed(4), FuzzKeys.Peer);

    /// <summary>The peer's key, which the input plays with.</summary>
    internal static NoiseStaticKey Peer => s_peer;

    /// <summary>The side under test.</summary>
    internal static NoiseHandshake CreateOwn(NoiseRole role) =>
        new(s_own, role, role == NoiseRole.Initiator ? FuzzKeys.Peer.PeerId : null, [Muxer], new NoiseOptions(), X25519KeyPair.FromPrivateKey(FuzzKeys.Seed(5)));

    /// <summary>An honest peer.</summary>
    internal static NoiseHandshake CreatePeer(NoiseRole role) =>
        new(s_peer, role, FuzzKeys.Own.PeerId, [Muxer], new NoiseOptions(), X25519KeyPair.FromPrivateKey(FuzzKeys.Seed(6)));

    /// <summary>What an honest peer sends to the side under test, which has <paramref name="ownRole"/>: frames with their lengths.</summary>
    internal static byte[] Record(NoiseRole ownRole)
    {
        using NoiseHandshake own = CreateOwn(ownRole);
        using NoiseHandshake peer = CreatePeer(ownRole == NoiseRole.Initiator ? NoiseRole.Responder : NoiseRole.Initiator);
        List<byte> sent = [];
        while (!own.IsComplete || !peer.IsComplete)
        {
            if (own.WantsWrite)
            {
                peer.ReadMessage(Write(own).AsSpan(NoiseHandshake.PrefixSize));
            }
            else
            {
                byte[] frame = Write(peer);
                sent.AddRange(frame);
                own.ReadMessage(frame.AsSpan(NoiseHandshake.PrefixSize));
            }
        }

        own.Result.Dispose();
        peer.Result.Dispose();
        return [.. sent];
    }

    internal static byte[] Write(NoiseHandshake writer)
    {
        var output = new ArrayBufferWriter<byte>(1024);
        writer.WriteMessage(output);
        return output.WrittenSpan.ToArray();
    }
}
