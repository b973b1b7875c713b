namespace Overlay.Transport.Yamux;

/// <summary>Frames that go before all data, coalesced so that no peer can make them pile up: at most one entry per stream, and bounded answers.</summary>
/// <remarks>Guarded by the session's gate.</remarks>
internal sealed class ControlQueue(YamuxOptions options, PingTracker pings)
{
    private readonly Queue<uint> _pongs = new();
    private readonly Queue<YamuxStream> _streams = new();
    private readonly Queue<uint> _refusals = new();
    private GoAwayCode? _goAway;

    internal bool HasWork => _pongs.Count > 0 || _streams.Count > 0 || _refusals.Count > 0 || _goAway is not null || pings.HasWork;

    /// <summary>Asks for what <paramref name="stream"/> has pending (SYN, ACK, window update, RST) to be sent.</summary>
    internal void Add(YamuxStream stream)
    {
        if (stream.IsInControlQueue) return;
        stream.IsInControlQueue = true;
        _streams.Enqueue(stream);
    }

    internal void AddPong(uint nonce)
    {
        if (_pongs.Count >= options.MaxQueuedPongs) throw YamuxError.Flood($"The peer sent more than {options.MaxQueuedPongs} pings at once.");
        _pongs.Enqueue(nonce);
    }

    internal void AddRefusal(uint streamId)
    {
        if (_refusals.Count >= options.MaxQueuedRefusals) throw YamuxError.Flood($"The peer opened {options.MaxQueuedRefusals} streams too many at once.");
        _refusals.Enqueue(streamId);
    }

    internal void SetGoAway(GoAwayCode code) => _goAway = code;

    /// <summary>Forgets everything: only a GoAway set afterwards is still sent.</summary>
    internal void Clear()
    {
        _pongs.Clear();
        _streams.Clear();
        _refusals.Clear();
        _goAway = null;
    }

    /// <summary>The next frame. Pings come after the resets, so that their answers are fences.</summary>
    internal bool TryTake(TimeSpan now, out FrameHeader header)
    {
        if (_pongs.TryDequeue(out uint nonce))
        {
            header = new FrameHeader(FrameType.Ping, FrameFlags.Ack, 0, nonce);
            return true;
        }

        while (_streams.TryPeek(out YamuxStream? stream))
        {
            if (stream.TryTakeControlFrame(now, pings, out header)) return true;
            stream.IsInControlQueue = false;
            _streams.Dequeue();
        }

        if (_refusals.TryDequeue(out uint refused))
        {
            header = new FrameHeader(FrameType.WindowUpdate, FrameFlags.Rst, refused, 0);
            return true;
        }

        if (pings.TryTake(now, out nonce))
        {
            header = new FrameHeader(FrameType.Ping, FrameFlags.Syn, 0, nonce);
            return true;
        }

        header = new FrameHeader(FrameType.GoAway, FrameFlags.None, 0, (uint)_goAway.GetValueOrDefault());
        bool hasGoAway = _goAway is not null;
        _goAway = null;
        return hasGoAway;
    }
}
