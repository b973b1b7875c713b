using System.Buffers;
using System.IO.Pipelines;
using Overlay.Transport.Connections;
using Overlay.Transport.Multistream;

namespace Overlay.Transport;

/// <summary>The input of a stream whose protocol was proposed and not yet answered: the first read takes the answer off, later ones pass straight through.</summary>
/// <remarks>One reader, as with every pipe. A refusal or a broken answer resets the stream and surfaces from the read.</remarks>
internal sealed class NegotiationReader(MuxedStream stream, MultistreamDialer dialer, TimeSpan timeout, TimeProvider time) : PipeReader
{
    private readonly PipeReader _inner = stream.Input;
    private bool _agreed;

    public override ValueTask<ReadResult> ReadAsync(CancellationToken cancellationToken = default) =>
        _agreed ? _inner.ReadAsync(cancellationToken) : NegotiateAndReadAsync(cancellationToken);

    public override bool TryRead(out ReadResult result)
    {
        while (_inner.TryRead(out result))
        {
            if (_agreed) return true;
            if (!TakeAnswer(result) && !result.IsCompleted) continue;
            if (!_agreed) throw Ended();
        }

        return false;
    }

    public override void AdvanceTo(SequencePosition consumed) => _inner.AdvanceTo(consumed);

    public override void AdvanceTo(SequencePosition consumed, SequencePosition examined) => _inner.AdvanceTo(consumed, examined);

    public override void CancelPendingRead() => _inner.CancelPendingRead();

    public override void Complete(Exception? exception = null) => _inner.Complete(exception);

    public override ValueTask CompleteAsync(Exception? exception = null) => _inner.CompleteAsync(exception);

    private async ValueTask<ReadResult> NegotiateAndReadAsync(CancellationToken cancellationToken)
    {
        using (var deadline = new Deadline(timeout, time, cancellationToken))
        {
            while (!_agreed)
            {
                ReadResult result;
                try
                {
                    result = await _inner.ReadAsync(deadline.Token).ConfigureAwait(false);
                }
                catch (OperationCanceledException e) when (deadline.HasPassed)
                {
                    ConnectionException late = deadline.Expired(ConnectionStep.NegotiateProtocol, "agreeing on the stream's protocol", e);
                    stream.Abort(late);
                    throw late;
                }

                if (result.IsCanceled)
                {
                    // For the caller's CancelPendingRead: nothing of the answer may be shown with it.
                    _inner.AdvanceTo(result.Buffer.Start);
                    return new ReadResult(ReadOnlySequence<byte>.Empty, isCanceled: true, isCompleted: false);
                }

                if (!TakeAnswer(result) && result.IsCompleted) throw Ended();
            }
        }

        return await _inner.ReadAsync(cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Feeds what has arrived; true when the protocol is agreed on. Always advances.</summary>
    private bool TakeAnswer(ReadResult result)
    {
        ReadOnlySequence<byte> buffer = result.Buffer;
        MultistreamProgress progress = default;
        long consumed = 0;
        foreach (ReadOnlyMemory<byte> piece in buffer)
        {
            progress = dialer.Feed(piece.Span);
            consumed += progress.Consumed;
            if (progress.Status != MultistreamStatus.NeedMore) break;
        }

        _inner.AdvanceTo(buffer.GetPosition(consumed));
        if (progress.Status is MultistreamStatus.Refused or MultistreamStatus.Violated)
        {
            ConnectionException failure = progress.ToException(ConnectionStep.NegotiateProtocol);
            stream.Abort(failure);
            throw failure;
        }

        return _agreed = progress.Status == MultistreamStatus.Accepted;
    }

    private ConnectionException Ended()
    {
        var ended = new ConnectionException(ConnectionError.EndOfStream, ConnectionStep.NegotiateProtocol, Fault.Peer, "The peer ended the stream without answering the proposed protocol.");
        stream.Abort(ended);
        return ended;
    }
}
