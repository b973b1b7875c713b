using System.Buffers;
using Overlay.Transport.Connections;
using Overlay.Transport.Multistream;

namespace Overlay.Transport;

/// <summary>What a raw connection has received during an upgrade and nobody has taken yet. Small and bounded: a handshake is a few hundred bytes.</summary>
/// <remarks>One reader. Disposing gives the memory back; <see cref="Unread"/> is not valid after that.</remarks>
internal sealed class HandshakeBuffer(ByteConnection raw) : IDisposable
{
    // More than the largest handshake message and multistream line together; a peer that fills it without completing either is refused.
    private const int Size = 16 * 1024;

    private readonly byte[] _memory = ArrayPool<byte>.Shared.Rent(Size);
    private int _start;
    private int _end;

    internal ReadOnlyMemory<byte> Unread => _memory.AsMemory(_start, _end - _start);

    internal void Consume(int count) => _start += count;

    /// <summary>Waits for at least one more byte.</summary>
    /// <exception cref="ConnectionException">The connection ended or failed, or the buffer is full.</exception>
    internal async ValueTask ReceiveMoreAsync(CancellationToken cancellationToken)
    {
        if (_start > 0)
        {
            Unread.CopyTo(_memory);
            _end -= _start;
            _start = 0;
        }

        if (_end == Size) throw new ConnectionException(ConnectionError.LimitExceeded, ConnectionStep.Connection, Fault.Peer, $"The peer sent {Size} bytes without completing a step.");
        int count = await raw.ReceiveAsync(_memory.AsMemory(_end, Size - _end), cancellationToken).ConfigureAwait(false);
        if (count == 0) throw new ConnectionException(ConnectionError.EndOfStream, ConnectionStep.Connection, Fault.Peer, "The peer ended the connection during the handshake.");
        _end += count;
    }

    /// <summary>Feeds a negotiation with what arrives until it is over, and sends its replies.</summary>
    /// <param name="feed">Takes what has arrived.</param>
    /// <param name="output">Receives the last reply in the place of the peer, where what the peer says next is there already: it then leaves with the answer to that.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <exception cref="ConnectionException">The negotiation failed, or the connection did.</exception>
    internal async ValueTask NegotiateAsync(
        Func<ReadOnlyMemory<byte>, MultistreamProgress> feed, IBufferWriter<byte> output, CancellationToken cancellationToken)
    {
        while (true)
        {
            MultistreamProgress progress = feed(Unread);
            Consume(progress.Consumed);
            if (progress.Status == MultistreamStatus.Accepted && !Unread.IsEmpty) output.Write(progress.Reply.Span);
            else if (!progress.Reply.IsEmpty) await raw.SendAsync(progress.Reply, cancellationToken).ConfigureAwait(false);
            if (progress.Status == MultistreamStatus.Accepted) return;
            if (progress.Status != MultistreamStatus.NeedMore) throw progress.ToException(ConnectionStep.NegotiateSecurity);
            await ReceiveMoreAsync(cancellationToken).ConfigureAwait(false);
        }
    }

    public void Dispose() => ArrayPool<byte>.Shared.Return(_memory);
}
