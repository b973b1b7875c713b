using System.Buffers;
using System.IO.Pipelines;
using Overlay.Transport.Connections;
using Overlay.Transport.Multistream;

namespace Overlay.Transport;

/// <summary>Agrees on a stream's protocol with multistream-select: proposes without waiting, answers within a deadline.</summary>
internal sealed class StreamNegotiator(TransportOptions options, TimeProvider time)
{
    /// <summary>Proposes a protocol; the answer is taken off at the first read.</summary>
    internal async ValueTask<PeerStream> ProposeAsync(PeerConnection connection, MuxedStream stream, string protocol, CancellationToken cancellationToken)
    {
        var dialer = new MultistreamDialer(protocol);
        await stream.Output.WriteAsync(dialer.Proposal, cancellationToken).ConfigureAwait(false);
        var input = new NegotiationReader(stream, dialer, options.NegotiationTimeout, time);
        // An acceptance echoes the proposal to the byte, so the sizes are known before it comes.
        return new NegotiatedStream(connection, stream, protocol, input, dialer.Proposal.Length, dialer.Proposal.Length);
    }

    /// <summary>Answers the proposals on an inbound stream until one is for a protocol that this node speaks.</summary>
    /// <exception cref="ConnectionException">The peer proposed nothing acceptable, broke the format, or took too long.</exception>
    internal async ValueTask<PeerStream> AnswerAsync(PeerConnection connection, MuxedStream stream, ProtocolRegistry protocols, CancellationToken cancellationToken)
    {
        using var deadline = new Deadline(options.NegotiationTimeout, time, cancellationToken);
        var listener = new MultistreamListener(protocols.Contains, () => protocols.Names, options.Multistream);
        var reply = new ArrayBufferWriter<byte>(128);
        long sent = 0, received = 0;
        try
        {
            while (true)
            {
                ReadResult result = await stream.Input.ReadAsync(deadline.Token).ConfigureAwait(false);
                string? protocol = Feed(stream.Input, listener, result.Buffer, reply, out int consumed);
                received += consumed;
                if (reply.WrittenCount > 0)
                {
                    sent += reply.WrittenCount;
                    await stream.Output.WriteAsync(reply.WrittenMemory, deadline.Token).ConfigureAwait(false);
                    reply.ResetWrittenCount();
                }

                if (protocol is not null) return new NegotiatedStream(connection, stream, protocol, stream.Input, sent, received);
                if (result.IsCompleted)
                    throw new ConnectionException(ConnectionError.EndOfStream, ConnectionStep.NegotiateProtocol, Fault.Peer, "The peer ended the stream before a protocol was agreed on.");
            }
        }
        catch (OperationCanceledException e) when (deadline.HasPassed)
        {
            throw deadline.Expired(ConnectionStep.NegotiateProtocol, "agreeing on the stream's protocol", e);
        }
    }

    private static string? Feed(PipeReader input, MultistreamListener listener, ReadOnlySequence<byte> buffer, ArrayBufferWriter<byte> reply, out int consumed)
    {
        int size = (int)Math.Min(buffer.Length, MultistreamListener.MaxPendingSize);
        Span<byte> head = stackalloc byte[MultistreamListener.MaxPendingSize];
        buffer.Slice(0, size).CopyTo(head);
        string? protocol = listener.Receive(head[..size], ConnectionStep.NegotiateProtocol, reply, out consumed);
        SequencePosition taken = buffer.GetPosition(consumed);
        // Nothing behind an accepted proposal has been looked at; before that, only more bytes can help.
        input.AdvanceTo(taken, protocol is null && consumed == 0 ? buffer.End : taken);
        return protocol;
    }
}
