namespace Overlay.Sharing.Limits;

/// <summary>Counts what crosses the line against the quotas, in memory. Under a quota a byte is only given out when the disk already counts it.</summary>
/// <remarks>
/// The disk is ahead: a block is reserved there and used up here. After a crash the rest of the block is lost to the owner's side, never to the quota's. No
/// clock, no I/O, not safe on several threads:
/// the gate's lock guards it. All sizes are bytes over the line, two for each relayed byte.
/// </remarks>
internal sealed class UsageBook
{
    /// <summary>How often a relayed byte crosses the line: once in, once out.</summary>
    internal const int Crossings = 2;

    private const ulong SmallestBlock = 1 << 20, LargestBlock = 64 << 20;

    // A clock may be put right by so much, or the host may have travelled.
    private const int MostDaysAhead = 2, MostDaysOfMonthAhead = 31;

    private DateOnly _day;
    private DateOnly _month;
    private ulong _dayUsed;
    private ulong _monthUsed;
    private ulong _reserved;
    private TimeSpan? _spending;
    private TimeSpan? _lastSpending;

    internal UsageBook(UsageRecord? record)
    {
        if (record is null) return;
        (_day, _month, _dayUsed, _monthUsed) = (record.Day, record.Month, record.DayBytes, record.MonthBytes);
        (_spending, _lastSpending) = (record.Spending, record.LastSpending);
    }

    internal ulong DayUsed => _dayUsed;

    internal ulong MonthUsed => _monthUsed;

    internal DateOnly Day => _day;

    internal DateOnly Month => _month;

    internal TimeSpan? LastSpending => _lastSpending;

    /// <summary>Grows with every period that begins and with other quotas: what was reserved before is void.</summary>
    internal int Generation { get; private set; }

    internal ulong? DailyQuota { get; private set; }

    internal ulong? MonthlyQuota { get; private set; }

    internal bool HasQuota => (DailyQuota ?? MonthlyQuota) is not null;

    /// <summary>Whether not one relayed byte more is left of the quota.</summary>
    internal bool IsSpent => HasQuota && _reserved < Crossings && Left < Crossings;

    /// <summary>Whether the quota of the day is the one that is spent.</summary>
    internal bool IsDaySpent => DailyQuota is { } quota && quota - Math.Min(quota, _dayUsed) < Crossings;

    /// <summary>Whether the quota of the month is.</summary>
    internal bool IsMonthSpent => MonthlyQuota is { } quota && quota - Math.Min(quota, _monthUsed) < Crossings;

    /// <summary>Relayed bytes that may be given out now.</summary>
    internal long Allowance => (long)(_reserved / Crossings);

    /// <summary>Whether it is time to reserve more.</summary>
    internal bool IsLow => HasQuota && _reserved < Block / 2 && Left >= Crossings;

    private ulong Block => Math.Clamp(Math.Min(DailyQuota ?? ulong.MaxValue, MonthlyQuota ?? ulong.MaxValue) / 256, SmallestBlock, LargestBlock);

    // What can still be reserved.
    private ulong Left => Math.Min(Rest(DailyQuota, _dayUsed), Rest(MonthlyQuota, _monthUsed));

    /// <summary>Sets the quotas. What was reserved under others is void: it may be more than these leave, or not be on disk.</summary>
    internal void SetQuotas(ulong? daily, ulong? monthly)
    {
        if ((daily, monthly) == (DailyQuota, MonthlyQuota)) return;
        (DailyQuota, MonthlyQuota) = (daily, monthly);
        _reserved = 0;
        Generation++;
    }

    /// <summary>Begins a new day or month where the clock says so. A clock that is set back begins nothing; one that was far ahead is forgotten, or nothing
    /// would begin until it is right.</summary>
    internal void Turn(DateOnly day, DateOnly month)
    {
        if (_day.DayNumber - day.DayNumber > MostDaysAhead) _day = day;
        if (_month.DayNumber - month.DayNumber > MostDaysOfMonthAhead) _month = month;
        if (day > _day)
        {
            _day = day;
            _dayUsed = 0;
            _reserved = 0;
            Generation++;
            if (MonthlyQuota is null) TurnSpending();
        }

        if (month <= _month) return;
        _month = month;
        _monthUsed = 0;
        _reserved = 0;
        Generation++;
        if (MonthlyQuota is not null) TurnSpending();
    }

    /// <summary>Moves the month's first day, when the owner chooses another: what was used stays used until the next one.</summary>
    internal void Move(DateOnly month)
    {
        if (month > _month) _month = month;
    }

    /// <summary>Counts relayed bytes that a reservation covers; at most <see cref="Allowance"/>.</summary>
    internal void Take(int relayed)
    {
        _reserved -= (ulong)relayed * Crossings;
        Add(relayed);
    }

    /// <summary>Counts relayed bytes that nobody had to ask for.</summary>
    internal void Add(long relayed)
    {
        _dayUsed += (ulong)relayed * Crossings;
        _monthUsed += (ulong)relayed * Crossings;
    }

    /// <summary>Gives back what was taken and not relayed.</summary>
    /// <param name="relayed">How much.</param>
    /// <param name="generation"><see cref="Generation"/> when it was taken. Of another it stays counted: it was never reserved in this one.</param>
    internal void GiveBack(int relayed, int generation)
    {
        if (generation != Generation) return;
        ulong bytes = (ulong)relayed * Crossings;
        _dayUsed -= bytes;
        _monthUsed -= bytes;
        if (HasQuota) _reserved += bytes;
    }

    /// <summary>What has to be on disk before a further block is given out, and the block's size; without a block, what has to be there when nothing more is
    /// given out.</summary>
    internal (UsageRecord Record, ulong Block) Propose(bool reserve)
    {
        ulong block = reserve ? Math.Min(Block, Left) : 0;
        return (Snapshot(_reserved + block), block);
    }

    /// <summary>Gives out a block that is on disk.</summary>
    internal void Commit(ulong block) => _reserved += block;

    /// <summary>Gives the rest of the reservation up, so that the disk can be told what was truly used.</summary>
    internal void Close() => _reserved = 0;

    /// <summary>Remembers how long the quota lasted.</summary>
    internal bool Spent(TimeSpan spending)
    {
        if (_spending is not null) return false;
        _spending = spending;
        return true;
    }

    private UsageRecord Snapshot(ulong ahead) => new()
    {
        Day = _day,
        DayBytes = _dayUsed + ahead,
        Month = _month,
        MonthBytes = _monthUsed + ahead,
        Spending = _spending,
        LastSpending = _lastSpending,
    };

    private void TurnSpending() => (_lastSpending, _spending) = (_spending, null);

    private ulong Rest(ulong? quota, ulong used)
    {
        ulong held = used + _reserved;
        return quota is { } most ? most - Math.Min(most, held) : ulong.MaxValue - held;
    }
}
