namespace Overlay.Transport;

/// <summary>A token bucket: how many streams of one connection may come to nothing before its peer is one that only makes work.</summary>
/// <remarks>A peer can make this side give up its streams (the "MadeYouReset" of HTTP/2, CVE-2025-8671), which no limit on the peer's own resets sees. Safe on several threads.</remarks>
internal sealed class RefusedStreamLimit(int burst, int perSecond, TimeProvider time)
{
    private readonly Lock _lock = new();
    private double _tokens = burst;
    private long _last = time.GetTimestamp();

    /// <summary>Counts one stream that was refused; false when that is one too many.</summary>
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
