using Overlay.Transport.Connections;
using Overlay.Transport.Identity;
using Overlay.Transport.Multistream;

namespace Overlay.Transport;

/// <summary>A secure channel of which a negotiation has read more than was its own: the rest is given out first. Used only with peers that know no early muxer negotiation.</summary>
internal sealed class PrefixedChannel(SecureChannel inner) : SecureChannel
{
    private ReceivedSegment _rest;

    internal override PeerId RemotePeer => inner.RemotePeer;

    internal override PeerPublicKey RemotePublicKey => inner.RemotePublicKey;

    internal override ReadOnlyMemory<byte> HandshakeHash => inner.HandshakeHash;

    internal override string? NegotiatedMuxer => inner.NegotiatedMuxer;

    internal override int UnflushedSize => inner.UnflushedSize;

    internal override int MaxWriteSize => inner.MaxWriteSize;

    /// <summary>Sends a proposal, if this side has one to make, and feeds the negotiation with what arrives until it is over.</summary>
    /// <exception cref="ConnectionException">The negotiation failed, or the channel did.</exception>
    internal async ValueTask NegotiateAsync(ReadOnlyMemory<byte> proposal, Func<ReadOnlyMemory<byte>, MultistreamProgress> feed, CancellationToken cancellationToken)
    {
        if (!proposal.IsEmpty) await WriteAsync(proposal, cancellationToken).ConfigureAwait(false);
        while (true)
        {
            ReceivedSegment segment = await inner.ReceiveAsync(cancellationToken).ConfigureAwait(false);
            if (segment.IsEnd)
                throw new ConnectionException(ConnectionError.EndOfStream, ConnectionStep.NegotiateMuxer, Fault.Peer, "The peer ended the connection before a muxer was agreed on.");
            MultistreamProgress progress = feed(segment.Buffer!.Array.AsMemory(segment.Offset, segment.Length));
            int left = segment.Length - progress.Consumed;
            if (left > 0) _rest = new ReceivedSegment(segment.Buffer, segment.Offset + progress.Consumed, left);
            else segment.Buffer.Release();
            if (!progress.Reply.IsEmpty) await WriteAsync(progress.Reply, cancellationToken).ConfigureAwait(false);
            if (progress.Status == MultistreamStatus.Accepted) return;
            if (progress.Status != MultistreamStatus.NeedMore) throw progress.ToException(ConnectionStep.NegotiateMuxer);
        }
    }

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

    private async ValueTask WriteAsync(ReadOnlyMemory<byte> bytes, CancellationToken cancellationToken)
    {
        bytes.CopyTo(inner.GetMemory(bytes.Length));
        inner.Advance(bytes.Length);
        await inner.FlushAsync(cancellationToken).ConfigureAwait(false);
    }
}
