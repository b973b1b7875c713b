namespace Overlay.Discovery;

/// <summary>So many at once, and so many more per second. No clock; not safe on several threads.</summary>
internal sealed class RateLimit
{
    private readonly double _burst;
    private readonly double _perSecond;
    private double _tokens;
    private DateTimeOffset? _last;

    internal RateLimit(double burst, double perSecond)
    {
        _burst = burst;
        _perSecond = perSecond;
        _tokens = burst;
    }

    /// <summary>Counts one more; false when that is one too many.</summary>
    internal bool TryTake(DateTimeOffset now)
    {
        // A clock that went back gives nothing and takes nothing.
        if (_last is { } last && now > last) _tokens = Math.Min(_burst, _tokens + (now - last).TotalSeconds * _perSecond);
        _last = now;
        if (_tokens < 1) return false;
        _tokens--;
        return true;
    }
}
