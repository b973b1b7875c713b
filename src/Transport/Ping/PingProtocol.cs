using System.Buffers;
using System.IO.Pipelines;
using System.Security.Cryptography;
using Overlay.Transport.Connections;

namespace Overlay.Transport.Ping;

/// <summary>The ping protocol: 32 random bytes there and back on a stream (libp2p ping specification).</summary>
internal static class PingProtocol
{
    internal const string Id = "/ipfs/ping/1.0.0";

    /// <summary>
    /// How many ping streams of one peer are answered at a time. The specification asks for two; a peer that opens one for each ping in turn has more for a moment,
    /// while the ends of earlier ones are on their way.
    /// </summary>
    internal const int MaxInboundStreams = 8;

    private const int PayloadSize = 32;

    /// <summary>Echoes until the peer half-closes.</summary>
    internal static async Task AnswerAsync(PeerStream stream, CancellationToken cancellationToken)
    {
        byte[] payload = new byte[PayloadSize];
        while (await TryReadPayloadAsync(stream, payload, cancellationToken).ConfigureAwait(false))
            await stream.Output.WriteAsync(payload, cancellationToken).ConfigureAwait(false);
        await stream.Output.CompleteAsync().ConfigureAwait(false);
    }

    /// <summary>Sends one ping on an open stream and waits for its echo.</summary>
    /// <exception cref="ConnectionException">The echo was another, or the stream ended.</exception>
    internal static async ValueTask<TimeSpan> PingAsync(PeerStream stream, TimeProvider time, CancellationToken cancellationToken)
    {
        byte[] sent = RandomNumberGenerator.GetBytes(PayloadSize), received = new byte[PayloadSize];
        long start = time.GetTimestamp();
        await stream.Output.WriteAsync(sent, cancellationToken).ConfigureAwait(false);
        if (!await TryReadPayloadAsync(stream, received, cancellationToken).ConfigureAwait(false))
            throw new ConnectionException(ConnectionError.EndOfStream, ConnectionStep.Stream, Fault.Peer, "The peer ended the ping stream.") { Peer = stream.RemotePeer };
        TimeSpan elapsed = time.GetElapsedTime(start);
        if (!received.AsSpan().SequenceEqual(sent))
            throw new ConnectionException(ConnectionError.ProtocolViolation, ConnectionStep.Stream, Fault.Peer, "The peer echoed other bytes than were sent.") { Peer = stream.RemotePeer };
        return elapsed;
    }

    private static async ValueTask<bool> TryReadPayloadAsync(PeerStream stream, byte[] payload, CancellationToken cancellationToken)
    {
        ReadResult result = await stream.Input.ReadAtLeastAsync(PayloadSize, cancellationToken).ConfigureAwait(false);
        if (result.Buffer.Length < PayloadSize)
        {
            stream.Input.AdvanceTo(result.Buffer.End);
            return false;
        }

        ReadOnlySequence<byte> taken = result.Buffer.Slice(0, PayloadSize);
        taken.CopyTo(payload);
        stream.Input.AdvanceTo(taken.End);
        return true;
    }
}
