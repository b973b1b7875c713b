using CsCheck;
using Microsoft.Extensions.Time.Testing;
using Overlay.Sessions;
using Overlay.Sharing.Limits;

namespace Overlay.Tests.Sharing.Limits;

public class UsageTests
{
    private const ulong MiB = 1 << 20;

    private static readonly DateTimeOffset s_start = new(2026, 11, 23, 4, 0, 0, TimeSpan.Zero);

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    /// <summary>Bytes are taken, given back, days pass, the owner sets other quotas, the node crashes at any moment and forgets all that is not on disk, or its
    /// disk refuses.</summary>
    [Fact]
    public void Quota_AnyHistoryWithCrashes_IsNeverPassed() =>
        Gen.Select(Gen.ULong[1, 40], Gen.ULong[1, 200], Gen.Select(Gen.Int[0, 10], Gen.Int[1, 300_000]).Array[1, 200]).Sample((dailyMiB, monthlyMiB, steps) =>
        {
            ulong daily = dailyMiB * MiB, monthly = monthlyMiB * MiB;
            DateTimeOffset now = s_start;
            var rules = new OwnerRules(new OwnerLimits { DailyQuota = new(daily), MonthlyQuota = new(monthly), ResetDay = 25 }, TimeZoneInfo.Utc,
                LimitsFakes.Key());
            UsageRecord? disk = null;
            UsageBook book = Open();
            var perDay = new Dictionary<DateOnly, ulong>();
            var perMonth = new Dictionary<DateOnly, ulong>();
            foreach ((int kind, int size) in steps)
            {
                switch (kind)
                {
                    case 0:
                        book = Open();
                        break;
                    case 1:
                        now += TimeSpan.FromHours(size % 30);
                        rules.Turn(book, now);
                        break;
                    case 2:
                        // The clock is set back: that begins no new day.
                        rules.Turn(book, now - TimeSpan.FromDays(size % 3));
                        break;
                    case 3:
                        book.Close();
                        disk = book.Propose(reserve: false).Record;
                        book = Open();
                        break;
                    case 4:
                        (daily, monthly) = ((ulong)(1 + size % 40) * MiB, (ulong)(1 + size % 200) * MiB);
                        book.SetQuotas(daily, monthly);
                        break;
                    default:
                        Relay(size, given: kind == 5 ? size / 2 : size);
                        break;
                }
            }

            UsageBook Open()
            {
                UsageBook opened = Book(daily, monthly, disk);
                rules.Turn(opened, now);
                return opened;
            }

            void Relay(int wanted, int given)
            {
                if (book.Allowance < wanted && book.IsLow)
                {
                    (UsageRecord record, ulong block) = book.Propose(reserve: true);
                    disk = record;
                    book.Commit(block);
                }

                int taken = (int)Math.Min(wanted, book.Allowance);
                if (taken == 0) return;
                book.Take(taken);
                int relayed = Math.Min(taken, given);
                if (taken > relayed) book.GiveBack(taken - relayed, book.Generation);
                perDay[rules.Periods.DayOf(now)] = perDay.GetValueOrDefault(rules.Periods.DayOf(now)) + (ulong)relayed * UsageBook.Crossings;
                perMonth[rules.Periods.MonthOf(now)] = perMonth.GetValueOrDefault(rules.Periods.MonthOf(now)) + (ulong)relayed * UsageBook.Crossings;
                Assert.True(perDay[rules.Periods.DayOf(now)] <= daily);
                Assert.True(perMonth[rules.Periods.MonthOf(now)] <= monthly);
            }
        }, iter: 300);

    [Fact]
    public async Task Gate_QuotaSet_GivesOutExactlyThatAndThenNothing()
    {
        var store = new UsageInMemory();
        UsageBook book = Book(null, 10 * MiB);
        book.Turn(new DateOnly(2026, 11, 23), new DateOnly(2026, 11, 1));
        await using LineGate gate = LineGateTests.Gate(new FakeTimeProvider(), null, null, book, store);
        IRelayPass pass = gate.Begin(LimitsFakes.Key(), LimitsFakes.Target);
        Assert.False(pass.IsFree);
        long relayed = 0;
        while (!gate.Look(static usage => usage.IsSpent))
        {
            relayed += await pass.TakeAsync(100_000, Token).InTime();
            // The disk is ahead at every moment.
            Assert.True(store.Load()!.MonthBytes >= (ulong)relayed * 2);
        }

        Assert.Equal((long)(5 * MiB), relayed);
        Task<int> more = pass.TakeAsync(1, Token).AsTask();
        Assert.False(more.IsCompleted);
        await gate.DisposeAsync();
        await Assert.ThrowsAsync<IOException>(() => more.InTime());
        Assert.Equal(10 * MiB, store.Load()!.MonthBytes);
    }

    [Fact]
    public async Task Gate_DiskRefuses_GivesNothingOutAndSaysSo()
    {
        UsageBook book = Book(10 * MiB, null);
        book.Turn(new DateOnly(2026, 11, 23), new DateOnly(2026, 11, 1));
        var store = new BrokenStore();
        await using LineGate gate = LineGateTests.Gate(new FakeTimeProvider(), null, null, book, store);
        IRelayPass pass = gate.Begin(LimitsFakes.Key(), LimitsFakes.Target);
        Task<int> waiting = pass.TakeAsync(1000, Token).AsTask();
        await LimitsFakes.UntilAsync(() => gate.Fault is not null);
        Assert.False(waiting.IsCompleted);

        store.IsBroken = false;
        await gate.SaveAsync();
        gate.Set(new GateSetting(IsOpen: true, null, null));

        Assert.Equal(1000, await waiting.InTime());
        Assert.Null(gate.Fault);
    }

    [Fact]
    public async Task Gate_StoppedInOrder_LosesNothingOfTheQuota()
    {
        var store = new UsageInMemory();
        UsageBook book = Book(100 * MiB, null);
        book.Turn(new DateOnly(2026, 11, 23), new DateOnly(2026, 11, 1));
        LineGate gate = LineGateTests.Gate(new FakeTimeProvider(), null, null, book, store);
        await gate.Begin(LimitsFakes.Key(), LimitsFakes.Target).TakeAsync(1000, Token).InTime();
        Assert.True(store.Load()!.DayBytes > 2000);

        await gate.DisposeAsync();

        Assert.Equal(2000UL, store.Load()!.DayBytes);
    }

    [Fact]
    public void SetQuotas_Others_VoidWhatWasReserved()
    {
        UsageBook book = Book(100 * MiB, null);
        book.Turn(new DateOnly(2026, 11, 23), new DateOnly(2026, 11, 1));
        book.Commit(book.Propose(reserve: true).Block);
        book.Take(10_000);
        (int generation, long allowance) = (book.Generation, book.Allowance);
        book.SetQuotas(100 * MiB, null);
        Assert.Equal((generation, allowance), (book.Generation, book.Allowance));

        book.SetQuotas(1 * MiB, null);

        Assert.Equal(0, book.Allowance);
        // What was taken before is never there for others now.
        book.GiveBack(10_000, generation);
        Assert.Equal(0, book.Allowance);
        Assert.Equal(20_000UL, book.DayUsed);
    }

    [Fact]
    public void Turn_ClockWasFarAheadOnce_PeriodsBeginAgainAsTheyDid()
    {
        UsageBook book = Book(10 * MiB, 100 * MiB);
        book.Turn(new DateOnly(2036, 5, 3), new DateOnly(2036, 5, 1));
        book.Add(1000);

        // Put right: what was used stays used in the running periods.
        book.Turn(new DateOnly(2026, 11, 23), new DateOnly(2026, 11, 1));
        Assert.Equal((2000UL, 2000UL), (book.DayUsed, book.MonthUsed));

        book.Turn(new DateOnly(2026, 11, 24), new DateOnly(2026, 11, 1));
        Assert.Equal((0UL, 2000UL), (book.DayUsed, book.MonthUsed));
        book.Turn(new DateOnly(2026, 12, 1), new DateOnly(2026, 12, 1));
        Assert.Equal((0UL, 0UL), (book.DayUsed, book.MonthUsed));
    }

    [Fact]
    public void Turn_ClockIsSetBackALittle_BeginsNothing()
    {
        UsageBook book = Book(10 * MiB, 100 * MiB);
        book.Turn(new DateOnly(2026, 12, 1), new DateOnly(2026, 12, 1));
        book.Add(1000);

        book.Turn(new DateOnly(2026, 11, 29), new DateOnly(2026, 11, 1));
        book.Turn(new DateOnly(2026, 12, 1), new DateOnly(2026, 12, 1));

        Assert.Equal((2000UL, 2000UL), (book.DayUsed, book.MonthUsed));
    }

    [Fact]
    public void Record_WrittenAndRead_IsTheSame()
    {
        var record = new UsageRecord
        {
            Day = new(2026, 11, 23),
            DayBytes = 5,
            Month = new(2026, 11, 1),
            MonthBytes = ulong.MaxValue,
            Spending = TimeSpan.FromSeconds(7),
            LastSpending = TimeSpan.FromDays(3)
        };
        Assert.Equal(record, UsageRecord.Read(record.Write()));
    }

    [Theory]
    [InlineData("")]
    [InlineData("{}")]
    [InlineData("[1]")]
    [InlineData("""{"day":"2026-11-23","dayBytes":-1,"month":"2026-11-01","monthBytes":1}""")]
    [InlineData("""{"day":"23.11.2026","dayBytes":1,"month":"2026-11-01","monthBytes":1}""")]
    public void Record_Damaged_IsAnErrorAndNotZero(string text) => Assert.Throws<FormatException>(() =>
        UsageRecord.Read(System.Text.Encoding.UTF8.GetBytes(text)));

    private static UsageBook Book(ulong? daily, ulong? monthly, UsageRecord? record = null)
    {
        var book = new UsageBook(record);
        book.SetQuotas(daily, monthly);
        return book;
    }

    private sealed class BrokenStore : IUsageStore
    {
        internal volatile bool IsBroken = true;

        public UsageRecord? Load() => null;

        public void Save(UsageRecord record)
        {
            if (IsBroken) throw new IOException("No space is left.");
        }
    }
}
