using System.Buffers;
using System.IO.Pipelines;
using Overlay.Transport.Connections;
using Overlay.Transport.Multistream;

namespace Overlay.Transport;

/// <summary>Agrees on a stream's protocol with multistream-select: proposes without waiting, answers within a deadline.</summary>
internal sealed class StreamNegotiator(TransportOptions options, TimeProvider time, DeadlineClock clock)
{
    /// <summary>Proposes a protocol: the proposal leaves with the first bytes written, or when a first read waits, and the answer is taken off at that read.</summary>
    /// <exception cref="ConnectionException">The stream was reset or lost.</exception>
    internal NegotiatedStream Propose(PeerConnection connection, MuxedStream stream, string protocol)
    {
        var dialer = new MultistreamDialer(protocol);
        stream.WriteHeld(dialer.Proposal.Span);
        var negotiation = new OutboundNegotiation(stream, dialer, options.NegotiationTimeout, clock);
        // An acceptance echoes the proposal to the byte, so the sizes are known before it comes.
        return new NegotiatedStream(
            connection, stream, protocol, new NegotiationReader(stream.Input, negotiation), new NegotiationWriter(stream.Output, negotiation),
            dialer.Proposal.Length, dialer.Proposal.Length);
    }

    /// <summary>Answers the proposals on an inbound stream until one is for a protocol that this node speaks. That answer is held, to leave with the protocol's own first bytes.</summary>
    /// <exception cref="ConnectionException">The peer proposed nothing acceptable, broke the format, or took too long.</exception>
    internal async ValueTask<PeerStream> AnswerAsync(PeerConnection connection, MuxedStream stream, ProtocolRegistry protocols, CancellationToken cancellationToken)
    {
        var listener = new MultistreamListener(protocols.Contains, () => protocols.Names, options.Multistream);
        Deadline? deadline = null;
        try
        {
            while (true)
            {
                // The proposal has as a rule come with the opening: then there is nothing to wait for, and no deadline to set.
                if (!stream.Input.TryRead(out ReadResult result))
                {
                    deadline ??= new Deadline(options.NegotiationTimeout, time, cancellationToken);
                    result = await stream.Input.ReadAsync(deadline.Token).ConfigureAwait(false);
                }

                MultistreamProgress progress = Feed(listener, result.Buffer, out SequencePosition consumed);
                stream.Input.AdvanceTo(consumed);
                if (progress.Status == MultistreamStatus.Accepted)
                {
                    stream.WriteHeld(progress.Reply.Span);
                    return new NegotiatedStream(connection, stream, progress.Protocol!, stream.Input, stream.Output, listener.SentSize, listener.ReceivedSize);
                }

                if (!progress.Reply.IsEmpty)
                {
                    deadline ??= new Deadline(options.NegotiationTimeout, time, cancellationToken);
                    await stream.Output.WriteAsync(progress.Reply, deadline.Token).ConfigureAwait(false);
                }

                if (progress.Status != MultistreamStatus.NeedMore) throw progress.ToException(ConnectionStep.NegotiateProtocol);
                if (result.IsCompleted)
                    throw new ConnectionException(ConnectionError.EndOfStream, ConnectionStep.NegotiateProtocol, Fault.Peer, "The peer ended the stream before a protocol was agreed on.");
            }
        }
        catch (OperationCanceledException e) when (deadline?.HasPassed == true)
        {
            throw deadline.Expired(ConnectionStep.NegotiateProtocol, "agreeing on the stream's protocol", e);
        }
        finally
        {
            deadline?.Dispose();
        }
    }

    /// <summary>Feeds piece by piece until the negotiation is over, and joins the replies.</summary>
    private static MultistreamProgress Feed(MultistreamListener listener, ReadOnlySequence<byte> buffer, out SequencePosition consumed)
    {
        MultistreamProgress progress;
        if (buffer.IsSingleSegment)
        {
            progress = listener.Feed(buffer.FirstSpan);
            consumed = buffer.GetPosition(progress.Consumed);
            return progress;
        }

        progress = default;
        var replies = new ArrayBufferWriter<byte>(128);
        long size = 0;
        foreach (ReadOnlyMemory<byte> piece in buffer)
        {
            progress = listener.Feed(piece.Span);
            size += progress.Consumed;
            replies.Write(progress.Reply.Span);
            if (progress.Status != MultistreamStatus.NeedMore) break;
        }

        consumed = buffer.GetPosition(size);
        return progress with { Reply = replies.WrittenMemory };
    }
}
