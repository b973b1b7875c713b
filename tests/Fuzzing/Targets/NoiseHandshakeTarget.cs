using Overlay.Fuzzing.Engine;
using Overlay.Transport.Connections;
using Overlay.Transport.Noise;

namespace Overlay.Fuzzing.Targets;

/// <summary>All that a peer sends in a handshake, raw: to a responder two messages, to an initiator one.</summary>
/// <remarks>Input: the role of the side under test (even: initiator), then frames. Only the recorded messages of the real peer can complete it.</remarks>
internal sealed class NoiseHandshakeTarget : FuzzTarget
{
    private static readonly byte[] s_toInitiator = NoiseSamples.Record(NoiseRole.Initiator);
    private static readonly byte[] s_toResponder = NoiseSamples.Record(NoiseRole.Responder);

    internal override string Name => "noise-handshake";

    internal override int MaxSize => 2048;

    // A handshake with its keys and ciphers, and the exception with its trace that says no.
    internal override int FixedAllocation => 24 * 1024;

    internal override IEnumerable<byte[]> Seeds => [[0, .. s_toInitiator], [1, .. s_toResponder], [1, 0, 32, .. new byte[32]], [1, 0, 40, .. s_toResponder[2..34], 1, 2, 3, 4, 5, 6, 7, 8]];

    internal override bool Run(ReadOnlySpan<byte> input, AllocationMeter meter)
    {
        var parts = new FuzzInput(input);
        NoiseRole role = parts.TakeByte() % 2 == 0 ? NoiseRole.Initiator : NoiseRole.Responder;
        byte[] expected = role == NoiseRole.Initiator ? s_toInitiator : s_toResponder;
        ReadOnlySpan<byte> received = parts.Rest;
        meter.Start();
        using NoiseHandshake handshake = NoiseSamples.CreateOwn(role);
        try
        {
            while (!handshake.IsComplete)
            {
                if (handshake.WantsWrite)
                {
                    NoiseSamples.Write(handshake);
                    continue;
                }

                if (!handshake.TryGetFrameSize(received, out int size) || received.Length < size) return false;
                handshake.ReadMessage(received[NoiseHandshake.PrefixSize..size]);
                received = received[size..];
            }
        }
        catch (ConnectionException refused)
        {
            Invariant.Holds(refused is { Fault: Fault.Peer, Step: ConnectionStep.SecurityHandshake }, $"What a peer sends is the peer's fault, in the handshake: {refused}");
            Invariant.Holds(!handshake.IsComplete, "A handshake that failed is not complete.");
            return false;
        }
        finally
        {
            meter.Stop();
        }

        using NoiseHandshakeResult result = handshake.Result;
        Invariant.Holds(result.RemotePeer == FuzzKeys.Peer.PeerId && result.NegotiatedMuxer == NoiseSamples.Muxer, "Who completes a handshake is who he says.");
        Invariant.Same(expected, parts.Rest[..expected.Length], "Nobody completes a handshake with other bytes than the peer's own");
        return true;
    }
}
