using Overlay.Transport.Connections;

namespace Overlay.Transport.Yamux;

/// <summary>The receive loop: the only reader of the channel.</summary>
internal sealed partial class YamuxSession
{
    private FrameDecoder _decoder;
    private FrameHeader _payloadHeader;
    private YamuxStream? _payloadStream;

    // Streams that the segment at hand has opened. They are handed over when the gate is free again, on this thread: a hop to another would cost more than it brings.
    private readonly List<YamuxStream> _offered = [];

    private async Task ReceiveLoopAsync()
    {
        try
        {
            while (true)
            {
                ReceivedSegment segment = await _channel.ReceiveAsync(_receiveCancellation.Token).ConfigureAwait(false);
                if (segment.Buffer is not { } buffer) break;
                try
                {
                    Receive(buffer, segment.Offset, segment.Length);
                    HandOver();
                }
                finally
                {
                    buffer.Release();
                }
            }

            ReceiveEnd();
        }
        catch (OperationCanceledException) when (_receiveCancellation.IsCancellationRequested)
        {
            // The session is over; whoever ended it has said why.
        }
        catch (ConnectionException error)
        {
            bool isPeersFault = error.Reason is ConnectionError.ProtocolViolation or ConnectionError.LimitExceeded;
            End(error, isPeersFault ? GoAwayCode.ProtocolError : null);
        }
#pragma warning disable CA1031 // The loop's end is the session's end, whatever the cause.
        catch (Exception error)
#pragma warning restore CA1031
        {
            End(YamuxError.Lost(error), GoAwayCode.InternalError);
        }
    }

    /// <summary>Takes all frames of a segment with the gate held once: a segment may hold a hundred small ones, and each hold costs as much as a frame.</summary>
    private void Receive(SharedBuffer buffer, int offset, int length)
    {
        TimeSpan now = Now;
        int end = offset + length;
        lock (Gate)
        {
            while (offset < end && !_isOver)
            {
                if (_decoder.PayloadLeft > 0)
                {
                    offset += ReceivePayload(buffer, offset, end - offset, now);
                    continue;
                }

                if (!_decoder.TryReadHeader(buffer.Array.AsSpan(offset, end - offset), out int taken, out FrameHeader header)) break;
                offset += taken;
                _payloadHeader = header;
                _payloadStream = _state.Receive(header, now);
                if (header.Type == FrameType.GoAway) EndIfDrained();
            }

            if (_isOver) return;
            _lastProgress = now;
            ReleaseWaitingOpens();
            WakeSender();
        }
    }

    private bool TryOffer(YamuxStream stream)
    {
        if (_accepting.Reader.Count + _offered.Count >= Options.AcceptBacklog) return false;
        _offered.Add(stream);
        return true;
    }

    private void HandOver()
    {
        if (_offered.Count == 0) return;
        // Only this loop writes there, so there is the room that was seen; or the session has begun to close meanwhile and nobody takes them.
        foreach (YamuxStream stream in _offered)
        {
            if (_accepting.Writer.TryWrite(stream)) continue;
            lock (Gate) stream.Reset(YamuxError.StreamAborted("The connection is being closed."));
        }

        _offered.Clear();
    }

    private int ReceivePayload(SharedBuffer buffer, int offset, int available, TimeSpan now)
    {
        int count = _decoder.TakePayload(available);
        if (_payloadStream is not { } stream) return count;
        stream.ReceivePayload(buffer, offset, count);
        if (_decoder.PayloadLeft > 0) return count;
        _state.CompleteFrame(stream, _payloadHeader.Flags, now);
        _payloadStream = null;
        return count;
    }

    /// <summary>The peer has ended the channel.</summary>
    private void ReceiveEnd()
    {
        ConnectionException? error = null;
        lock (Gate)
        {
            if (!_decoder.IsBetweenFrames) error = YamuxError.UnexpectedEnd("The peer ended the connection in the middle of a frame.");
            else if (_state.StreamCount > 0 && !_isOver) error = YamuxError.UnexpectedEnd($"The peer ended the connection with {_state.StreamCount} streams open.");
        }

        End(error, null);
    }
}
