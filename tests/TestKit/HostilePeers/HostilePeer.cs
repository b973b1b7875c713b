using System.Buffers.Binary;
using Overlay.Transport.Connections;
using Overlay.Transport.Identity;

namespace Overlay.TestKit.HostilePeers;

/// <summary>A peer that speaks every layer by hand, each as far as the misbehaviour wants it honest.</summary>
public sealed class HostilePeer : IDisposable
{
    /// <summary>A peer with an identity of its own.</summary>
    public HostilePeer() => Identity = PeerIdentity.Generate();

    /// <summary>Its key pair.</summary>
    public PeerIdentity Identity { get; }

    /// <summary>Says the first words: proposes Noise and sends the first handshake message, by the script.</summary>
    public async Task<HandNoise> GreetAsync(RawLine raw, HandshakeScript script, CancellationToken cancellationToken)
    {
        var noise = new HandNoise();
        await raw.SendAsync((byte[])[.. RawLine.Proposal("/noise"), .. script.First(HandNoise.Frame(noise.WriteFirst()))], cancellationToken);
        return noise;
    }

    /// <summary>Goes through the handshake by the script, up to and including its third message.</summary>
    /// <exception cref="ConnectionException">The host has ended the connection before.</exception>
    public async Task<SealedLine> SecureAsync(HostileTarget target, HandshakeScript script, CancellationToken cancellationToken)
    {
        RawLine raw = await target.DialAsync(cancellationToken);
        try
        {
            using HandNoise noise = await GreetAsync(raw, script, cancellationToken);
            // The answer to the proposal repeats it to the byte.
            byte[] answer = new byte[RawLine.Proposal("/noise").Length];
            byte[] prefix = new byte[2];
            if (await raw.TryReadAsync(answer, cancellationToken) && await raw.TryReadAsync(prefix, cancellationToken))
            {
                byte[] second = new byte[BinaryPrimitives.ReadUInt16BigEndian(prefix)];
                if (await raw.TryReadAsync(second, cancellationToken)) noise.TryReadSecond(second, out _);
            }

            byte[] third = noise.WriteThird(script.Payload(Identity, noise.StaticKey));
            await raw.SendAsync(script.Third(HandNoise.Frame(third)), cancellationToken);
            (byte[] send, byte[] receive) = noise.Split();
            return new SealedLine(raw, send, receive);
        }
        catch
        {
            await raw.DisposeAsync();
            throw;
        }
    }

    /// <summary>An honest connection up to the muxer, which is by hand from there on.</summary>
    /// <exception cref="ConnectionException">The host has ended the connection before.</exception>
    public async Task<HandMuxer> MuxAsync(HostileTarget target, CancellationToken cancellationToken) =>
        new(await SecureAsync(target, HandshakeScript.Honest, cancellationToken));

    /// <inheritdoc/>
    public void Dispose() => Identity.Dispose();
}
