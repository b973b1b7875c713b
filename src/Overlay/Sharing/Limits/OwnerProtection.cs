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
/// the other looks at the line, and runs only while bytes are relayed.
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

    // Of what sockets carry: the rest are headers, encryption and acknowledgements.
    private const double PayloadShare = 0.92;

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
    private readonly ILineSurroundings _surroundings;
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
    private string? _limitsFault;
    private Standing _standing;
    private SharingCondition? _told;
    private bool _isSet;
    private bool _isWatching;
    private double _share = 1;
    private (double? Up, double? Down) _rates;
    private (long At, ulong Sent, ulong Received, ulong? AllSent, ulong? AllReceived)? _last;
    private long _lastBytesAt, _savedAt, _toldAt;

    /// <param name="settings">What it is made of.</param>
    /// <exception cref="IOException">The limits or their usage cannot be read; nothing is shared then.</exception>
    internal OwnerProtection(ProtectionSettings settings)
    {
        _key = settings.Key;
        _policy = settings.Policy;
        _line = settings.Line;
        _surroundings = settings.Surroundings;
        _traffic = settings.Traffic;
        _time = settings.Time;
        _logger = settings.Logger;
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
            lock (_lock) return _standing.IsOpen ? null : Words(_standing.Condition);
        }
    }

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
                    Fault = _standing.Condition == SharingCondition.Faulted ? _limitsFault ?? _gate.Fault : null,
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
    /// <exception cref="IOException">They cannot be written; the old ones hold.</exception>
    internal async Task SetAsync(Func<OwnerLimits, OwnerLimits> change, CancellationToken cancellationToken)
    {
        await _changing.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
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
        await _polling.ConfigureAwait(false);
        Task watching, ending, saving;
        lock (_lock) (watching, ending, saving) = (_watching, _ending, _saving);
        await watching.ConfigureAwait(false);
        await ending.ConfigureAwait(false);
        await saving.ConfigureAwait(false);
        await _gate.DisposeAsync().ConfigureAwait(false);
        _file?.Forget();
        _line.Dispose();
        _stopping.Dispose();
        _changing.Dispose();
    }

    /// <summary>Looks at the line once, and lets through what that allows; false when nothing is relayed any more.</summary>
    internal bool Look()
    {
        long now = _time.GetTimestamp();
        long relayed = _gate.Collect();
        lock (_lock)
        {
            if (relayed > 0 || _last is null || (_standing.IsOpen && _gate.IsWaitedFor)) _lastBytesAt = now;
            SocketReading own = _traffic.Read();
            (ulong Sent, ulong Received)? all = _line.Read();
            TimeSpan elapsed = _last is { } before ? _time.GetElapsedTime(before.At, now) : TimeSpan.Zero;
            // Where the system does not count sockets, what was relayed has to do.
            (ulong sent, ulong received) = SocketTraffic.IsSupported || _last is not { } since
                ? (own.Sent, own.Received) : (since.Sent + (ulong)relayed, since.Received + (ulong)relayed);
            // What goes from this host to itself is in nobody's way.
            if (_rules.Limits.Yield && !_traffic.IsLoopbackOnly) _share = Math.Clamp(_policy.Judge(Sample(elapsed, sent, received, all, own.AddedLatency)), 0, 1);
            else _share = 1;
            if (!_isHeldBack) _served.Add(Served(relayed, _last is { } then ? Math.Max(sent - then.Sent, received - then.Received) : 0), elapsed);
            _last = (now, sent, received, all?.Sent, all?.Received);
        }

        Apply();
        Keep(now);
        lock (_lock)
        {
            if (_time.GetElapsedTime(_lastBytesAt, now) < s_rest) return true;
            // Whoever relays from here on wakes the next watch.
            _isWatching = false;
            _last = null;
            _gate.SetAsleep(true);
        }

        Tell();
        return false;
    }

    // What was relayed stands in buffers for a while; what has left is what the line can carry.
    private static long Served(long relayed, ulong carried) => SocketTraffic.IsSupported && carried > 0 ? (long)(carried * PayloadShare) : relayed;

    private YieldSample Sample(TimeSpan elapsed, ulong sent, ulong received, (ulong Sent, ulong Received)? all, TimeSpan? added)
    {
        (long At, ulong Sent, ulong Received, ulong? AllSent, ulong? AllReceived) before = _last ?? (0, sent, received, all?.Sent, all?.Received);
        return new YieldSample
        {
            Elapsed = elapsed,
            OwnSent = new ByteSize(sent - before.Sent),
            OwnReceived = new ByteSize(received - before.Received),
            AllSent = Since(all?.Sent, before.AllSent),
            AllReceived = Since(all?.Received, before.AllReceived),
            AddedLatency = added,
            IsOnBattery = _surroundings.IsOnBattery,
            IsMetered = _surroundings.IsMetered,
        };
    }

    private static ByteSize? Since(ulong? now, ulong? before) => now is { } n && before is { } b && n >= b ? new ByteSize(n - b) : null;

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
            do await Task.Delay(Limits.Yield ? SampleInterval : s_slowInterval, _time, _stopping.Token).ConfigureAwait(false);
            while (Look());
        }
        catch (OperationCanceledException)
        {
            // The node stops.
        }
    }

    private async Task PollAsync()
    {
        using var timer = new PeriodicTimer(s_pollInterval, _time);
        long mended = _time.GetTimestamp();
        try
        {
            while (await timer.WaitForNextTickAsync(_stopping.Token).ConfigureAwait(false))
            {
                if (_file!.HasChanged) await ReloadAsync().ConfigureAwait(false);
                if (_gate.Fault is not null && _time.GetElapsedTime(mended) >= s_mendInterval)
                {
                    mended = _time.GetTimestamp();
                    await _gate.SaveAsync().ConfigureAwait(false);
                }

                // The hour may have come, or gone, while nobody asked.
                Apply();
                if (_told != _standing.Condition) Tell();
            }
        }
        catch (OperationCanceledException)
        {
            // The node stops.
        }
    }

    private async Task ReloadAsync()
    {
        await _changing.WaitAsync(_stopping.Token).ConfigureAwait(false);
        try
        {
            // Without a file what held holds on: taking it away takes nothing back.
            if (_file!.Load() is var (limits, revision)) Take(limits, revision);
        }
        catch (IOException e)
        {
            lock (_lock) _limitsFault = e.Message;
            LimitsLog.Faulted(_logger, e.Message);
            Apply();
        }
        finally
        {
            _changing.Release();
        }

        Tell();
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

    private void SetQuotas() => _gate.Look(usage => (usage.DailyQuota, usage.MonthlyQuota) = (_rules.Limits.DailyQuota?.Bytes,
        _rules.Limits.MonthlyQuota?.Bytes));

    // Judges the moment and sets the gate by it.
    private void Apply()
    {
        DateTimeOffset now = _time.GetUtcNow();
        bool hasClosed;
        lock (_lock)
        {
            Standing standing = _gate.Look(usage =>
            {
                _rules.Turn(usage, now);
                if (_rules.IsHibernationQuotaSpent(usage)) usage.Spent(_rules.SpendingUntil(usage, now));
                return _rules.Judge(usage, _surroundings, _share, now);
            });
            if ((_limitsFault ?? _gate.Fault) is not null) standing = new Standing(SharingCondition.Faulted, null);
            hasClosed = _standing.IsOpen && !standing.IsOpen;
            if (standing.Condition != _standing.Condition) LimitsLog.Changed(_logger, standing.Condition);
            bool isOther = standing.Condition != _standing.Condition || !_isSet;
            _isSet = true;
            _standing = standing;
            (double? Up, double? Down) rates = Rates();
            if (isOther || rates != _rates) _gate.Set(new GateSetting(standing.IsOpen, rates.Up, rates.Down));
            _rates = rates;
            if (hasClosed && _ending.IsCompleted) _ending = Task.Run(EndAsync);
        }
    }

    private async Task EndAsync()
    {
        await EndSessions().ConfigureAwait(false);
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
        catch (IOException e)
        {
            // It only says what is; the limits hold all the same.
            LimitsLog.StateNotWritten(_logger, e.Message);
        }
    }

    private static BitRate? Rate(double? bytes) => bytes is { } rate ? new BitRate((ulong)(rate * 8)) : null;

    private static string Words(SharingCondition condition) => condition switch
    {
        SharingCondition.QuotaSpent => "The provider's quota is spent.",
        SharingCondition.Faulted => "The provider cannot share at this moment.",
        _ => "The provider's owner needs the line.",
    };
}

/// <summary>What protects an owner, put together.</summary>
internal sealed record ProtectionSettings
{
    /// <summary>The limits, where none are kept.</summary>
    internal OwnerLimits Initial { get; init; } = new();

    /// <summary>The data folder; null keeps nothing.</summary>
    internal string? Folder { get; init; }

    /// <summary>Where usage is kept.</summary>
    internal required IUsageStore Store { get; init; }

    /// <summary>The node's key.</summary>
    internal required PublicKey Key { get; init; }

    internal IYieldPolicy Policy { get; init; } = new IdleYieldPolicy();

    internal required ILineCounters Line { get; init; }

    internal required ILineSurroundings Surroundings { get; init; }

    /// <summary>Counts the node's own sockets.</summary>
    internal SocketTraffic Traffic { get; init; } = new();

    internal TimeProvider Time { get; init; } = TimeProvider.System;

    internal required ILogger Logger { get; init; }

    /// <summary>Whether it looks at the line by itself; a test does that step by step.</summary>
    internal bool LooksItself { get; init; } = true;
}
