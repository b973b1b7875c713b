namespace Overlay.Sharing.Limits;

/// <summary>The best rate of the last seconds at which was served: what a share is taken of where no cap is set. No clock, not safe on several
/// threads.</summary>
internal sealed class ServedRate
{
    private const int Seconds = 8;

    // Less time than this says little of a rate.
    private static readonly TimeSpan s_least = TimeSpan.FromMilliseconds(100);

    private readonly Queue<double> _whole = new(Seconds);
    private TimeSpan _elapsed;
    private long _bytes;

    /// <summary>Relayed bytes in a second; null before anything was.</summary>
    internal double? Best { get; private set; }

    /// <summary>The same of whole seconds alone; null before the first. Less time may only have seen a stream begin.</summary>
    internal double? BestOfSeconds => _whole.Count > 0 && _whole.Max() is > 0 and var best ? best : null;

    internal void Add(long relayed, TimeSpan elapsed)
    {
        _bytes += relayed;
        _elapsed += elapsed;
        if (_elapsed < s_least) return;
        double rate = _bytes / _elapsed.TotalSeconds;
        if (_elapsed >= TimeSpan.FromSeconds(1))
        {
            if (_whole.Count == Seconds) _whole.Dequeue();
            _whole.Enqueue(rate);
            (_bytes, _elapsed) = (0, TimeSpan.Zero);
        }

        double best = _whole.Count > 0 ? Math.Max(_whole.Max(), _elapsed > TimeSpan.Zero ? rate : 0) : rate;
        Best = best > 0 ? best : Best;
    }
}
