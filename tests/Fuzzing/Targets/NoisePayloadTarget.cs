using Google.Protobuf;
using Overlay.Fuzzing.Engine;
using Overlay.Transport.Connections;
using Overlay.Transport.Noise;

namespace Overlay.Fuzzing.Targets;

/// <summary>What a peer says inside a handshake that is otherwise right: its identity, the signature over its static key, its extensions.</summary>
/// <remarks>Input: a byte for role (bit 0) and kind (bit 1), then the whole payload, or what goes beside a valid identity and signature.</remarks>
internal sealed class NoisePayloadTarget : FuzzTarget
{
    internal override string Name => "noise-payload";

    internal override int MaxSize => 5000;

    // As in a handshake.
    internal override int FixedAllocation => 32 * 1024;

    internal override IEnumerable<byte[]> Seeds
    {
        get
        {
            byte[] extensions = new NoiseHandshakePayload { Extensions = new NoiseExtensions { StreamMuxers = { NoiseSamples.Muxer, "/mplex/6.7.0" } } }.ToByteArray();
            byte[] none = new NoiseHandshakePayload { Extensions = new NoiseExtensions { StreamMuxers = { "/other/1" }, WebtransportCerthashes = { ByteString.CopyFrom(1, 2, 3) } } }.ToByteArray();
            return [[0, .. Identity(), .. extensions], [1, .. Identity(), .. extensions], [2, .. extensions], [3, .. none], [3]];
        }
    }

    internal override IReadOnlyList<byte[]> Words { get; } = [Identity(), [0x0A], [0x12, 0x40], [0x22], "\x12\x0c/yamux/1.0.0"u8.ToArray()];

    internal override bool Run(ReadOnlySpan<byte> input, AllocationMeter meter)
    {
        var parts = new FuzzInput(input);
        byte how = parts.TakeByte();
        NoiseRole role = (how & 1) == 0 ? NoiseRole.Initiator : NoiseRole.Responder;
        byte[] payload = (how & 2) == 0 ? parts.Rest.ToArray() : [.. Identity(), .. parts.Rest];
        using NoiseHandshake own = NoiseSamples.CreateOwn(role);
        try
        {
            if (role == NoiseRole.Initiator)
            {
                NoiseSamples.Write(own);
                Read(own, NoisePeer.Second(payload), meter);
                NoiseSamples.Write(own);
            }
            else
            {
                own.ReadMessage(NoisePeer.First);
                byte[] second = NoiseSamples.Write(own);
                Read(own, NoisePeer.Third(second.AsSpan(NoiseHandshake.PrefixSize), payload), meter);
            }
        }
        catch (ConnectionException refused)
        {
            Invariant.Holds(refused is { Fault: Fault.Peer, Step: ConnectionStep.SecurityHandshake }, $"What a peer sends is the peer's fault, in the handshake: {refused}");
            Invariant.Holds(!own.IsComplete, "A handshake that failed is not complete.");
            return false;
        }

        using NoiseHandshakeResult result = own.Result;
        Invariant.Same(FuzzKeys.Peer.PeerId, result.RemotePeer, "Only who holds the static key's identity is believed");
        Invariant.Holds(result.NegotiatedMuxer is null or NoiseSamples.Muxer, "Only a muxer that both have is agreed on.");
        return true;
    }

    private static void Read(NoiseHandshake own, byte[] message, AllocationMeter meter)
    {
        meter.Start();
        try
        {
            own.ReadMessage(message);
        }
        finally
        {
            meter.Stop();
        }
    }

    private static byte[] Identity() => new NoiseHandshakePayload
    {
        IdentityKey = ByteString.CopyFrom(NoiseSamples.Peer.Identity.Encoded.Span),
        IdentitySig = ByteString.CopyFrom(NoiseSamples.Peer.IdentitySignature),
    }.ToByteArray();
}
