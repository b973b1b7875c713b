using System.Net.Sockets;
using Overlay.Proofs;
using Overlay.Sessions;
using Overlay.Transport.Tcp;

namespace Overlay.Sharing.Limits;

/// <summary>What the gate lets through.</summary>
/// <param name="IsOpen">Whether anything at all.</param>
/// <param name="Up">Bytes a second that leave; null for no limit.</param>
/// <param name="Down">Bytes a second that arrive; null for no limit.</param>
internal readonly record struct GateSetting(bool IsOpen, double? Up, double? Down);

/// <summary>Where relayed bytes pass: at the rates that are set, in turn, and no more than the quota covers.</summary>
/// <remarks>
/// A relayed byte arrives and leaves, so it takes from both rates. While nothing is set a byte costs one volatile read and an addition. Safe on several
/// threads; one lock guards buckets, queue and usage and is held for
/// arithmetic alone. Owns the one timer, which runs only while somebody waits for a rate, and the task that writes usage.
/// </remarks>
internal sealed class LineGate : IAsyncDisposable
{
    private readonly Lock _lock = new();
    private readonly TimeProvider _time;
    private readonly IUsageStore _store;
    private readonly SocketTraffic? _traffic;
    private readonly UsageBook _usage;
    private readonly RateBucket _up = new(), _down = new();
    private readonly FairQueue _waiting = new();
    private readonly HashSet<Pass> _passes = [];
    private readonly ITimer _timer;
    private readonly SemaphoreSlim _saving = new(1, 1);
    private Task _reserving = Task.CompletedTask;
    private long _relayed;
    private bool _isOpen;
    private bool _isAsleep = true;
    private bool _isReserving;
    private bool _isDisposed;
    private bool _isFree;
    private int _period;

    /// <param name="usage">What was used before.</param>
    /// <param name="store">Where usage is kept.</param>
    /// <param name="time">The clock.</param>
    /// <param name="traffic">Counts what the targets' sockets carry; null where nobody wants to know.</param>
    internal LineGate(UsageBook usage, IUsageStore store, TimeProvider time, SocketTraffic? traffic = null)
    {
        _usage = usage;
        _store = store;
        _time = time;
        _period = usage.Generation;
        _traffic = traffic;
        _timer = time.CreateTimer(static gate => ((LineGate)gate!).Serve(), this, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
    }

    /// <summary>Called, outside of the lock, when bytes are to be relayed and nobody watches the line. Set before the first pass.</summary>
    internal Action Woken { get; set; } = static () => { };

    /// <summary>Why usage cannot be written; null while it can.</summary>
    internal string? Fault { get; private set; }

    /// <summary>Whether nothing is held back.</summary>
    internal bool IsFree => Volatile.Read(ref _isFree);

    /// <summary>Whether anybody waits.</summary>
    internal bool IsWaitedFor
    {
        get
        {
            lock (_lock) return !_waiting.IsEmpty;
        }
    }

    /// <summary>Reads or changes usage, everything counted that was relayed until now, under the lock. Whoever sets a quota sets the gate after it.</summary>
    internal T Look<T>(Func<UsageBook, T> look)
    {
        lock (_lock)
        {
            foreach (Pass pass in _passes) CountPassed(pass);
            return Peek(look);
        }
    }

    /// <summary>The same by what was counted last: nothing is counted, and who relays without asking is up to a look behind.</summary>
    internal T Peek<T>(Func<UsageBook, T> look)
    {
        lock (_lock)
        {
            T seen = look(_usage);
            Volatile.Write(ref _period, _usage.Generation);
            return seen;
        }
    }

    /// <summary>Lets through from here on what the setting says.</summary>
    internal void Set(GateSetting setting)
    {
        lock (_lock)
        {
            long now = _time.GetTimestamp();
            _isOpen = setting.IsOpen;
            foreach ((RateBucket bucket, double? rate) in new[] { (_up, setting.Up), (_down, setting.Down) })
            {
                bucket.Fill(now, _time.TimestampFrequency, !_waiting.IsEmpty);
                bucket.Set(rate, now);
            }

            Decide();
        }

        Serve();
    }

    /// <summary>Says whether somebody watches the line. While nobody does, the first byte calls <see cref="Woken"/>.</summary>
    internal void SetAsleep(bool isAsleep)
    {
        lock (_lock)
        {
            _isAsleep = isAsleep;
            Decide();
        }
    }

    /// <summary>How many bytes were relayed since this was asked last.</summary>
    internal long Collect()
    {
        lock (_lock)
        {
            foreach (Pass pass in _passes) CountPassed(pass);
            return Interlocked.Exchange(ref _relayed, 0);
        }
    }

    /// <summary>A connection that is relayed from here on.</summary>
    internal IRelayPass Begin(PublicKey consumer, Socket target)
    {
        var pass = new Pass(this, consumer, target);
        _traffic?.Add(target);
        lock (_lock) _passes.Add(pass);
        return pass;
    }

    /// <summary>Writes what was used.</summary>
    internal Task SaveAsync() => Task.Run(() => SaveOnceAsync(reserve: false));

    public async ValueTask DisposeAsync()
    {
        Task reserving;
        lock (_lock)
        {
            if (_isDisposed) return;
            _isDisposed = true;
            _isOpen = false;
            Decide();
            var over = new IOException("The provider is going away.");
            while (!_waiting.IsEmpty) _waiting.Take().TrySetException(over);
            reserving = _reserving;
        }

        await reserving.ConfigureAwait(false);
        await _timer.DisposeAsync().ConfigureAwait(false);
        lock (_lock)
        {
            foreach (Pass pass in _passes) CountPassed(pass);
            _usage.Close();
        }

        await SaveOnceAsync(reserve: false).ConfigureAwait(false);
        _saving.Dispose();
    }

    private async ValueTask<int> TakeAsync(Pass pass, int most, CancellationToken cancellationToken)
    {
        if (Volatile.Read(ref _isAsleep)) Woken();
        Waiter waiter;
        lock (_lock)
        {
            if (_isDisposed) throw new IOException("The provider is going away.");
            if (_waiting.IsEmpty && TryGrant(most, isWaitedFor: false) is var granted and > 0) return granted;
            waiter = new Waiter(pass.Consumer, pass, most);
            _waiting.Add(waiter);
            Arm();
        }

        using CancellationTokenRegistration registration = cancellationToken.Register(() => Leave(waiter, cancellationToken));
        return await waiter.Task.ConfigureAwait(false);
    }

    private void Leave(Waiter waiter, CancellationToken cancellationToken)
    {
        lock (_lock)
        {
            if (!waiter.TrySetCanceled(cancellationToken)) return;
            _waiting.Remove(waiter);
        }
    }

    private void Serve()
    {
        lock (_lock)
        {
            while (!_waiting.IsEmpty && TryGrant(_waiting.First.Most, isWaitedFor: true) is var granted and > 0)
            {
                // It may have left at this very moment.
                if (!_waiting.Take().TrySetResult(granted)) Return(granted, _usage.Generation);
            }

            Arm();
        }
    }

    // Under the lock: how many bytes may go now, 0 for none.
    private int TryGrant(int most, bool isWaitedFor)
    {
        if (!_isOpen) return 0;
        int count = Quantum(most);
        long now = _time.GetTimestamp();
        _up.Fill(now, _time.TimestampFrequency, isWaitedFor);
        _down.Fill(now, _time.TimestampFrequency, isWaitedFor);
        if (!_up.Has(count) || !_down.Has(count)) return 0;
        if (_usage.HasQuota)
        {
            if (_usage.IsLow) Reserve();
            count = (int)Math.Min(count, _usage.Allowance);
            if (count == 0) return 0;
            _usage.Take(count);
        }
        else
        {
            _usage.Add(count);
        }

        _up.Take(count);
        _down.Take(count);
        _relayed += count;
        return count;
    }

    private int Quantum(int most)
    {
        double rate = Math.Min(_up.Rate ?? double.PositiveInfinity, _down.Rate ?? double.PositiveInfinity);
        return double.IsInfinity(rate) ? most : Math.Min(most, RateBucket.QuantumOf(rate));
    }

    // Under the lock: wakes up when whoever is first can be served, if time is all that is missing.
    private void Arm()
    {
        if (_isDisposed) return;
        TimeSpan due = Timeout.InfiniteTimeSpan;
        if (_isOpen && !_waiting.IsEmpty && !(_usage.HasQuota && _usage.Allowance == 0))
        {
            int count = Quantum(_waiting.First.Most);
            TimeSpan up = _up.WaitFor(count), down = _down.WaitFor(count);
            if (up >= TimeSpan.Zero && down >= TimeSpan.Zero)
            {
                due = up > down ? up : down;
                // A timer counts in whole milliseconds and must not come a moment too early.
                due = TimeSpan.FromMilliseconds(Math.Max(1, Math.Ceiling(due.TotalMilliseconds)));
            }
        }

        _timer.Change(due, Timeout.InfiniteTimeSpan);
    }

    // Under the lock.
    private void Decide() => Volatile.Write(ref _isFree, _isOpen && !_isAsleep && !_usage.HasQuota && _up.Rate is null && _down.Rate is null);

    private void GiveBack(int count, int period)
    {
        lock (_lock) Return(count, period);
        Serve();
    }

    private void Return(int count, int period)
    {
        _up.Take(-count);
        _down.Take(-count);
        _usage.GiveBack(count, period);
        _relayed -= count;
    }

    // Under the lock.
    private void CountPassed(Pass pass)
    {
        long passed = pass.TakePassed();
        _usage.Add(passed);
        _relayed += passed;
    }

    private void End(Pass pass, Socket target)
    {
        _traffic?.Remove(target);
        lock (_lock)
        {
            if (!_passes.Remove(pass)) return;
            CountPassed(pass);
        }
    }

    // Under the lock.
    private void Reserve()
    {
        if (_isReserving || _isDisposed || Fault is not null) return;
        _isReserving = true;
        _reserving = Task.Run(() => SaveOnceAsync(reserve: true));
    }

    private async Task SaveOnceAsync(bool reserve)
    {
        await _saving.WaitAsync().ConfigureAwait(false);
        try
        {
            (UsageRecord record, ulong block, int generation) proposed;
            lock (_lock)
            {
                (UsageRecord record, ulong block) = _usage.Propose(reserve);
                proposed = (record, block, _usage.Generation);
            }

            _store.Save(proposed.record);
            lock (_lock)
            {
                Fault = null;
                if (proposed.generation == _usage.Generation) _usage.Commit(proposed.block);
            }
        }
        catch (Exception e)
        {
            // Whatever it is: nothing is given out that the disk does not count.
            lock (_lock) Fault = e.Message;
        }
        finally
        {
            if (reserve)
            {
                lock (_lock) _isReserving = false;
            }

            _saving.Release();
        }

        if (reserve) Serve();
    }

    private sealed class Pass(LineGate gate, PublicKey consumer, Socket target) : IRelayPass
    {
        private long _passed;

        internal PublicKey Consumer => consumer;

        public bool IsFree => gate.IsFree;

        public int Period => Volatile.Read(ref gate._period);

        public void Passed(int count) => Interlocked.Add(ref _passed, count);

        public ValueTask<int> TakeAsync(int most, CancellationToken cancellationToken) => gate.TakeAsync(this, most, cancellationToken);

        public void GiveBack(int count, int period) => gate.GiveBack(count, period);

        public void Dispose() => gate.End(this, target);

        internal long TakePassed() => Interlocked.Exchange(ref _passed, 0);
    }
}
