namespace Overlay.Transport;

/// <summary>How often a peer may do what costs this side more than itself: so many times at once, and so many more per second. Safe on several threads.</summary>
internal sealed class TokenBucket(int burst, int perSecond, TimeProvider time)
{
    private readonly Lock _lock = new();
    private double _tokens = burst;
    private long _last = time.GetTimestamp();

    /// <summary>Counts one more; false when that is one too many.</summary>
    internal bool TryTake()
    {
        lock (_lock)
        {
            long now = time.GetTimestamp();
            _tokens = Math.Min(burst, _tokens + time.GetElapsedTime(_last, now).TotalSeconds * perSecond);
            _last = now;
            if (_tokens < 1) return false;
            _tokens--;
            return true;
        }
    }
}
