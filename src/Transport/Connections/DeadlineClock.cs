namespace Overlay.Transport.Connections;

/// <summary>One timer for any number of owners of deadlines, so that an idle connection needs none of its own.</summary>
/// <remarks>Safe on several threads. Its lock is a leaf: it is never held while an owner is called, so an owner may hold its own lock when it calls here.</remarks>
internal sealed class DeadlineClock : IAsyncDisposable
{
    private static readonly Comparer<Entry> s_byDue = Comparer<Entry>.Create(
        static (a, b) => a.Due != b.Due ? a.Due.CompareTo(b.Due) : a.Number.CompareTo(b.Number));

    private readonly TimeProvider _time;
    private readonly long _startedAt;
    private readonly ITimer _timer;
    private readonly Lock _lock = new();
    private readonly SortedSet<Entry> _entries = new(s_byDue);
    private TimeSpan _timerDue = TimeSpan.MaxValue;
    private long _lastNumber;

    internal DeadlineClock(TimeProvider time)
    {
        _time = time;
        _startedAt = time.GetTimestamp();
        _timer = time.CreateTimer(static clock => ((DeadlineClock)clock!).Fire(), this, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
    }

    /// <summary>Time since the clock was made; what deadlines are given in.</summary>
    internal TimeSpan Now => _time.GetElapsedTime(_startedAt);

    /// <summary>Owners with a deadline.</summary>
    internal int Count
    {
        get
        {
            lock (_lock) return _entries.Count;
        }
    }

    /// <summary>Makes an owner's entry. It holds nothing until it is scheduled.</summary>
    /// <param name="owner">Called, on a thread of the pool, when the deadline has come. The entry then has none until it is scheduled again.</param>
    internal Entry Register(Action owner) => new(this, owner, Interlocked.Increment(ref _lastNumber));

    /// <summary>Calls no owner from here on, and waits for calls that are under way.</summary>
    public ValueTask DisposeAsync()
    {
        lock (_lock) _entries.Clear();
        return _timer.DisposeAsync();
    }

    private void Fire()
    {
        List<Entry> passed = [];
        lock (_lock)
        {
            _timerDue = TimeSpan.MaxValue;
            TimeSpan now = Now;
            while (_entries.Min is { } first && first.Due <= now)
            {
                _entries.Remove(first);
                first.Due = TimeSpan.MaxValue;
                passed.Add(first);
            }

            SetTimer();
        }

        foreach (Entry entry in passed) entry.Owner();
    }

    private void Schedule(Entry entry, TimeSpan due)
    {
        lock (_lock)
        {
            if (due >= entry.Due) return;
            if (entry.Due != TimeSpan.MaxValue) _entries.Remove(entry);
            entry.Due = due;
            _entries.Add(entry);
            SetTimer();
        }
    }

    private void Cancel(Entry entry)
    {
        lock (_lock)
        {
            if (entry.Due != TimeSpan.MaxValue) _entries.Remove(entry);
            // No later deadline is earlier than this.
            entry.Due = TimeSpan.MinValue;
        }
    }

    private void SetTimer()
    {
        if (_entries.Min is not { } first || first.Due >= _timerDue) return;
        _timerDue = first.Due;
        // Rounded up to what a timer can do, so that it does not fire just before the deadline, again and again.
        double delay = Math.Ceiling((first.Due - Now).TotalMilliseconds);
        _timer.Change(TimeSpan.FromMilliseconds(Math.Clamp(delay, 0, int.MaxValue)), Timeout.InfiniteTimeSpan);
    }

    /// <summary>The deadline of one owner: the earliest that it was given and that has not come yet.</summary>
    internal sealed class Entry : IDisposable
    {
        private readonly DeadlineClock _clock;

        internal Entry(DeadlineClock clock, Action owner, long number)
        {
            _clock = clock;
            Owner = owner;
            Number = number;
        }

        internal Action Owner { get; }

        internal long Number { get; }

        // Guarded by the clock's lock; no key of the sorted set changes while it is in there.
        internal TimeSpan Due { get; set; } = TimeSpan.MaxValue;

        /// <summary>Has the owner called at <paramref name="due"/> at the latest, in the clock's time.</summary>
        internal void Schedule(TimeSpan due) => _clock.Schedule(this, due);

        /// <summary>The owner is not called any more, but for a call that is under way.</summary>
        public void Dispose() => _clock.Cancel(this);
    }
}
