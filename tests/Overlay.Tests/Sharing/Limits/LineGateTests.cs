using CsCheck;
using Microsoft.Extensions.Time.Testing;
using Overlay.Proofs;
using Overlay.Sessions;
using Overlay.Sharing.Limits;

namespace Overlay.Tests.Sharing.Limits;

public class LineGateTests
{
    private static readonly TimeSpan s_step = TimeSpan.FromMilliseconds(1);

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(8_000, null)]
    [InlineData(2_500_000, 5_000_000)]
    [InlineData(null, 1_250_000)]
    [InlineData(125_000_000, 40_000_000)]
    public async Task Take_RatesSet_TheLowerIsReachedWithinTwoPercent(int? up, int? down)
    {
        var time = new FakeTimeProvider();
        await using LineGate gate = Gate(time, up, down);
        using var pulling = new LimitsFakes.Pulling(null, gate, connections: 3, most: 100_000);
        double rate = Math.Min(up ?? int.MaxValue, down ?? int.MaxValue);
        for (int i = 0; i < 20_000; i++) Step(time, gate, pulling);

        Assert.InRange(pulling.Total, 20 * rate * 0.98, 20 * rate * 1.02);
    }

    [Fact]
    public void Take_AnyHistoryOfDemand_NeverMoreThanTheRateAndABurst() =>
        Gen.Select(Gen.Int[8_000, 20_000_000], Gen.Select(Gen.Int[0, 400], Gen.Int[1, 300_000]).Array[1, 40]).Sample((rate, demand) =>
        {
            var time = new FakeTimeProvider();
            LineGate gate = Gate(time, rate, null);
            PublicKey key = LimitsFakes.Key();
            double seconds = 0;
            foreach ((int milliseconds, int most) in demand)
            {
                time.Advance(TimeSpan.FromMilliseconds(milliseconds));
                seconds += milliseconds / 1000.0;
                _ = gate.Begin(key, LimitsFakes.Target).TakeAsync(most, CancellationToken.None).AsTask();
            }

            long relayed = gate.Collect();
            Assert.True(relayed <= rate * seconds + Math.Max(rate * 0.1, RateBucket.QuantumOf(rate)), $"{relayed} bytes in {seconds} s at {rate}.");
        }, iter: 200);

    [Fact]
    public async Task Take_LateTimer_CostsNoRate()
    {
        var time = new LateTime();
        await using LineGate gate = Gate(time, 1_000_000, null);
        using var pulling = new LimitsFakes.Pulling(null, gate, connections: 2, most: 100_000);
        // The machine comes to look twice a second.
        for (int i = 0; i < 40; i++)
        {
            LimitsFakes.Pull(() => LimitsFakes.GivenBy(gate), pulling);
            time.Advance(TimeSpan.FromMilliseconds(500));
        }

        LimitsFakes.Pull(() => LimitsFakes.GivenBy(gate), pulling);

        Assert.InRange(pulling.Total, 19_600_000, 20_400_000);
    }

    [Theory]
    [InlineData(50)]
    [InlineData(1)]
    public async Task Take_GreedyConsumer_TheOtherGetsHalf(int connections)
    {
        var time = new FakeTimeProvider();
        await using LineGate gate = Gate(time, 1_000_000, 1_000_000);
        using var greedy = new LimitsFakes.Pulling(null, gate, connections, most: 128 * 1024);
        using var modest = new LimitsFakes.Pulling(null, gate, connections: 1, most: 128 * 1024);
        for (int i = 0; i < 10_000; i++) Step(time, gate, greedy, modest);

        Assert.InRange(modest.Total / (double)(greedy.Total + modest.Total), 0.48, 0.52);
    }

    [Fact]
    public async Task Take_ManyConnectionsOfOneConsumer_EachGetsItsShare()
    {
        var time = new FakeTimeProvider();
        await using LineGate gate = Gate(time, 1_000_000, null);
        using var one = new LimitsFakes.Pulling(null, gate, connections: 20, most: 128 * 1024);
        for (int i = 0; i < 10_000; i++) Step(time, gate, one);

        Assert.InRange(one.Relayed.Min() / (double)one.Relayed.Max(), 0.95, 1);
    }

    [Fact]
    public async Task Take_WaiterCancelled_LeavesTheQueueAndTakesNothing()
    {
        var time = new FakeTimeProvider();
        await using LineGate gate = Gate(time, 8_000, null);
        IRelayPass pass = gate.Begin(LimitsFakes.Key(), LimitsFakes.Target), other = gate.Begin(LimitsFakes.Key(), LimitsFakes.Target);
        Assert.Equal(2048, await pass.TakeAsync(2048, Token));
        using var leaving = new CancellationTokenSource();
        Task<int> left = pass.TakeAsync(2048, leaving.Token).AsTask(), stays = other.TakeAsync(2048, Token).AsTask();
        await leaving.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => left);
        Assert.False(stays.IsCompleted);

        time.Advance(TimeSpan.FromMilliseconds(257));

        Assert.Equal(2048, await stays.InTime());
        Assert.Equal(4096, gate.Collect());
    }

    [Fact]
    public async Task Take_GivenBack_IsThereForOthers()
    {
        var time = new FakeTimeProvider();
        await using LineGate gate = Gate(time, 8_000, null);
        IRelayPass pass = gate.Begin(LimitsFakes.Key(), LimitsFakes.Target);
        Assert.Equal(2048, await pass.TakeAsync(5000, Token));
        Task<int> waiting = pass.TakeAsync(1000, Token).AsTask();

        pass.GiveBack(2000, pass.Period);

        Assert.Equal(1000, await waiting.InTime());
        Assert.Equal(1048, gate.Collect());
    }

    [Fact]
    public async Task Set_RateFallsWhileManyWait_WhatHadGatheredCountsNoMore()
    {
        var time = new FakeTimeProvider();
        await using LineGate gate = Gate(time, 10_000_000, null);
        using var pulling = new LimitsFakes.Pulling(null, gate, connections: 4, most: 128 * 1024);
        for (int i = 0; i < 1000; i++) Step(time, gate, pulling);
        long before = pulling.Total;

        gate.Set(new GateSetting(IsOpen: true, 100_000, null));
        for (int i = 0; i < 1000; i++) Step(time, gate, pulling);

        Assert.InRange(pulling.Total - before, 95_000, 125_000);
    }

    [Fact]
    public async Task Set_Closed_NobodyPassesUntilItIsOpen()
    {
        var time = new FakeTimeProvider();
        await using LineGate gate = Gate(time, null, null);
        IRelayPass pass = gate.Begin(LimitsFakes.Key(), LimitsFakes.Target);
        gate.Set(new GateSetting(IsOpen: false, null, null));
        Assert.False(pass.IsFree);
        Task<int> waiting = pass.TakeAsync(70_000, Token).AsTask();
        time.Advance(TimeSpan.FromHours(1));
        Assert.False(waiting.IsCompleted);

        gate.Set(new GateSetting(IsOpen: true, null, null));

        Assert.Equal(70_000, await waiting.InTime());
    }

    [Fact]
    public async Task Pass_NothingSet_IsFreeAndAllocatesNothing()
    {
        var time = new FakeTimeProvider();
        await using LineGate gate = Gate(time, null, null);
        IRelayPass pass = gate.Begin(LimitsFakes.Key(), LimitsFakes.Target);
        for (int i = 0; i < 100; i++) Relay(pass);
        long before = GC.GetAllocatedBytesForCurrentThread();
        for (int i = 0; i < 100_000; i++) Relay(pass);
        long allocated = GC.GetAllocatedBytesForCurrentThread() - before;

        Assert.Equal(0, allocated);
        Assert.Equal(100_100L * 65_536, gate.Collect());

        static void Relay(IRelayPass pass)
        {
            Assert.True(pass.IsFree);
            pass.Passed(65_536);
        }
    }

    [Fact]
    public async Task Peek_SomebodyRelaysFreely_CountsNothing()
    {
        await using LineGate gate = Gate(new FakeTimeProvider(), null, null);
        IRelayPass pass = gate.Begin(LimitsFakes.Key(), LimitsFakes.Target);
        pass.Passed(10);

        Assert.Equal(0UL, gate.Peek(static usage => usage.MonthUsed));
        Assert.Equal(20UL, gate.Look(static usage => usage.MonthUsed));
    }

    [Fact]
    public async Task Pass_NobodyWatches_TheFirstByteWakes()
    {
        var time = new FakeTimeProvider();
        await using LineGate gate = Gate(time, null, null);
        int woken = 0;
        gate.Woken = () => { woken++; gate.SetAsleep(false); };
        gate.SetAsleep(true);
        IRelayPass pass = gate.Begin(LimitsFakes.Key(), LimitsFakes.Target);
        Assert.False(pass.IsFree);

        Assert.Equal(10, await pass.TakeAsync(10, Token));

        Assert.True(pass.IsFree);
        Assert.Equal(1, woken);
    }

    [Fact]
    public async Task Dispose_SomebodyWaits_IsToldSo()
    {
        LineGate gate = Gate(new FakeTimeProvider(), 8_000, null);
        IRelayPass pass = gate.Begin(LimitsFakes.Key(), LimitsFakes.Target);
        await pass.TakeAsync(5000, Token);
        Task<int> waiting = pass.TakeAsync(5000, Token).AsTask();

        await gate.DisposeAsync();

        await Assert.ThrowsAsync<IOException>(() => waiting.InTime());
        await Assert.ThrowsAsync<IOException>(async () => await pass.TakeAsync(1, Token));
    }

    internal static LineGate Gate(TimeProvider time, double? up, double? down, UsageBook? usage = null, IUsageStore? store = null)
    {
        var gate = new LineGate(usage ?? new UsageBook(null), store ?? new UsageInMemory(), time);
        gate.SetAsleep(false);
        gate.Set(new GateSetting(IsOpen: true, up, down));
        return gate;
    }

    private static void Step(FakeTimeProvider time, LineGate gate, params LimitsFakes.Pulling[] all)
    {
        time.Advance(s_step);
        LimitsFakes.Pull(() => LimitsFakes.GivenBy(gate), all);
    }

    /// <summary>A clock whose timers come late, and but once however much time has passed.</summary>
    private sealed class LateTime : TimeProvider
    {
        private readonly List<Timer> _timers = [];
        private TimeSpan _now;

        public override long TimestampFrequency => TimeSpan.TicksPerSecond;

        public override long GetTimestamp() => _now.Ticks;

        public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
        {
            var timer = new Timer(this, () => callback(state));
            _timers.Add(timer);
            return timer;
        }

        internal void Advance(TimeSpan time)
        {
            _now += time;
            foreach (Timer timer in _timers) timer.Look();
        }

        private sealed class Timer(LateTime time, Action callback) : ITimer
        {
            private TimeSpan? _due;

            public bool Change(TimeSpan dueTime, TimeSpan period)
            {
                _due = dueTime < TimeSpan.Zero ? null : time._now + dueTime;
                return true;
            }

            public void Dispose() => _due = null;

            public ValueTask DisposeAsync()
            {
                _due = null;
                return ValueTask.CompletedTask;
            }

            internal void Look()
            {
                if (_due > time._now || _due is null) return;
                _due = null;
                callback();
            }
        }
    }
}
