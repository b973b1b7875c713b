using Overlay.Transport.Connections;

namespace Overlay.Transport.Yamux;

/// <summary>The rules of a session without its I/O: frames and the time go in, frames and finished streams come out.</summary>
/// <remarks>Guarded by the session's gate. What a peer may not do throws a <see cref="ConnectionException"/>, which ends the session.</remarks>
internal sealed class SessionState
{
    /// <summary>Bytes for a stream that is over which count as one more frame that brings nothing.</summary>
    private const int StrayUnit = 16 * 1024;

    private readonly YamuxOptions _options;
    private readonly Func<uint, Direction, YamuxStream> _createStream;
    private readonly Func<YamuxStream, bool> _offer;
    private readonly Dictionary<uint, YamuxStream> _streams = [];
    private readonly RateLimit _resets;
    private readonly RateLimit _idleFrames;
    private readonly Direction _direction;
    private uint _nextLocalId;
    private uint _lastRemoteId;
    private int _inboundCount;

    /// <param name="direction">Which side this is.</param>
    /// <param name="options">Limits.</param>
    /// <param name="createStream">Makes a stream of that id.</param>
    /// <param name="offer">Takes a stream that the peer opened for the application, or says that it has no room.</param>
    internal SessionState(Direction direction, YamuxOptions options, Func<uint, Direction, YamuxStream> createStream, Func<YamuxStream, bool> offer)
    {
        _offer = offer;
        _options = options;
        _createStream = createStream;
        _direction = direction;
        // Yamux specification, "StreamID Field": the client side uses odd ids, the server even ones.
        _nextLocalId = direction == Direction.Outbound ? 1u : 2u;
        _resets = new RateLimit(options.ResetBurst, options.ResetsPerSecond);
        _idleFrames = new RateLimit(options.IdleFrameBurst, options.IdleFramesPerSecond);
        Control = new ControlQueue(options, Pings);
        Data = new DataQueue(options);
    }

    internal PingTracker Pings { get; } = new();

    internal ControlQueue Control { get; }

    internal DataQueue Data { get; }

    internal bool HasSendWork => Control.HasWork || Data.HasWork;

    internal IReadOnlyCollection<YamuxStream> Streams => _streams.Values;

    internal int StreamCount => _streams.Count;

    internal int UnacknowledgedCount { get; private set; }

    /// <summary>The peer announced that it takes no more streams.</summary>
    internal bool PeerGoesAway { get; private set; }

    /// <summary>This side takes no more streams; what the peer opens is refused.</summary>
    internal bool RefusesStreams { get; set; }

    /// <summary>Bytes of streams that are closed on both sides or were never taken, dropped.</summary>
    internal long StrayBytes { get; private set; }

    /// <summary>Opens a stream; its SYN is queued.</summary>
    internal YamuxStream Open()
    {
        if (_streams.Count - _inboundCount >= _options.MaxOutboundStreams)
            throw YamuxError.LimitReached(ConnectionStep.OpenStream, "streams opened by this side", _options.MaxOutboundStreams);
        if (_nextLocalId > uint.MaxValue - 2) throw YamuxError.LimitReached(ConnectionStep.OpenStream, "streams on one connection", int.MaxValue);
        YamuxStream stream = _createStream(_nextLocalId, Direction.Outbound);
        _nextLocalId += 2;
        _streams.Add(stream.Id, stream);
        UnacknowledgedCount++;
        stream.IsSynPending = true;
        Control.Add(stream);
        return stream;
    }

    /// <summary>The stream is over: forgets it.</summary>
    internal void Remove(YamuxStream stream)
    {
        if (!_streams.Remove(stream.Id)) return;
        if (stream.Direction == Direction.Inbound) _inboundCount--;
        Acknowledge(stream);
    }

    /// <summary>Takes a frame from the peer.</summary>
    /// <returns>For a data frame with a payload, the stream that gets it, and then <see cref="CompleteFrame"/>; null when there is none or it is to be dropped.</returns>
    internal YamuxStream? Receive(in FrameHeader header, TimeSpan now)
    {
        switch (header.Type)
        {
            case FrameType.Ping:
                ReceivePing(header, now);
                return null;
            case FrameType.GoAway:
                ReceiveGoAway(header, now);
                return null;
            default:
                return ReceiveStreamFrame(header, now);
        }
    }

    /// <summary>The whole payload of a data frame has arrived: its FIN or RST takes effect.</summary>
    internal void CompleteFrame(YamuxStream stream, FrameFlags flags, TimeSpan now)
    {
        if ((flags & FrameFlags.Rst) != 0)
        {
            if (stream.Direction == Direction.Inbound && !_resets.TryTake(now)) throw YamuxError.Flood("The peer opens and resets streams too fast.");
            stream.ReceiveReset();
        }
        else if ((flags & FrameFlags.Fin) != 0)
        {
            stream.ReceiveFin();
        }
    }

    private void ReceivePing(in FrameHeader header, TimeSpan now)
    {
        if (header.StreamId != 0) throw YamuxError.Violation("The peer sent a ping on a stream.");
        switch (header.Flags & (FrameFlags.Syn | FrameFlags.Ack))
        {
            case FrameFlags.Syn:
                CountIdle(now);
                Control.AddPong(header.Length);
                break;
            case FrameFlags.Ack:
                if (!Pings.TryAnswer(header.Length, now, out List<YamuxStream>? fenced)) throw YamuxError.Violation("The peer answered a ping that was not sent.");
                if (fenced is not null)
                    foreach (YamuxStream stream in fenced) stream.Finish();
                break;
            default:
                throw YamuxError.Violation("The peer sent a ping that is neither a question nor an answer.");
        }
    }

    private void ReceiveGoAway(in FrameHeader header, TimeSpan now)
    {
        if (header.StreamId != 0) throw YamuxError.Violation("The peer sent a GoAway on a stream.");
        if (header.Length != (uint)GoAwayCode.Normal) throw YamuxError.PeerReportedError(header.Length);
        if (PeerGoesAway) CountIdle(now);
        PeerGoesAway = true;
    }

    /// <summary>A frame that brings nothing. Each is legal; without end they are work that costs the peer next to nothing (CVE-2019-9512, CVE-2019-9518 of HTTP/2).</summary>
    private void CountIdle(TimeSpan now, uint straySize = 0)
    {
        if (!_idleFrames.TryTake(now, 1 + straySize / StrayUnit)) throw YamuxError.Flood("The peer sends too many frames that bring nothing.");
    }

    private YamuxStream? ReceiveStreamFrame(in FrameHeader header, TimeSpan now)
    {
        if (header.StreamId == 0) throw YamuxError.Violation("The peer sent a stream's frame on the session's id 0.");
        if (header.Has(FrameFlags.Syn)) ReceiveSyn(header);
        else if (!WasOpened(header.StreamId)) throw YamuxError.Violation($"The peer sent a frame for stream {header.StreamId}, which was never opened.");

        if (!_streams.TryGetValue(header.StreamId, out YamuxStream? stream))
        {
            // Closed on both sides, or refused: what was on the way when that happened may still arrive.
            if (header.Type == FrameType.Data) StrayBytes += header.Length;
            CountIdle(now, header.Type == FrameType.Data ? header.Length : 0);
            return null;
        }

        if (stream.BringsNothing(header)) CountIdle(now);
        if (stream.Direction == Direction.Outbound) Acknowledge(stream);
        if (header.Type == FrameType.Data)
        {
            stream.ReceiveData(header.Length);
            if (header.Length != 0) return stream;
        }
        else
        {
            if (!stream.SendWindow.TryGrant(header.Length)) throw YamuxError.Violation($"The peer's window of stream {stream.Id} passes 2^32 - 1 bytes.");
            Data.Add(stream);
        }

        CompleteFrame(stream, header.Flags, now);
        return null;
    }

    private void ReceiveSyn(in FrameHeader header)
    {
        if (IsLocal(header.StreamId)) throw YamuxError.Violation($"The peer opened stream {header.StreamId}, which is this side's id to use.");
        if (header.StreamId <= _lastRemoteId) throw YamuxError.Violation($"The peer opened stream {header.StreamId} again, or behind a later one.");
        _lastRemoteId = header.StreamId;
        if (RefusesStreams || _inboundCount >= _options.MaxInboundStreams)
        {
            Control.AddRefusal(header.StreamId);
            return;
        }

        YamuxStream stream = _createStream(header.StreamId, Direction.Inbound);
        if (!_offer(stream))
        {
            Control.AddRefusal(header.StreamId);
            return;
        }

        _streams.Add(header.StreamId, stream);
        _inboundCount++;
    }

    private void Acknowledge(YamuxStream stream)
    {
        if (stream.IsAcknowledged || stream.Direction == Direction.Inbound) return;
        stream.IsAcknowledged = true;
        UnacknowledgedCount--;
    }

    private bool IsLocal(uint streamId) => (streamId & 1) == (_direction == Direction.Outbound ? 1u : 0u);

    private bool WasOpened(uint streamId) => IsLocal(streamId) ? streamId < _nextLocalId : streamId <= _lastRemoteId;
}
