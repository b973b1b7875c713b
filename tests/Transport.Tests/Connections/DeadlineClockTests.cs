using Microsoft.Extensions.Time.Testing;
using Overlay.Transport.Connections;

namespace Overlay.Transport.Tests.Connections;

public sealed class DeadlineClockTests
{
    private readonly FakeTimeProvider _time = new();

    [Fact]
    public async Task Schedule_SeveralTimes_CallsOnceAtTheEarliest()
    {
        await using DeadlineClock clock = new(_time);
        List<TimeSpan> calls = [];
        DeadlineClock.Entry entry = clock.Register(() => calls.Add(clock.Now));
        entry.Schedule(TimeSpan.FromSeconds(30));
        entry.Schedule(TimeSpan.FromSeconds(10));
        entry.Schedule(TimeSpan.FromSeconds(20));
        _time.Advance(TimeSpan.FromSeconds(9));
        Assert.Empty(calls);
        _time.Advance(TimeSpan.FromSeconds(1));
        _time.Advance(TimeSpan.FromSeconds(60));
        Assert.Equal([TimeSpan.FromSeconds(10)], calls);
        Assert.Equal(0, clock.Count);
    }

    [Fact]
    public async Task Owner_SchedulingAgainWhenCalled_IsCalledAgain()
    {
        await using DeadlineClock clock = new(_time);
        int calls = 0;
        DeadlineClock.Entry entry = null!;
        entry = clock.Register(() =>
        {
            calls++;
            entry.Schedule(clock.Now + TimeSpan.FromSeconds(1));
        });
        entry.Schedule(TimeSpan.FromSeconds(1));
        for (int i = 0; i < 5; i++) _time.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal(5, calls);
        Assert.Equal(1, clock.Count);
    }

    [Fact]
    public async Task Entries_ManyAtOneTime_AreAllCalled_ButTheDisposedOnes()
    {
        await using DeadlineClock clock = new(_time);
        int calls = 0;
        DeadlineClock.Entry[] entries = [.. Enumerable.Range(0, 1000).Select(_ => clock.Register(() => calls++))];
        foreach (DeadlineClock.Entry entry in entries) entry.Schedule(TimeSpan.FromSeconds(5));
        for (int i = 0; i < 500; i++) entries[i].Dispose();
        entries[0].Schedule(TimeSpan.FromSeconds(1));
        _time.Advance(TimeSpan.FromSeconds(5));
        Assert.Equal(500, calls);
        Assert.Equal(0, clock.Count);
    }
}
