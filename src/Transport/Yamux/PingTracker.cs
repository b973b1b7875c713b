namespace Overlay.Transport.Yamux;

/// <summary>Pings of this side: asked for, in flight, answered. Also the fences that say when the last late frame of a reset stream has arrived.</summary>
/// <remarks>
/// A fence is a ping sent behind resets. One is in flight at a time and stands for all resets sent before it, so that no number of resets can
/// make more pings than a peer answers. Guarded by the session's gate.
/// </remarks>
internal sealed class PingTracker
{
    // Enough to outlive a burst of queueing, few enough to notice that the route has changed.
    private const int SampleCount = 8;

    private static readonly TimeSpan s_refreshInterval = TimeSpan.FromSeconds(1);

    private readonly Queue<Ping> _toSend = new();
    private readonly Dictionary<uint, Ping> _inFlight = [];
    private List<YamuxStream> _unfenced = [];
    private bool _fenceInFlight;
    private uint _lastNonce;
    private readonly Queue<TimeSpan> _samples = new(SampleCount);
    private TimeSpan _lastSampleAt;

    /// <summary>Smoothed round-trip time; zero until the first answer.</summary>
    internal TimeSpan RoundTrip { get; private set; }

    /// <summary>Shortest of the last round trips: what the path takes when nothing waits in it. Zero until the first answer.</summary>
    internal TimeSpan ShortestRoundTrip { get; private set; }

    /// <summary>Pings that callers wait for.</summary>
    internal int CallerCount { get; private set; }

    /// <summary>Whether no ping is asked for or in flight.</summary>
    internal bool IsIdle => _toSend.Count == 0 && _inFlight.Count == 0;

    internal bool HasWork => _toSend.Count > 0 || (_unfenced.Count > 0 && !_fenceInFlight);

    /// <summary>When the ping that waits longest was sent; null when none waits.</summary>
    internal TimeSpan? OldestSent
    {
        get
        {
            TimeSpan? oldest = null;
            foreach (Ping ping in _inFlight.Values)
                if (oldest is null || ping.SentAt < oldest) oldest = ping.SentAt;
            return oldest;
        }
    }

    /// <summary>Asks for a ping; <paramref name="caller"/> gets the answer.</summary>
    internal void Request(TaskCompletionSource<TimeSpan>? caller)
    {
        if (caller is not null) CallerCount++;
        _toSend.Enqueue(new Ping(caller, null, default));
    }

    /// <summary>Asks for a ping unless one is under way or has just been answered: for those who go by the round-trip time now.</summary>
    internal void Refresh(TimeSpan now)
    {
        if (IsIdle && now - _lastSampleAt >= s_refreshInterval) Request(caller: null);
    }

    /// <summary>The reset of <paramref name="stream"/> was written; the next fence is to cover it.</summary>
    internal void AddReset(YamuxStream stream) => _unfenced.Add(stream);

    internal bool TryTake(TimeSpan now, out uint nonce)
    {
        nonce = 0;
        Ping ping;
        if (_unfenced.Count > 0 && !_fenceInFlight)
        {
            ping = new Ping(null, _unfenced, now);
            _unfenced = [];
            _fenceInFlight = true;
        }
        else if (_toSend.TryDequeue(out ping))
        {
            ping = ping with { SentAt = now };
        }
        else
        {
            return false;
        }

        nonce = ++_lastNonce;
        _inFlight.Add(nonce, ping);
        return true;
    }

    /// <summary>Takes an answer.</summary>
    /// <param name="nonce">The value that came back.</param>
    /// <param name="now">When it came.</param>
    /// <param name="fenced">Streams whose last late frame has arrived.</param>
    /// <returns>False when there was no such ping.</returns>
    internal bool TryAnswer(uint nonce, TimeSpan now, out List<YamuxStream>? fenced)
    {
        fenced = null;
        if (!_inFlight.Remove(nonce, out Ping ping)) return false;
        TimeSpan sample = now - ping.SentAt;
        TakeSample(sample, now);
        if (ping.Fenced is not null)
        {
            _fenceInFlight = false;
            fenced = ping.Fenced;
        }

        if (ping.Caller is not null) CallerCount--;
        ping.Caller?.TrySetResult(sample);
        return true;
    }

    private void TakeSample(TimeSpan sample, TimeSpan now)
    {
        RoundTrip = RoundTrip == default ? sample : (RoundTrip + sample) / 2;
        if (_samples.Count == SampleCount) _samples.Dequeue();
        _samples.Enqueue(sample);
        _lastSampleAt = now;
        ShortestRoundTrip = sample;
        foreach (TimeSpan other in _samples)
            if (other < ShortestRoundTrip) ShortestRoundTrip = other;
    }

    /// <summary>Fails everybody who waits.</summary>
    internal void FailAll(Exception error)
    {
        foreach (Ping ping in _toSend.Concat(_inFlight.Values)) ping.Caller?.TrySetException(error);
        _toSend.Clear();
        _inFlight.Clear();
        _unfenced.Clear();
        CallerCount = 0;
    }

    private readonly record struct Ping(TaskCompletionSource<TimeSpan>? Caller, List<YamuxStream>? Fenced, TimeSpan SentAt);
}
