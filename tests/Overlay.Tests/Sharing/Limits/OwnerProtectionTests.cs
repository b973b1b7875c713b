using System.Net;
using System.Net.Sockets;
using Microsoft.Extensions.Time.Testing;
using Overlay.Sessions;
using Overlay.Sharing.Limits;
using Overlay.Transport.Tcp;

namespace Overlay.Tests.Sharing.Limits;

public sealed class OwnerProtectionTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("overlay-limits-tests-").FullName;
    private readonly FakeTimeProvider _time = new(new DateTimeOffset(2026, 11, 23, 4, 0, 0, TimeSpan.Zero));

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    private string LimitsPath => Path.Combine(_folder, LimitsFile.FileName);

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    /// <summary>Without a cap: what counts is the rate at which it served in the seconds before.</summary>
    [Theory]
    [InlineData(null)]
    [InlineData(16_000_000)]
    public async Task Look_OwnerBegins_FallsToATwentiethWithinTwoHundredAndFiftyMillisecondsAndComesBack(int? cap)
    {
        var line = new FakeLine();
        var limits = new OwnerLimits { MaxUpload = cap is { } bits ? new BitRate((ulong)bits) : null };
        await using OwnerProtection protection = LimitsFakes.Protection(limits, _time, line);
        using var pulling = new LimitsFakes.Pulling(protection, null, connections: 4, most: 16 * 1024);
        // 2 MB/s: the line itself takes no more.
        double before = Run(protection, pulling, line, TimeSpan.FromSeconds(5), lineRate: 2_000_000, owner: 0);
        Assert.InRange(before, 1_800_000, 2_200_000);
        Run(protection, pulling, line, TimeSpan.FromMilliseconds(250), lineRate: 2_000_000, owner: 1_000_000);

        double during = Run(protection, pulling, line, TimeSpan.FromSeconds(5), lineRate: 2_000_000, owner: 1_000_000);

        Assert.InRange(during, 1, before * 0.05);
        Assert.Equal(SharingCondition.Yielding, protection.State.Condition);
        double after = Run(protection, pulling, line, TimeSpan.FromSeconds(3), lineRate: 2_000_000, owner: 0);
        Assert.InRange(after, during / 2, before * 0.1);
        Run(protection, pulling, line, TimeSpan.FromSeconds(25), lineRate: 2_000_000, owner: 0);
        Assert.Equal(SharingCondition.Serving, protection.State.Condition);
        Assert.InRange(Run(protection, pulling, line, TimeSpan.FromSeconds(5), lineRate: 2_000_000, owner: 0), before * 0.9, before * 1.1);
    }

    [Fact]
    public async Task Look_PolicyOfTheHosts_IsWhatCounts()
    {
        await using OwnerProtection protection = LimitsFakes.Protection(
            new OwnerLimits { MaxDownload = BitRate.FromMegabits(8) }, _time, policy: new Fixed(0.25),
                surroundings: new FakeSurroundings { IsOnBattery = false });
        using var pulling = new LimitsFakes.Pulling(protection, null, connections: 1, most: 16 * 1024);
        Run(protection, pulling, new FakeLine(), TimeSpan.FromSeconds(1), lineRate: double.MaxValue, owner: 0);
        Assert.InRange(Run(protection, pulling, new FakeLine(), TimeSpan.FromSeconds(4), lineRate: double.MaxValue, owner: 0), 240_000, 260_000);
        Assert.Equal(0.25, protection.State.Share);
        Assert.Equal(new BitRate(2_000_000), protection.State.AllowedDownload);
    }

    [Fact]
    public async Task Look_EverySocketIsOnLoopback_GivesWayToNobody()
    {
        if (!SocketTraffic.IsSupported) Assert.Skip("this system does not tell what sockets carry");
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        await socket.ConnectAsync(listener.LocalEndpoint, TestContext.Current.CancellationToken);
        var traffic = new SocketTraffic();
        traffic.Add(socket);
        await using OwnerProtection protection = LimitsFakes.Protection(new OwnerLimits(), _time, policy: new Fixed(0.02), traffic: traffic);
        using var pulling = new LimitsFakes.Pulling(protection, null, connections: 1, most: 16 * 1024);

        Run(protection, pulling, new FakeLine(), TimeSpan.FromSeconds(1), lineRate: 1_000_000, owner: 0);
        Assert.Equal(1, protection.State.Share);

        traffic.Remove(socket);
        Run(protection, pulling, new FakeLine(), TimeSpan.FromSeconds(1), lineRate: 1_000_000, owner: 0);
        Assert.Equal(0.02, protection.State.Share);
    }

    [Fact]
    public async Task Refusal_WhatTheOwnerSaysAndTheHour_IsKept()
    {
        await using OwnerProtection protection = LimitsFakes.Protection(new OwnerLimits { Schedule = [ScheduleWindow.Parse("mon 06:00-07:00")] }, _time);
        Assert.NotNull(protection.Refusal);
        Assert.Equal(new DateTimeOffset(2026, 11, 23, 6, 0, 0, TimeSpan.Zero), protection.State.Until);
        _time.Advance(TimeSpan.FromHours(2));
        Assert.Null(protection.Refusal);

        await protection.SetAsync(limits => limits with { Paused = true }, Token);

        Assert.NotNull(protection.Refusal);
        Assert.Equal(SharingCondition.Paused, protection.State.Condition);
        await protection.SetAsync(limits => limits with { Paused = false }, Token);
        Assert.Null(protection.Refusal);
    }

    [Fact]
    public async Task Set_Paused_EndsTheSessions()
    {
        var ended = new TaskCompletionSource();
        await using OwnerProtection protection = LimitsFakes.Protection(new OwnerLimits(), _time);
        protection.EndSessions = () => { ended.SetResult(); return Task.CompletedTask; };
        await protection.SetAsync(limits => limits with { Paused = true }, Token);
        await ended.Task.InTime();
    }

    [Fact]
    public async Task Set_PausedAgainWhileSessionsStillEnd_EndsThoseThatCameInBetween()
    {
        var first = new TaskCompletionSource();
        int ended = 0;
        await using OwnerProtection protection = LimitsFakes.Protection(new OwnerLimits(), _time);
        protection.EndSessions = () => Interlocked.Increment(ref ended) == 1 ? first.Task : Task.CompletedTask;
        await protection.SetAsync(limits => limits with { Paused = true }, Token);
        await LimitsFakes.UntilAsync(() => Volatile.Read(ref ended) == 1);
        await protection.SetAsync(limits => limits with { Paused = false }, Token);
        await protection.SetAsync(limits => limits with { Paused = true }, Token);

        first.SetResult();

        await LimitsFakes.UntilAsync(() => Volatile.Read(ref ended) == 2);
    }

    [Fact]
    public async Task Set_AnotherHasWrittenAMomentBefore_KeepsBoth()
    {
        await using OwnerProtection protection = LimitsFakes.Protection(new OwnerLimits(), _time, folder: _folder);
        new LimitsFile(_folder).Save(new OwnerLimits { MaxUpload = BitRate.FromMegabits(3) });

        await protection.SetAsync(limits => limits with { ResetDay = 15 }, Token);

        var both = new OwnerLimits { MaxUpload = BitRate.FromMegabits(3), ResetDay = 15 };
        Assert.Equal(both, protection.Limits);
        Assert.Equal(both, new LimitsFile(_folder).Load()!.Value.Limits);
    }

    [Fact]
    public async Task Set_AnotherHasWrittenNoLimitsAMomentBefore_IsRefusedAndOverwritesNothing()
    {
        await using OwnerProtection protection = LimitsFakes.Protection(new OwnerLimits(), _time, folder: _folder);
        await File.WriteAllTextAsync(LimitsPath, """{"pausd":true}""", Token);

        IOException e = await Assert.ThrowsAsync<IOException>(() => protection.SetAsync(limits => limits with { ResetDay = 15 }, Token));

        Assert.Contains("'paused'", e.Message, StringComparison.Ordinal);
        Assert.Equal("""{"pausd":true}""", await File.ReadAllTextAsync(LimitsPath, Token));
        Assert.Equal(SharingCondition.Faulted, protection.State.Condition);
    }

    [Fact]
    public async Task Watch_PolicyFails_NothingIsGivenUntilItAnswers()
    {
        var policy = new Scripted { Judge = () => throw new OperationCanceledException("no answer") };
        await using OwnerProtection protection = LimitsFakes.Protection(new OwnerLimits(), _time, policy: policy, looksItself: true);
        using IRelayPass pass = protection.Begin(LimitsFakes.Key(), LimitsFakes.Target);
        await pass.TakeAsync(1000, Token).InTime();

        await LimitsFakes.UntilAsync(() => protection.State.Condition == SharingCondition.Faulted, Step);

        Assert.Contains("no answer", protection.State.Fault, StringComparison.Ordinal);
        Assert.NotNull(protection.Refusal);
        policy.Judge = () => 1;
        await LimitsFakes.UntilAsync(() => protection.State.Condition == SharingCondition.Serving, Step);
        Assert.Null(protection.Refusal);
    }

    [Fact]
    public async Task Look_ShareIsNoNumber_LeavesNothing()
    {
        await using OwnerProtection protection = LimitsFakes.Protection(
            new OwnerLimits { MaxDownload = BitRate.FromMegabits(8) }, _time, policy: new Fixed(double.NaN));
        using IRelayPass pass = protection.Begin(LimitsFakes.Key(), LimitsFakes.Target);
        await pass.TakeAsync(1000, Token).InTime();

        protection.Look();

        Assert.Equal(0, protection.State.Share);
        Assert.Equal(new BitRate(0), protection.State.AllowedDownload);
    }

    [Fact]
    public async Task Look_RestBegins_NothingIsHeldBackAnyMore()
    {
        await using OwnerProtection protection = LimitsFakes.Protection(
            new OwnerLimits { MaxDownload = BitRate.FromMegabits(8) }, _time, policy: new Fixed(0.02));
        using IRelayPass pass = protection.Begin(LimitsFakes.Key(), LimitsFakes.Target);
        await pass.TakeAsync(1000, Token).InTime();
        Assert.True(protection.Look());
        Assert.Equal(SharingCondition.Yielding, protection.State.Condition);
        _time.Advance(TimeSpan.FromSeconds(3));

        Assert.False(protection.Look());

        Assert.Equal(SharingCondition.Serving, protection.State.Condition);
        Assert.Equal(BitRate.FromMegabits(8), protection.State.AllowedDownload);
    }

    [Fact]
    public async Task Refusal_HostDoesNotTellWhatSurroundsIt_NothingIsGivenUntilItDoes()
    {
        var surroundings = new FakeSurroundings { Asked = () => throw new InvalidOperationException("no battery service") };
        await using OwnerProtection protection = LimitsFakes.Protection(new OwnerLimits(), _time, surroundings: surroundings);
        Assert.NotNull(protection.Refusal);
        Assert.Equal(SharingCondition.Faulted, protection.State.Condition);
        Assert.Contains("no battery service", protection.State.Fault, StringComparison.Ordinal);

        surroundings.Asked = static () => { };

        Assert.Null(protection.Refusal);
    }

    [Fact]
    public async Task Refusal_HostIsAsked_HoldsUpNobodyWhoRelays()
    {
        var surroundings = new FakeSurroundings();
        await using OwnerProtection protection = LimitsFakes.Protection(
            new OwnerLimits { MonthlyQuota = ByteSize.FromMebibytes(100) }, _time, surroundings: surroundings);
        using IRelayPass pass = protection.Begin(LimitsFakes.Key(), LimitsFakes.Target);
        await pass.TakeAsync(1000, Token).InTime();
        int asked = 0;
        surroundings.Asked = () =>
        {
            asked++;
            // Needs the gate's lock, and the protection's.
            Assert.True(Task.Run(() => { pass.GiveBack(1, pass.Period); _ = protection.Limits; }, Token).Wait(TimeSpan.FromSeconds(30), Token));
        };

        Assert.Null(protection.Refusal);
        protection.Look();

        Assert.True(asked > 0);
    }

    [Fact]
    public async Task Set_OtherLimits_OutliveARestart()
    {
        var limits = new OwnerLimits { MaxUpload = BitRate.FromMegabits(5), MonthlyQuota = ByteSize.FromMebibytes(100) };
        int taken;
        await using (OwnerProtection first = LimitsFakes.Protection(new OwnerLimits { Paused = true }, _time, folder: _folder))
        {
            await first.SetAsync(_ => limits, Token);
            using IRelayPass pass = first.Begin(LimitsFakes.Key(), LimitsFakes.Target);
            taken = await pass.TakeAsync(10_000, Token);
        }

        await using OwnerProtection second = LimitsFakes.Protection(new OwnerLimits { Paused = true }, _time, folder: _folder);
        Assert.Equal(limits, second.Limits);
        Assert.Equal(new ByteSize((ulong)taken * UsageBook.Crossings), second.State.UsedThisMonth);
        if (OperatingSystem.IsWindows()) return;
        foreach (string file in Directory.GetFiles(_folder)) Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(file));
    }

    [Fact]
    public async Task Crash_UnderAQuota_TheNextStartCountsAtLeastWhatWasRelayed()
    {
        var limits = new OwnerLimits { MonthlyQuota = ByteSize.FromMebibytes(100) };
        var store = new UsageFile(_folder);
        // Never stopped in order.
        OwnerProtection first = LimitsFakes.Protection(limits, _time, store: store);
        IRelayPass pass = first.Begin(LimitsFakes.Key(), LimitsFakes.Target);
        long relayed = 0;
        for (int i = 0; i < 100; i++) relayed += await pass.TakeAsync(50_000, Token);

        await using OwnerProtection second = LimitsFakes.Protection(limits, _time, store: store);

        // And no more beyond it than a reservation.
        Assert.InRange((long)second.State.UsedThisMonth.Bytes, relayed * 2, relayed * 2 + (2 << 20));
        await first.DisposeAsync();
    }

    [Fact]
    public async Task File_WrittenByAnother_IsTakenAndToldOf()
    {
        await using OwnerProtection protection = LimitsFakes.Protection(new OwnerLimits(), _time, folder: _folder);
        protection.Start();
        var file = new LimitsFile(_folder);
        string revision = file.Save(new OwnerLimits { MaxUpload = BitRate.FromMegabits(3) });
        await LimitsFakes.UntilAsync(() => file.ReadState()?.Revision == revision, Step);

        Assert.Equal(BitRate.FromMegabits(3), protection.Limits.MaxUpload);
        Assert.Equal(BitRate.FromMegabits(3), file.ReadState()!.AllowedUpload);
    }

    [Fact]
    public async Task File_DamagedWhileRunning_NothingIsSharedUntilItIsMended()
    {
        await using OwnerProtection protection = LimitsFakes.Protection(new OwnerLimits(), _time, folder: _folder);
        protection.Start();
        Assert.Null(protection.Refusal);
        await File.WriteAllTextAsync(LimitsPath, """{"pausd":true}""", Token);
        await LimitsFakes.UntilAsync(() => protection.Refusal is not null, Step);

        Assert.Equal(SharingCondition.Faulted, protection.State.Condition);
        Assert.Contains("'paused'", protection.State.Fault, StringComparison.Ordinal);
        new LimitsFile(_folder).Save(new OwnerLimits());
        await LimitsFakes.UntilAsync(() => protection.Refusal is null, Step);
    }

    [Theory]
    [InlineData(LimitsFile.FileName)]
    [InlineData(UsageFile.FileName)]
    public void Start_FileIsDamaged_RefusesAndNamesIt(string name)
    {
        File.WriteAllText(Path.Combine(_folder, name), "no limits");
        IOException e = Assert.Throws<IOException>(() => LimitsFakes.Protection(new OwnerLimits(), _time, folder: _folder));
        Assert.Contains(name, e.Message, StringComparison.Ordinal);
        Assert.Contains("Nothing is shared", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Stop_InOrder_LeavesNoStateBehind()
    {
        OwnerProtection protection = LimitsFakes.Protection(new OwnerLimits(), _time, folder: _folder);
        protection.Start();
        Assert.NotNull(new LimitsFile(_folder).ReadState());
        await protection.DisposeAsync();
        Assert.Null(new LimitsFile(_folder).ReadState());
    }

    [Fact]
    public async Task Stop_SessionsDoNotEndInOrder_LeavesNoStateBehindAndKeepsUsage()
    {
        var store = new UsageInMemory();
        OwnerProtection protection = LimitsFakes.Protection(new OwnerLimits(), _time, folder: _folder, store: store);
        protection.EndSessions = () => throw new InvalidOperationException("a session is broken");
        protection.Start();
        await protection.Begin(LimitsFakes.Key(), LimitsFakes.Target).TakeAsync(1000, Token).InTime();
        await protection.SetAsync(limits => limits with { Paused = true }, Token);

        await protection.DisposeAsync();

        Assert.Null(new LimitsFile(_folder).ReadState());
        Assert.Equal(2000UL, store.Load()!.MonthBytes);
    }

    [Fact]
    public async Task Stop_StateCannotBeDeleted_IsNoError()
    {
        OwnerProtection protection = LimitsFakes.Protection(new OwnerLimits(), _time, folder: _folder);
        Directory.CreateDirectory(Path.Combine(_folder, LimitsFile.StateFileName, "something"));
        await protection.DisposeAsync();
    }

    // Steps of ten milliseconds; the watch looks at every fourth. The rate in bytes a second.
    private double Run(OwnerProtection protection, LimitsFakes.Pulling pulling, FakeLine line, TimeSpan length, double lineRate, double owner)
    {
        long before = pulling.Total;
        double room = 0;
        int step = 0;
        for (TimeSpan t = TimeSpan.Zero; t < length; t += TimeSpan.FromMilliseconds(10))
        {
            _time.Advance(TimeSpan.FromMilliseconds(10));
            room = lineRate * 0.01 + Math.Min(room, 0);
            long had = pulling.Total;
            while (room > 0)
            {
                LimitsFakes.Settle(() => (long)protection.State.UsedThisMonth.Bytes / UsageBook.Crossings, pulling);
                if (!pulling.Pull()) break;
                room -= pulling.Total - had;
                had = pulling.Total;
            }

            line.Received += (ulong)(owner * 0.01);
            if (++step % 4 == 0) protection.Look();
        }

        return (pulling.Total - before) / length.TotalSeconds;
    }

    private void Step() => _time.Advance(TimeSpan.FromMilliseconds(100));

    private sealed class Scripted : IYieldPolicy
    {
        internal volatile Func<double> Judge = static () => 1;

        double IYieldPolicy.Judge(in YieldSample sample) => Judge();
    }

    private sealed class Fixed(double share) : IYieldPolicy
    {
        public double Judge(in YieldSample sample) => share;
    }
}
