using System.Buffers;
using Overlay.Transport.Connections;
using Overlay.Transport.Identity;
using Overlay.Transport.Multistream;

namespace Overlay.Transport;

/// <summary>A secure channel of which a negotiation has read more than was its own: the rest is given out first. Used only with peers that know no early muxer negotiation.</summary>
internal sealed class PrefixedChannel(SecureChannel inner) : SecureChannel
{
    private ReceivedSegment _rest = new(null, 0, 0);

    internal override PeerId RemotePeer => inner.RemotePeer;

    internal override PeerPublicKey RemotePublicKey => inner.RemotePublicKey;

    internal override ReadOnlyMemory<byte> HandshakeHash => inner.HandshakeHash;

    internal override string? NegotiatedMuxer => inner.NegotiatedMuxer;

    internal override int UnflushedSize => inner.UnflushedSize;

    internal override int MaxWriteSize => inner.MaxWriteSize;

    /// <summary>Proposes and waits for the answer.</summary>
    internal async ValueTask NegotiateAsync(MultistreamDialer dialer, CancellationToken cancellationToken)
    {
        await WriteAsync(dialer.Proposal, cancellationToken).ConfigureAwait(false);
        await ReadUntilAsync(
            (bytes, _) => (dialer.Receive(bytes, ConnectionStep.NegotiateMuxer, out int consumed), consumed), null, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Answers proposals until one is accepted.</summary>
    internal async ValueTask NegotiateAsync(MultistreamListener listener, CancellationToken cancellationToken) =>
        await ReadUntilAsync(
            (bytes, reply) => (listener.Receive(bytes, ConnectionStep.NegotiateMuxer, reply!, out int consumed) is not null, consumed),
            new ArrayBufferWriter<byte>(128), cancellationToken).ConfigureAwait(false);

    internal override ValueTask<ReceivedSegment> ReceiveAsync(CancellationToken cancellationToken)
    {
        if (_rest.IsEnd) return inner.ReceiveAsync(cancellationToken);
        ReceivedSegment rest = _rest;
        _rest = default;
        return new ValueTask<ReceivedSegment>(rest);
    }

    internal override Memory<byte> GetMemory(int sizeHint = 1) => inner.GetMemory(sizeHint);

    internal override void Advance(int count) => inner.Advance(count);

    internal override ValueTask FlushAsync(CancellationToken cancellationToken) => inner.FlushAsync(cancellationToken);

    internal override ValueTask CompleteAsync() => inner.CompleteAsync();

    internal override void Abort() => inner.Abort();

    public override ValueTask DisposeAsync()
    {
        _rest.Buffer?.Release();
        _rest = default;
        return inner.DisposeAsync();
    }

    private delegate (bool Done, int Consumed) Step(ReadOnlySpan<byte> bytes, ArrayBufferWriter<byte>? reply);

    private async ValueTask ReadUntilAsync(Step step, ArrayBufferWriter<byte>? reply, CancellationToken cancellationToken)
    {
        byte[] pending = [];
        while (true)
        {
            ReceivedSegment segment = await inner.ReceiveAsync(cancellationToken).ConfigureAwait(false);
            if (segment.IsEnd)
                throw new ConnectionException(ConnectionError.EndOfStream, ConnectionStep.NegotiateMuxer, Fault.Peer, "The peer ended the connection before a muxer was agreed on.");
            int before = pending.Length;
            byte[] bytes = [.. pending, .. segment.Span];
            bool done;
            int consumed;
            try
            {
                (done, consumed) = step(bytes, reply);
            }
            catch
            {
                segment.Buffer!.Release();
                throw;
            }

            if (reply is { WrittenCount: > 0 })
            {
                await WriteAsync(reply.WrittenMemory, cancellationToken).ConfigureAwait(false);
                reply.ResetWrittenCount();
            }

            // An accepted proposal ends inside the newest segment: what was pending before was an unfinished line.
            int taken = consumed - before;
            if (done && taken < segment.Length)
            {
                _rest = new ReceivedSegment(segment.Buffer, segment.Offset + taken, segment.Length - taken);
                return;
            }

            segment.Buffer!.Release();
            if (done) return;
            pending = bytes[consumed..];
        }
    }

    private async ValueTask WriteAsync(ReadOnlyMemory<byte> bytes, CancellationToken cancellationToken)
    {
        bytes.CopyTo(inner.GetMemory(bytes.Length));
        inner.Advance(bytes.Length);
        await inner.FlushAsync(cancellationToken).ConfigureAwait(false);
    }
}
