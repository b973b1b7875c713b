using System.Net;
using System.Net.Sockets;
using Microsoft.Extensions.Logging.Testing;
using Microsoft.Extensions.Time.Testing;
using Overlay.Proofs;
using Overlay.Sessions;
using Overlay.Sharing;

namespace Overlay.Tests.Sharing;

public class TargetGuardTests
{
    private static readonly PublicKey s_scanner = Key(1), s_other = Key(2);

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Scan_OfAddressesThatRefuse_IsCutWithinASecondAndToldOnce()
    {
        var time = new FakeTimeProvider();
        var log = new FakeLogger();
        var dialer = new RecordingDialer { Answer = (_, _) => throw new SocketException((int)SocketError.ConnectionRefused) };
        Exit exit = Create(dialer, new TargetLimits(), time, log);

        // A thousand targets a second.
        for (int i = 0; i < 1000; i++)
        {
            await RefusedAsync(exit, s_scanner, $"11.0.{i / 250}.{1 + (i % 250)}", 443);
            time.Advance(TimeSpan.FromMilliseconds(1));
        }

        Assert.InRange(dialer.Dialled.Count, 1, 40);
        Assert.Single(log.Collector.GetSnapshot(), record => record.Id.Id == 3003);
        // Nobody else feels it.
        await RefusedAsync(exit, s_other, "11.9.9.9", 443, ConnectCode.ConnectionRefused);
    }

    [Fact]
    public async Task Scan_OfClosedPortsAndForbiddenAddresses_IsCutToo()
    {
        var resolver = new ScriptedResolver(["10.0.0.1"]);
        Exit exit = Create(new RecordingDialer(), new TargetLimits(), new FakeTimeProvider(), resolver: resolver);

        for (int port = 1; port < 200; port++) await RefusedAsync(exit, s_scanner, "rebind.example", port is 80 or 443 ? 1 : 80);

        Assert.InRange(resolver.Asked.Count, 1, 40);
    }

    [Fact]
    public async Task Scan_OfOpenPortsOfOneAddress_IsCutAtTheLimitAndForgivenAfterThePause()
    {
        var time = new FakeTimeProvider();
        var dialer = new RecordingDialer();
        var limits = new TargetLimits { MaxPortsPerAddress = 16 };
        var policy = new ExitPolicy { AllowedPorts = GuardedPorts.Open([new PortRange(8000, 9000)]) };
        Exit exit = Create(dialer, limits, time, policy: policy);

        for (int port = 8000; port < 8016; port++) (await exit.ConnectAsync(s_scanner, "93.184.215.14", port, Token)).Dispose();
        await RefusedAsync(exit, s_scanner, "93.184.215.14", 8016, ConnectCode.Policy);
        // Not even what was open before.
        await RefusedAsync(exit, s_scanner, "93.184.215.14", 8000, ConnectCode.Policy);
        (await exit.ConnectAsync(s_other, "93.184.215.14", 8016, Token)).Dispose();
        Assert.Equal(17, dialer.Dialled.Count);

        time.Advance(limits.Pause);
        (await exit.ConnectAsync(s_scanner, "93.184.215.14", 8016, Token)).Dispose();
    }

    [Fact]
    public async Task Browsing_AHundredHostsWithAFewThatFail_IsServed()
    {
        var dialer = new RecordingDialer
        {
            Answer = (target, cancelled) => target.Address.GetAddressBytes()[3] % 20 == 0 ? throw new SocketException((int)SocketError.ConnectionRefused)
                : RecordingDialer.Loopback(cancelled),
        };
        Exit exit = Create(dialer, new TargetLimits(), new FakeTimeProvider());

        for (int i = 1; i <= 100; i++)
        {
            // As many connections to each as a browser opens.
            for (int connection = 0; connection < 6; connection++)
            {
                if (i % 20 != 0) (await exit.ConnectAsync(s_scanner, $"11.0.0.{i}", 443, Token)).Dispose();
                else if (connection == 0) await RefusedAsync(exit, s_scanner, $"11.0.0.{i}", 443, ConnectCode.ConnectionRefused);
            }
        }

        Assert.Equal((95 * 6) + 5, dialer.Dialled.Count);
    }

    [Fact]
    public async Task Flood_OfOneTarget_IsRefusedAboveItsRateAndNothingElse()
    {
        var time = new FakeTimeProvider();
        Exit exit = Create(new RecordingDialer(), new TargetLimits { ConnectionsPerMinuteToOneTarget = 60 }, time);

        for (int i = 0; i < 60; i++) (await exit.ConnectAsync(s_scanner, "93.184.215.14", 443, Token)).Dispose();
        await RefusedAsync(exit, s_scanner, "93.184.215.14", 443, ConnectCode.Policy);
        (await exit.ConnectAsync(s_scanner, "93.184.215.15", 443, Token)).Dispose();
        time.Advance(TimeSpan.FromSeconds(1));
        (await exit.ConnectAsync(s_scanner, "93.184.215.14", 443, Token)).Dispose();
    }

    [Fact]
    public async Task Connections_OpenAtOnce_AreLimitedPerConsumerAndPerAddressUntilTheyEnd()
    {
        Exit exit = Create(new RecordingDialer(), new TargetLimits { MaxConnectionsPerConsumer = 3, MaxConnectionsPerAddress = 2 }, new FakeTimeProvider());
        ExitConnection first = await exit.ConnectAsync(s_scanner, "93.184.215.14", 443, Token);
        using ExitConnection second = await exit.ConnectAsync(s_scanner, "93.184.215.14", 80, Token);

        await RefusedAsync(exit, s_other, "93.184.215.14", 443, ConnectCode.Capacity);
        using ExitConnection third = await exit.ConnectAsync(s_scanner, "93.184.215.15", 443, Token);
        await RefusedAsync(exit, s_scanner, "93.184.215.16", 443, ConnectCode.Capacity);

        first.Dispose();
        first.Dispose();
        using ExitConnection fourth = await exit.ConnectAsync(s_other, "93.184.215.14", 443, Token);
        await RefusedAsync(exit, s_other, "93.184.215.14", 443, ConnectCode.Capacity);
    }

    [Fact]
    public void Consumers_BeyondTheTable_MakeRoomTheIdleFirstThenThePausedAndNeverTheConnected()
    {
        var guard = new TargetGuard(new TargetLimits { MaxConsumers = 3, NewTargetsPerMinute = 1, FailureWeight = 100 });
        TimeSpan now = TimeSpan.FromHours(1);
        TargetGuard.Place paused = guard.Enter(Key(10), now);
        paused.Fail(now);
        paused.Dispose();
        using TargetGuard.Place connected = guard.Enter(Key(11), now);
        for (byte i = 20; i < 250; i++) guard.Enter(Key(i), now).Dispose();

        Assert.Equal(3, guard.Count);
        Assert.Throws<ConnectRefusedException>(() => guard.Enter(Key(10), now));
        using TargetGuard.Place idlePlace = guard.Enter(Key(251), now);
        // Nobody is idle any more: keys that cost nothing, all of them paused, must not keep everybody else out.
        using TargetGuard.Place pausedPlace = guard.Enter(Key(252), now);
        Assert.Equal(ConnectCode.Capacity, Assert.Throws<ConnectRefusedException>(() => guard.Enter(Key(253), now)).Code);
    }

    [Fact]
    public void Consumers_AllPaused_TheOneWhosePauseEndsFirstGivesWay()
    {
        var limits = new TargetLimits { MaxConsumers = 3, NewTargetsPerMinute = 1, FailureWeight = 100 };
        var guard = new TargetGuard(limits);
        TimeSpan now = TimeSpan.FromHours(1);
        foreach (byte key in (byte[])[2, 1, 3])
        {
            now += TimeSpan.FromSeconds(1);
            using TargetGuard.Place place = guard.Enter(Key(key), now);
            place.Fail(now);
        }

        guard.Enter(Key(4), now).Dispose();

        Assert.Throws<ConnectRefusedException>(() => guard.Enter(Key(1), now));
        Assert.Throws<ConnectRefusedException>(() => guard.Enter(Key(3), now));
        guard.Enter(Key(2), now).Dispose();
    }

    [Fact]
    public async Task Decoy_ThatRefusesBeforeTheTarget_HidesNeitherPortsNorConnections()
    {
        // A consumer's own name server puts an address of the consumer's first; dialled is the other one as well.
        var resolver = new ScriptedResolver(["93.184.215.99", "93.184.215.14"]);
        var dialer = new RecordingDialer
        {
            Answer = (target, cancelled) => target.Address.GetAddressBytes()[3] == 99 ? throw new SocketException((int)SocketError.ConnectionRefused)
                : RecordingDialer.Loopback(cancelled),
        };
        var policy = new ExitPolicy { AllowedPorts = GuardedPorts.Open([new PortRange(8000, 9000)]) };
        var limits = new TargetLimits { MaxPortsPerAddress = 4, MaxConnectionsPerAddress = 6, NewTargetsPerMinute = 1000 };
        Exit exit = Create(dialer, limits, new FakeTimeProvider(), resolver: resolver, policy: policy);

        // The ports of the victim are the same ones as the decoy's, so another name leads to it alone.
        var open = new List<ExitConnection>();
        for (int port = 8000; port < 8004; port++) open.Add(await exit.ConnectAsync(s_other, "two.example", port, Token));
        await RefusedAsync(exit, s_other, "93.184.215.14", 8004, ConnectCode.Policy);
        for (int port = 8000; port < 8002; port++) open.Add(await exit.ConnectAsync(s_scanner, "two.example", port, Token));
        // The victim is full: only the decoy is dialled, whatever its name.
        int before = dialer.Dialled.Count;
        await RefusedAsync(exit, s_scanner, "two.example", 8000, ConnectCode.ConnectionRefused);
        Assert.Equal(["93.184.215.99:8000"], dialer.Dialled.Skip(before).Select(end => end.ToString()));
        await RefusedAsync(exit, s_scanner, "93.184.215.14", 8000, ConnectCode.Capacity);

        // The decoy was let go of as it lost, and the victim is as its connections end.
        foreach (ExitConnection connection in open) connection.Dispose();
        (await exit.ConnectAsync(s_scanner, "two.example", 8000, Token)).Dispose();
    }

    [Fact]
    public async Task Decoy_BeforeOneTarget_DoesNotHideItsRate()
    {
        string[] names = ["a.example.", "b.example."];
        var resolver = new ScriptedResolver
        {
            Answer = (name, _) => Task.FromResult<IPAddress[]>([new IPAddress([93, 184, 215, (byte)(100 + Array.IndexOf(names, name))]),
                IPAddress.Parse("93.184.215.14")]),
        };
        var dialer = new RecordingDialer
        {
            Answer = (target, cancelled) => target.Address.GetAddressBytes()[3] >= 100 ? throw new SocketException((int)SocketError.ConnectionRefused)
                : RecordingDialer.Loopback(cancelled),
        };
        Exit exit = Create(dialer, new TargetLimits { ConnectionsPerMinuteToOneTarget = 3 }, new FakeTimeProvider(), resolver: resolver);

        for (int i = 0; i < 3; i++) (await exit.ConnectAsync(s_scanner, i < 2 ? "a.example" : "b.example", 443, Token)).Dispose();
        await RefusedAsync(exit, s_scanner, "b.example", 443, ConnectCode.Policy);

        Assert.Equal(3, dialer.Dialled.Count(end => end.Address.ToString() == "93.184.215.14"));
    }

    [Fact]
    public async Task Names_WithManyAddresses_CostOnlyWhatIsDialled()
    {
        string[] many = [.. Enumerable.Range(1, 100).Select(i => $"11.0.0.{i}")];
        Exit exit = Create(new RecordingDialer(), new TargetLimits { NewTargetsPerMinute = 10, FailureWeight = 1 }, new FakeTimeProvider(),
            resolver: new ScriptedResolver(many));

        for (int i = 0; i < 20; i++) (await exit.ConnectAsync(s_scanner, "many.example", 443, Token)).Dispose();
    }

    [Fact]
    public async Task Pause_InTheMiddleOfAName_EndsItsOtherAttempts()
    {
        string[] many = [.. Enumerable.Range(1, 6).Select(i => $"11.0.0.{i}")];
        var dialer = new RecordingDialer { Answer = (_, _) => throw new SocketException((int)SocketError.ConnectionRefused) };
        Exit exit = Create(dialer, new TargetLimits { NewTargetsPerMinute = 2 }, new FakeTimeProvider(), resolver: new ScriptedResolver(many));

        await RefusedAsync(exit, s_scanner, "many.example", 443, ConnectCode.Policy);

        Assert.Equal(2, dialer.Dialled.Count);
    }

    [Fact]
    public async Task Scan_OfSilentTargetsAllAtOnce_LeavesRoomForAnother()
    {
        var dialer = new RecordingDialer
        {
            Answer = (target, cancelled) => target.Address.GetAddressBytes()[0] == 11 ? RecordingDialer.Never(cancelled) : RecordingDialer.Loopback(cancelled),
        };
        Exit exit = Create(dialer, new TargetLimits(), new FakeTimeProvider());
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(Token);

        // As many as an honest consumer may open at once.
        Task<ExitConnection>[] silent = [.. Enumerable.Range(0, 200).Select(i => exit.ConnectAsync(s_scanner, $"11.0.0.{i}", 443, stop.Token).AsTask())];
        for (int i = 0; i < 56; i++) await RefusedAsync(exit, s_scanner, $"11.0.1.{i}", 443, ConnectCode.Capacity).WaitAsync(TimeSpan.FromMinutes(1), Token);
        (await exit.ConnectAsync(s_other, "93.184.215.14", 443, Token)).Dispose();
        Assert.Equal(201, dialer.Dialled.Count);

        await stop.CancelAsync();
        foreach (Task<ExitConnection> one in silent) await Assert.ThrowsAnyAsync<OperationCanceledException>(() => one);
    }

    [Fact]
    public async Task Connections_ThatStand_AreNotPending()
    {
        Exit exit = Create(new RecordingDialer(), new TargetLimits { MaxPendingPerConsumer = 1 }, new FakeTimeProvider());

        using ExitConnection first = await exit.ConnectAsync(s_scanner, "93.184.215.14", 443, Token);
        using ExitConnection second = await exit.ConnectAsync(s_scanner, "93.184.215.14", 443, Token);
        await RefusedAsync(exit, s_scanner, "93.184.215.14", 25, ConnectCode.Policy);
        using ExitConnection third = await exit.ConnectAsync(s_scanner, "93.184.215.14", 443, Token);
    }

    [Theory]
    [InlineData(SocketError.TryAgain, ConnectCode.HostUnreachable)]
    [InlineData(SocketError.NoBufferSpaceAvailable, ConnectCode.Capacity)]
    public async Task Trouble_OfTheExitsOwnWithNames_CountsForNothing(SocketError error, ConnectCode code)
    {
        var resolver = new ScriptedResolver { Answer = (_, _) => throw new SocketException((int)error) };
        Exit exit = Create(new RecordingDialer(), new TargetLimits(), new FakeTimeProvider(), resolver: resolver);

        for (int i = 0; i < 200; i++) await RefusedAsync(exit, s_scanner, "page.example", 443, code);

        (await exit.ConnectAsync(s_scanner, "93.184.215.14", 443, Token)).Dispose();
    }

    [Fact]
    public async Task Flood_OfOneTarget_CostsOnlyThoseConnections()
    {
        Exit exit = Create(new RecordingDialer(), new TargetLimits { ConnectionsPerMinuteToOneTarget = 1 }, new FakeTimeProvider());

        (await exit.ConnectAsync(s_scanner, "93.184.215.14", 443, Token)).Dispose();
        for (int i = 0; i < 200; i++) await RefusedAsync(exit, s_scanner, "93.184.215.14", 443, ConnectCode.Policy);

        (await exit.ConnectAsync(s_scanner, "93.184.215.15", 443, Token)).Dispose();
    }

    [Fact]
    public void Targets_OfOneConsumer_AreRememberedUpToTheLimit()
    {
        var guard = new TargetGuard(new TargetLimits { MaxTargetsPerConsumer = 16, NewTargetsPerMinute = 60_000, ConnectionsPerMinuteToOneTarget = 1 });
        for (int i = 0; i < 1000; i++)
        {
            using TargetGuard.Place place = guard.Enter(s_scanner, TimeSpan.FromSeconds(1));
            place.Aim(new IPAddress([11, 0, (byte)(i >> 8), (byte)i]), 443, TimeSpan.FromMilliseconds(i));
        }

        // The first is new again, the last is remembered.
        using TargetGuard.Place again = guard.Enter(s_scanner, TimeSpan.FromSeconds(1));
        again.Aim(new IPAddress([11, 0, 0, 0]), 443, TimeSpan.FromSeconds(1));
        using TargetGuard.Place known = guard.Enter(s_scanner, TimeSpan.FromSeconds(1));
        Assert.Throws<ConnectRefusedException>(() => known.Aim(new IPAddress([11, 0, 3, 231]), 443, TimeSpan.FromSeconds(1)));
    }

    [Fact]
    public void Limits_OutsideTheirRanges_SayWhatIsAllowed()
    {
        Assert.Throws<ArgumentOutOfRangeException>(() => new TargetLimits { MaxConnectionsPerConsumer = 0 });
        Assert.Throws<ArgumentOutOfRangeException>(() => new TargetLimits { MaxTargetsPerConsumer = 15 });
        Assert.Throws<ArgumentOutOfRangeException>(() => new TargetLimits { Pause = TimeSpan.Zero });
        Assert.Contains("60000", Assert.Throws<ArgumentOutOfRangeException>(() => new TargetLimits { NewTargetsPerMinute = 60_001 }).Message,
            StringComparison.Ordinal);
    }

    private static Exit Create(
        RecordingDialer dialer, TargetLimits limits, FakeTimeProvider time, FakeLogger? log = null, ScriptedResolver? resolver = null,
            ExitPolicy? policy = null) =>
        new(
            new ExitOptions { Targets = limits, Policy = policy ?? ExitPolicy.Default }, resolver ?? new ScriptedResolver(["93.184.215.14"]), dialer,
                new FixedAddresses(), time,
            log ?? new FakeLogger());

    private static async Task RefusedAsync(Exit exit, PublicKey consumer, string host, int port, ConnectCode? code = null)
    {
        var refused = await Assert.ThrowsAsync<ConnectRefusedException>(() => exit.ConnectAsync(consumer, host, port, Token).AsTask());
        if (code is not null) Assert.Equal(code, refused.Code);
    }

    private static PublicKey Key(byte first) => new([first, .. new byte[PublicKey.Size - 1]]);
}
