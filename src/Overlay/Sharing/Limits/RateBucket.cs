namespace Overlay.Sharing.Limits;

/// <summary>Holds a rate: bytes come in as time passes and are taken out as they are relayed. No clock, not safe on several threads.</summary>
/// <remarks>
/// An idle bucket holds a tenth of a second. While somebody waits it goes on filling up to a second, so that a timer that comes late costs no rate.
/// </remarks>
internal sealed class RateBucket
{
    private const double IdleSeconds = 0.1, WaitingSeconds = 1;

    private double _tokens;
    private long _last;

    /// <summary>Bytes in a second; null for no limit.</summary>
    internal double? Rate { get; private set; }

    /// <summary>What is handed out at once: a hundredth of a second, 2 to 64 KiB. Small, so that turns are short; not so small that frames are
    /// wasted.</summary>
    internal static int QuantumOf(double rate) => (int)Math.Clamp(rate / 100, 2 * 1024, 64 * 1024);

    /// <summary>Sets the rate. What has gathered at the old one counts no more than the new one allows.</summary>
    internal void Set(double? rate, long now)
    {
        if (Rate is null)
        {
            _last = now;
            _tokens = rate is { } first ? QuantumOf(first) : 0;
        }

        Rate = rate;
        if (rate is { } given) _tokens = Math.Min(_tokens, Brim(given, IdleSeconds));
    }

    /// <summary>Lets time pass.</summary>
    internal void Fill(long now, long frequency, bool isWaitedFor)
    {
        if (Rate is not { } rate) return;
        double brim = Math.Max(_tokens, Brim(rate, isWaitedFor ? WaitingSeconds : IdleSeconds));
        _tokens = Math.Min(brim, _tokens + (now - _last) / (double)frequency * rate);
        _last = now;
    }

    internal bool Has(int count) => Rate is null || _tokens >= count;

    /// <summary>Takes bytes, or gives them back where the number is negative.</summary>
    internal void Take(int count)
    {
        if (Rate is not null) _tokens -= count;
    }

    /// <summary>How long until there are so many; infinite at a rate of nothing.</summary>
    internal TimeSpan WaitFor(int count)
    {
        if (Has(count)) return TimeSpan.Zero;
        double seconds = (count - _tokens) / Rate!.Value;
        return seconds > 3600 || double.IsNaN(seconds) ? Timeout.InfiniteTimeSpan : TimeSpan.FromSeconds(seconds);
    }

    private static double Brim(double rate, double seconds) => Math.Max(rate * seconds, QuantumOf(rate));
}
