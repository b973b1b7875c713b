using System.Net.Sockets;
using Microsoft.Extensions.Logging;
using Overlay.Diagnostics;
using Overlay.Proofs;
using Overlay.Sessions;
using Overlay.Transport.Tcp;

namespace Overlay.Sharing.Limits;

/// <summary>Protects the owner of a node that shares: holds the limits and their usage, watches the line while bytes are relayed, and opens and closes the
/// gate.</summary>
/// <remarks>
/// Safe on several threads. Two loops at most: one looks every half second whether the owner has written other limits, as long as there is a data folder;
/// the other looks at the line, and runs only while bytes are relayed. Neither ends by an error: while there is one, nothing is given.
/// </remarks>
internal sealed class OwnerProtection : IOwnerLine, IAsyncDisposable
{
    /// <summary>How often the line is looked at while it is yielded on.</summary>
    internal static readonly TimeSpan SampleInterval = TimeSpan.FromMilliseconds(40);

    private static readonly TimeSpan s_slowInterval = TimeSpan.FromMilliseconds(250), s_rest = TimeSpan.FromSeconds(2),
        s_pollInterval = TimeSpan.FromMilliseconds(500),
        s_saveInterval = TimeSpan.FromSeconds(30), s_tellInterval = TimeSpan.FromSeconds(1), s_mendInterval = TimeSpan.FromSeconds(5);

    // What yielding leaves at least, unless nothing is to be left: connections live on it, and no line notices.
    private const double LeastRate = 4096;

    // What a share is of before anything was served: 1 Mbit/s.
    private const double UnknownRate = 125_000;

    // A share of so much or less leaves the line to its owner.
    private const double Little = 0.1;

    private readonly Lock _lock = new();
    private readonly LimitsFile? _file;
    private readonly IUsageStore _store;
    private readonly PublicKey _key;
    private readonly IYieldPolicy _policy;
    private readonly ILineCounters _line;
    private readonly LineSampler _sampler;
    private readonly KnownSurroundings _surroundings;
    private readonly SocketTraffic _traffic;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly bool _looksItself;
    private readonly LineGate _gate;
    private readonly ServedRate _served = new();
    private bool _isHeldBack;
    private readonly CancellationTokenSource _stopping = new();
    private readonly SemaphoreSlim _changing = new(1, 1);
    private Task _polling = Task.CompletedTask;
    private Task _watching = Task.CompletedTask;
    private Task _ending = Task.CompletedTask;
    private Task _saving = Task.CompletedTask;
    private OwnerRules _rules;
    private string _revision;
    private string? _limitsFault, _watchFault, _pollFault;
    private Standing _standing;
    private SharingCondition? _told;
    private bool _isSet;
    private bool _isWatching;
    private double _share = 1;
    private (double? Up, double? Down) _rates;
    private long _lastBytesAt, _savedAt, _toldAt;

    /// <param name="settings">What it is made of.</param>
    /// <exception cref="IOException">The limits or their usage cannot be read; nothing is shared then.</exception>
    internal OwnerProtection(ProtectionSettings settings)
    {
        _key = settings.Key;
        _policy = settings.Policy;
        _line = settings.Line;
        _traffic = settings.Traffic;
        _time = settings.Time;
        _logger = settings.Logger;
        _sampler = new LineSampler(_line, _traffic, _time);
        _surroundings = new KnownSurroundings(settings.Surroundings, _logger);
        _store = settings.Store;
        _looksItself = settings.LooksItself;
        _file = settings.Folder is { } folder ? new LimitsFile(folder) : null;
        (OwnerLimits limits, _revision) = _file?.Load() ?? (settings.Initial, LimitsText.RevisionOf(LimitsText.Write(settings.Initial)));
        _rules = new OwnerRules(limits, _time.LocalTimeZone, _key);
        _gate = new LineGate(new UsageBook(_store.Load()), _store, _time, _traffic) { Woken = Wake };
        SetQuotas();
        Apply();
    }

    /// <summary>Asks every consumer for its last receipt and ends their sessions. Set before the first session.</summary>
    internal Func<Task> EndSessions { get; set; } = static () => Task.CompletedTask;

    /// <summary>The limits that hold now.</summary>
    internal OwnerLimits Limits
    {
        get
        {
            lock (_lock) return _rules.Limits;
        }
    }

    public string? Refusal
    {
        get
        {
            // Nothing runs while the node is idle, so that whoever asks is told by the clock of this moment.
            Apply();
            lock (_lock) return _standing.Refusal;
        }
    }

    // What is wrong; null for nothing.
    private string? Fault => _limitsFault ?? _surroundings.Fault ?? _watchFault ?? _pollFault ?? _gate.Fault;

    /// <summary>What is given at this moment.</summary>
    internal SharingState State
    {
        get
        {
            Apply();
            DateTimeOffset now = _time.GetUtcNow();
            lock (_lock)
            {
                (ulong day, ulong month) = _gate.Look(static usage => (usage.DayUsed, usage.MonthUsed));
                return new SharingState
                {
                    Condition = _standing.Condition,
                    Until = _standing.Condition == SharingCondition.OutsideSchedule ? _rules.NextOpening(now) : _standing.Until,
                    Fault = _standing.Condition == SharingCondition.Faulted ? Fault : null,
                    UsedToday = new ByteSize(day),
                    UsedThisMonth = new ByteSize(month),
                    AllowedUpload = Rate(_rates.Up),
                    AllowedDownload = Rate(_rates.Down),
                    Share = _standing.IsOpen ? _share : 0,
                    Revision = _revision,
                };
            }
        }
    }

    /// <summary>Looks for other limits from now on, where there is a data folder.</summary>
    internal void Start()
    {
        if (_file is null) return;
        Tell();
        _polling = Task.Run(PollAsync);
    }

    public IRelayPass Begin(PublicKey consumer, Socket target) => _gate.Begin(consumer, target);

    /// <summary>Takes other limits, and keeps them.</summary>
    /// <exception cref="IOException">They cannot be written, or somebody has just written what are no limits; the old ones hold.</exception>
    internal async Task SetAsync(Func<OwnerLimits, OwnerLimits> change, CancellationToken cancellationToken)
    {
        await _changing.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            // What another has written a moment ago is changed, and not overwritten.
            if (_file is { HasChanged: true }) await Task.Run(Reload, cancellationToken).ConfigureAwait(false);
            OwnerLimits limits = change(Limits);
            string revision = _file is null ? LimitsText.RevisionOf(LimitsText.Write(limits))
                : await Task.Run(() => _file.Save(limits), cancellationToken).ConfigureAwait(false);
            Take(limits, revision);
        }
        finally
        {
            _changing.Release();
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _stopping.CancelAsync().ConfigureAwait(false);
        // In this order, for each may begin the next; and the next has to end however the one before did.
        foreach (Func<Task> running in new Func<Task>[] { () => _polling, () => _watching, () => _ending, () => _saving })
        {
            Task one;
            lock (_lock) one = running();
            await one.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }

        try
        {
            await _gate.DisposeAsync().ConfigureAwait(false);
        }
        finally
        {
            _file?.Forget();
            _line.Dispose();
            _stopping.Dispose();
            _changing.Dispose();
        }
    }

    /// <summary>Looks at the line once, and lets through what that allows; false when nothing is relayed any more.</summary>
    internal bool Look()
    {
        long now = _time.GetTimestamp();
        long relayed = _gate.Collect();
        // Files and what a host has written: never under the lock, on which all wait who relay.
        _surroundings.Look();
        bool isFirst = _sampler.IsFirst;
        (YieldSample sample, long served) = _sampler.Take(now, relayed, _surroundings);
        bool isJudged;
        lock (_lock)
        {
            if (relayed > 0 || isFirst || (_standing.IsOpen && _gate.IsWaitedFor)) _lastBytesAt = now;
            // What goes from this host to itself is in nobody's way.
            isJudged = _rules.Limits.Yield && !_traffic.IsLoopbackOnly;
            if (!_isHeldBack) _served.Add(served, sample.Elapsed);
        }

        double share = isJudged ? _policy.Judge(sample) : 1;
        // What is no number leaves nothing.
        lock (_lock) _share = double.IsNaN(share) ? 0 : Math.Clamp(share, 0, 1);
        Apply();
        Keep(now);
        lock (_lock)
        {
            if (_time.GetElapsedTime(_lastBytesAt, now) < s_rest) return true;
            // Whoever relays from here on wakes the next watch.
            _isWatching = false;
            _sampler.Rest();
            // Nothing is held back from nobody.
            _share = 1;
            _gate.SetAsleep(true);
        }

        Apply();
        Tell();
        return false;
    }

    // Called by the gate at the first byte after a rest.
    private void Wake()
    {
        lock (_lock)
        {
            if (_isWatching || _stopping.IsCancellationRequested) return;
            _isWatching = true;
            _lastBytesAt = _time.GetTimestamp();
            _gate.SetAsleep(false);
            if (!_looksItself) return;
            Task before = _watching;
            _watching = Task.Run(() => WatchAsync(before));
        }
    }

    private async Task WatchAsync(Task before)
    {
        await before.ConfigureAwait(false);
        try
        {
            do await Task.Delay(Limits.Yield && _watchFault is null ? SampleInterval : s_slowInterval, _time, _stopping.Token).ConfigureAwait(false);
            while (TryLook());
        }
        catch (OperationCanceledException)
        {
            // The node stops.
        }
    }

    /// <summary>Looks once. Where that fails, whatever the reason, nothing is given until it succeeds.</summary>
    internal bool TryLook()
    {
        try
        {
            bool isRelaying = Look();
            if (SetFault(ref _watchFault, null)) Apply();
            return isRelaying;
        }
        catch (Exception e)
        {
            if (SetFault(ref _watchFault, "The line cannot be looked at: " + e.Message)) Tell();
            return true;
        }
    }

    // Whether it is another than before.
    private bool SetFault(ref string? fault, string? reason)
    {
        lock (_lock)
        {
            if (fault == reason) return false;
            fault = reason;
        }

        if (reason is null) return true;
        LimitsLog.Faulted(_logger, reason);
        Apply();
        return true;
    }

    private async Task PollAsync()
    {
        using var timer = new PeriodicTimer(s_pollInterval, _time);
        long mended = _time.GetTimestamp();
        try
        {
            while (await timer.WaitForNextTickAsync(_stopping.Token).ConfigureAwait(false))
            {
                if (_gate.Fault is not null && _time.GetElapsedTime(mended) >= s_mendInterval)
                {
                    mended = _time.GetTimestamp();
                    await _gate.SaveAsync().ConfigureAwait(false);
                }

                await PollOnceAsync().ConfigureAwait(false);
            }
        }
        catch (OperationCanceledException)
        {
            // The node stops.
        }
    }

    private async Task PollOnceAsync()
    {
        try
        {
            if (_file!.HasChanged) await ReloadAsync().ConfigureAwait(false);
            SetFault(ref _pollFault, null);
            // The hour may have come, or gone, while nobody asked.
            Apply();
            if (_told != _standing.Condition) Tell();
        }
        catch (Exception e) when (e is not OperationCanceledException)
        {
            SetFault(ref _pollFault, "The limits cannot be looked at: " + e.Message);
        }
    }

    private async Task ReloadAsync()
    {
        await _changing.WaitAsync(_stopping.Token).ConfigureAwait(false);
        try
        {
            if (_file!.HasChanged) Reload();
        }
        catch (Exception e) when (e is not OperationCanceledException)
        {
            // It stands in the state.
        }
        finally
        {
            _changing.Release();
        }

        Tell();
    }

    // One at a time.
    private void Reload()
    {
        try
        {
            // Without a file what held holds on: taking it away takes nothing back.
            if (_file!.Load() is var (limits, revision)) Take(limits, revision);
        }
        catch (Exception e)
        {
            SetFault(ref _limitsFault, e.Message);
            throw;
        }
    }

    private void Take(OwnerLimits limits, string revision)
    {
        DateTimeOffset now = _time.GetUtcNow();
        lock (_lock)
        {
            _gate.Look(usage =>
            {
                _rules.Turn(usage, now);
                if (limits.ResetDay != _rules.Limits.ResetDay) usage.Move(new UsagePeriods(_time.LocalTimeZone, limits.ResetDay).MonthOf(now));
                return true;
            });
            _rules = new OwnerRules(limits, _time.LocalTimeZone, _key);
            _revision = revision;
            _limitsFault = null;
            SetQuotas();
        }

        LimitsLog.Taken(_logger, revision);
        lock (_lock) _isSet = false;
        Apply();
        Tell();
    }

    private void SetQuotas() => _gate.Look(usage =>
    {
        usage.SetQuotas(_rules.Limits.DailyQuota?.Bytes, _rules.Limits.MonthlyQuota?.Bytes);
        return true;
    });

    // Judges the moment and sets the gate by it.
    private void Apply()
    {
        DateTimeOffset now = _time.GetUtcNow();
        _surroundings.Look();
        SharingCondition? changed = null;
        lock (_lock)
        {
            Standing standing = _gate.Peek(usage =>
            {
                _rules.Turn(usage, now);
                if (_rules.IsHibernationQuotaSpent(usage)) usage.Spent(_rules.SpendingUntil(usage, now));
                return _rules.Judge(usage, _surroundings, _share, now);
            });
            if (Fault is not null) standing = new Standing(SharingCondition.Faulted, null);
            bool hasClosed = _standing.IsOpen && !standing.IsOpen;
            if (standing.Condition != _standing.Condition) changed = standing.Condition;
            bool isOther = standing.Condition != _standing.Condition || !_isSet;
            _isSet = true;
            _standing = standing;
            (double? Up, double? Down) rates = Rates();
            if (isOther || rates != _rates) _gate.Set(new GateSetting(standing.IsOpen, rates.Up, rates.Down));
            _rates = rates;
            if (hasClosed && !_stopping.IsCancellationRequested)
            {
                // One behind the other: what was opened while the last were still ending has to end too.
                Task before = _ending;
                _ending = Task.Run(() => EndAsync(before));
            }
        }

        if (changed is { } condition) LimitsLog.Changed(_logger, condition);
    }

    private async Task EndAsync(Task before)
    {
        await before.ConfigureAwait(false);
        try
        {
            await EndSessions().ConfigureAwait(false);
        }
        catch (Exception e)
        {
            // The gate is closed all the same.
            LimitsLog.NotEnded(_logger, e);
        }

        await _gate.SaveAsync().ConfigureAwait(false);
        Tell();
    }

    private (double? Up, double? Down) Rates()
    {
        double share = _standing.Condition == SharingCondition.Yielding ? Math.Min(_share, IsHeldByRule() ? IdleYieldPolicy.Floor : 1) : 1;
        double? up = _rules.Limits.MaxUpload?.BitsPerSecond / 8.0, down = _rules.Limits.MaxDownload?.BitsPerSecond / 8.0;
        // To leave a little of the line free, its rate must be known; to leave nearly all of it, a guess is enough.
        double? served = share > Little ? _served.BestOfSeconds : _served.Best;
        // A relayed byte takes from both, so that the least of all is what was, or would have been, relayed.
        double whole = Math.Min(Math.Min(up ?? double.PositiveInfinity, down ?? double.PositiveInfinity), served ?? double.PositiveInfinity);
        if (double.IsInfinity(whole) && share <= Little) whole = UnknownRate;
        _isHeldBack = share < 1 && !double.IsInfinity(whole);
        if (!_isHeldBack) return (up, down);
        double rate = share <= 0 ? 0 : Math.Max(LeastRate, whole * share);
        return (rate, rate);
    }

    private bool IsHeldByRule() =>
        (_rules.Limits.WhenOnBattery == OwnerRule.Yield && _surroundings.IsOnBattery == true)
            || (_rules.Limits.WhenMetered == OwnerRule.Yield && _surroundings.IsMetered == true);

    // What is due while bytes are relayed: usage to disk, and the state to whoever looks.
    private void Keep(long now)
    {
        if (_time.GetElapsedTime(_savedAt, now) >= s_saveInterval)
        {
            _savedAt = now;
            lock (_lock)
            {
                if (_saving.IsCompleted) _saving = _gate.SaveAsync();
            }
        }

        if (_time.GetElapsedTime(_toldAt, now) < s_tellInterval) return;
        _toldAt = now;
        Tell();
    }

    private void Tell()
    {
        if (_file is null) return;
        try
        {
            SharingState state = State;
            _told = state.Condition;
            _file.Tell(state);
        }
        catch (Exception e)
        {
            // It only says what is; the limits hold all the same.
            LimitsLog.StateNotWritten(_logger, e.Message);
        }
    }

    private static BitRate? Rate(double? bytes) => bytes is { } rate ? new BitRate((ulong)(rate * 8)) : null;
}
