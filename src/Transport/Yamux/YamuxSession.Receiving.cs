using Overlay.Transport.Connections;

namespace Overlay.Transport.Yamux;

/// <summary>The receive loop: the only reader of the channel.</summary>
internal sealed partial class YamuxSession
{
    private FrameDecoder _decoder;
    private FrameHeader _payloadHeader;
    private YamuxStream? _payloadStream;

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

    private void Receive(SharedBuffer buffer, int offset, int length)
    {
        TimeSpan now = Now;
        int end = offset + length;
        while (offset < end)
        {
            if (_decoder.PayloadLeft > 0)
            {
                offset += ReceivePayload(buffer, offset, end - offset, now);
                continue;
            }

            if (!_decoder.TryReadHeader(buffer.Array.AsSpan(offset, end - offset), out int taken, out FrameHeader header)) break;
            offset += taken;
            lock (Gate)
            {
                if (_isOver) return;
                _payloadHeader = header;
                _payloadStream = _state.Receive(header, now);
                AfterReceiving(header);
            }
        }

        lock (Gate)
        {
            _lastProgress = now;
        }
    }

    private int ReceivePayload(SharedBuffer buffer, int offset, int available, TimeSpan now)
    {
        int count = _decoder.TakePayload(available);
        if (_payloadStream is not { } stream) return count;
        lock (Gate)
        {
            if (_isOver) return count;
            stream.ReceivePayload(buffer, offset, count);
            if (_decoder.PayloadLeft > 0) return count;
            _state.CompleteFrame(stream, _payloadHeader.Flags, now);
            _payloadStream = null;
        }

        return count;
    }

    /// <summary>What a frame may have changed for others than its stream.</summary>
    private void AfterReceiving(in FrameHeader header)
    {
        ReleaseWaitingOpens();
        if (header.Type == FrameType.GoAway) EndIfDrained();
        WakeSender();
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
