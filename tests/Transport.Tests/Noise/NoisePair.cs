using System.Buffers;
using Overlay.Transport.Identity;
using Overlay.Transport.Noise;

namespace Overlay.Transport.Tests.Noise;

/// <summary>Two hosts that shake hands in memory.</summary>
internal sealed class NoisePair : IDisposable
{
    internal const string Yamux = "/yamux/1.0.0", Mplex = "/mplex/6.7.0";

    private readonly PeerIdentity _initiatorIdentity = PeerIdentity.Generate(), _responderIdentity = PeerIdentity.Generate();
    private readonly NoiseStaticKey _initiatorKey, _responderKey;

    internal NoisePair(
        string[]? initiatorMuxers = null, string[]? responderMuxers = null, PeerId? expected = null, NoiseOptions? options = null)
    {
        options ??= new NoiseOptions();
        _initiatorKey = NoiseStaticKey.Generate(_initiatorIdentity);
        _responderKey = NoiseStaticKey.Generate(_responderIdentity);
        Initiator = new NoiseHandshake(_initiatorKey, NoiseRole.Initiator, expected ?? ResponderPeer, initiatorMuxers ?? [Yamux], options);
        Responder = new NoiseHandshake(_responderKey, NoiseRole.Responder, expectedPeer: null, responderMuxers ?? [Yamux], options);
    }

    internal NoiseHandshake Initiator { get; }

    internal NoiseHandshake Responder { get; }

    internal PeerId InitiatorPeer => _initiatorIdentity.PeerId;

    internal PeerId ResponderPeer => _responderIdentity.PeerId;

    /// <summary>The next message without its length, which is checked on the way.</summary>
    internal static byte[] Write(NoiseHandshake writer)
    {
        var output = new ArrayBufferWriter<byte>();
        writer.WriteMessage(output);
        byte[] frame = output.WrittenSpan.ToArray();
        Assert.Equal(frame.Length - 2, (frame[0] << 8) | frame[1]);
        return frame[2..];
    }

    /// <summary>Shakes hands, passing message <paramref name="target"/> (0 to 2) through <paramref name="change"/>.</summary>
    internal void Run(int target = -1, Func<byte[], byte[]>? change = null)
    {
        for (int i = 0; i < 3; i++)
        {
            (NoiseHandshake writer, NoiseHandshake reader) = i % 2 == 0 ? (Initiator, Responder) : (Responder, Initiator);
            Assert.True(writer.WantsWrite && reader.WantsRead && !writer.WantsRead && !reader.WantsWrite);
            byte[] message = Write(writer);
            reader.ReadMessage(i == target ? change!(message) : message);
        }

        Assert.True(Initiator.IsComplete && Responder.IsComplete);
    }

    public void Dispose()
    {
        Initiator.Dispose();
        Responder.Dispose();
        _initiatorKey.Dispose();
        _responderKey.Dispose();
        _initiatorIdentity.Dispose();
        _responderIdentity.Dispose();
    }
}
