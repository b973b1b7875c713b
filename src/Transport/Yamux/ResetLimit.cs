namespace Overlay.Transport.Yamux;

/// <summary>A token bucket: how often a peer may reset what it has just opened. Guarded by the session's gate.</summary>
internal sealed class ResetLimit(int burst, int perSecond)
{
    private double _tokens = burst;
    private TimeSpan _last;

    internal bool TryTake(TimeSpan now)
    {
        _tokens = Math.Min(burst, _tokens + (now - _last).TotalSeconds * perSecond);
        _last = now;
        if (_tokens < 1) return false;
        _tokens--;
        return true;
    }
}
