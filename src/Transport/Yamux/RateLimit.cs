namespace Overlay.Transport.Yamux;

/// <summary>A token bucket: how often a peer may do what only makes work. Guarded by the session's gate.</summary>
internal sealed class RateLimit(int burst, int perSecond)
{
    private double _tokens = burst;
    private TimeSpan _last;

    internal bool TryTake(TimeSpan now, double cost = 1)
    {
        _tokens = Math.Min(burst, _tokens + (now - _last).TotalSeconds * perSecond);
        _last = now;
        if (_tokens < cost) return false;
        _tokens -= cost;
        return true;
    }
}
