namespace Overlay.Sharing.Limits;

/// <summary>Falls to a fiftieth as soon as the owner's traffic is seen, comes back within half a minute when it has been quiet for two seconds, and takes
/// back a fifth whenever a queue builds up.</summary>
/// <remarks>
/// The owner's traffic is what the line carried and the node's sockets did not, in three of the last four samples, in either direction. Less than 8 KiB and
/// a sixteenth of the node's own in that time is taken for noise:
/// counters of the line and of sockets are not read at one moment. After a rest at least half is given at once. No clock; not safe on several threads.
/// </remarks>
public sealed class IdleYieldPolicy : IYieldPolicy
{
    /// <summary>What is left to others while the owner uses the line.</summary>
    public const double Floor = 0.02;

    private const long Noise = 8 * 1024;
    private const int NoiseShare = 16, ShortSamples = 4, LongSamples = 12;

    // What the node's sockets have sent and the line has not carried yet: it stands in a queue on this host, and looks like somebody else's when it leaves. At
    // most what a modest queue holds, half of it forgotten in two seconds: what was dropped there never leaves.
    private const double MostOwed = 128 * 1024;
    private static readonly TimeSpan s_halfForgotten = TimeSpan.FromSeconds(2);

    private static readonly TimeSpan s_quiet = TimeSpan.FromSeconds(2), s_doubling = TimeSpan.FromSeconds(2),
        s_afterQueue = TimeSpan.FromSeconds(1), s_cautious = TimeSpan.FromSeconds(15);

    // A queue costs a fifth a second, down to a quarter; what buffers hold has to leave before it is seen to have helped.
    private const double QueueStep = 0.8, QueueFloor = 0.25;

    // Half is reached by doubling, the rest in steps of a twentieth of the whole a second. All is given again only when there was no queue for a while: it
    // takes all to find out whether there is more.
    private const double Doubled = 0.5, StepPerSecond = 0.05, Cautious = 0.95;

    private readonly List<(Excess Sent, Excess Received)> _seen = new(LongSamples);
    private double _owedSent, _owedReceived;
    private TimeSpan _quiet, _queue, _caution;
    private double _share = 1;

    /// <summary>The queue that the node may make on the way, as latency added; 15 ms by default. More takes from its share.</summary>
    public TimeSpan MaxAddedLatency
    {
        get;
        init => field = value > TimeSpan.Zero ? value : throw new ArgumentOutOfRangeException(nameof(MaxAddedLatency), value,
            $"{nameof(MaxAddedLatency)} must be positive.");
    } = TimeSpan.FromMilliseconds(15);

    /// <inheritdoc/>
    public double Judge(in YieldSample sample)
    {
        if (sample.Elapsed <= TimeSpan.Zero)
        {
            _seen.Clear();
            (_owedSent, _owedReceived) = (0, 0);
            // How the line was before the rest says nothing of now; the first samples do.
            (_quiet, _queue) = (TimeSpan.Zero, TimeSpan.Zero);
            return _share = Math.Max(_share, Doubled);
        }

        _quiet -= sample.Elapsed;
        _queue -= sample.Elapsed;
        _caution -= sample.Elapsed;
        if (IsOwnerThere(sample))
        {
            _share = Floor;
            _quiet = s_quiet;
        }
        else if (sample.AddedLatency > MaxAddedLatency)
        {
            _caution = s_cautious;
            if (_queue > TimeSpan.Zero) return _share;
            _queue = s_afterQueue;
            _share = Math.Max(_share * QueueStep, Math.Min(_share, QueueFloor));
        }
        else if (_quiet <= TimeSpan.Zero && _queue <= TimeSpan.Zero)
        {
            double most = _caution > TimeSpan.Zero ? Math.Max(Cautious, _share) : 1;
            double grown = _share < Doubled ? _share * Math.Pow(2, sample.Elapsed / s_doubling) : _share + StepPerSecond * sample.Elapsed.TotalSeconds;
            _share = Math.Min(most, grown);
        }

        return _share;
    }

    private bool IsOwnerThere(in YieldSample sample)
    {
        if (sample.AllSent is not { } sent || sample.AllReceived is not { } received) return false;
        if (_seen.Count == LongSamples) _seen.RemoveAt(0);
        _seen.Add((ExcessOf(sent, sample.OwnSent, ref _owedSent, sample.Elapsed), ExcessOf(received, sample.OwnReceived, ref _owedReceived, sample.Elapsed)));
        return IsMore(seen => seen.Sent) || IsMore(seen => seen.Received);
    }

    private static Excess ExcessOf(ByteSize all, ByteSize own, ref double owed, TimeSpan elapsed)
    {
        double others = (double)all.Bytes - own.Bytes;
        owed *= Math.Pow(0.5, elapsed / s_halfForgotten);
        if (others < 0)
        {
            owed = Math.Min(MostOwed, owed - others);
            return new Excess(0, (long)own.Bytes);
        }

        double paid = Math.Min(owed, others);
        owed -= paid;
        return new Excess((long)(others - paid), (long)own.Bytes);
    }

    // More than noise in three of the last four samples, or in half a second as a whole: a socket whose segment was lost counts late what the line has
    // counted, and catches up.
    private bool IsMore(Func<(Excess Sent, Excess Received), Excess> direction)
    {
        Excess all = default, last = default;
        int above = 0;
        for (int i = 0; i < _seen.Count; i++)
        {
            Excess one = direction(_seen[i]);
            all += one;
            if (i < _seen.Count - ShortSamples) continue;
            last += one;
            if (one.Others > (Noise + one.Own / NoiseShare) / 8) above++;
        }

        return (above >= ShortSamples - 1 && last.Others > Noise + last.Own / NoiseShare) || all.Others > 4 * Noise + 2 * all.Own / NoiseShare;
    }

    private readonly record struct Excess(long Others, long Own)
    {
        public static Excess operator +(Excess left, Excess right) => new(left.Others + right.Others, left.Own + right.Own);
    }
}
