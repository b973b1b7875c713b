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
    public void Consumers_BeyondTheTable_MakeRoomExceptThosePausedOrConnected()
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
        using TargetGuard.Place last = guard.Enter(Key(251), now);
        Assert.Equal(ConnectCode.Capacity, Assert.Throws<ConnectRefusedException>(() => guard.Enter(Key(252), now)).Code);
    }

    [Fact]
    public void Targets_OfOneConsumer_AreRememberedUpToTheLimit()
    {
        var guard = new TargetGuard(new TargetLimits { MaxTargetsPerConsumer = 16, NewTargetsPerMinute = 60_000, ConnectionsPerMinuteToOneTarget = 1 });
        for (int i = 0; i < 1000; i++)
        {
            using TargetGuard.Place place = guard.Enter(s_scanner, TimeSpan.FromSeconds(1));
            place.Aim([new IPAddress([11, 0, (byte)(i >> 8), (byte)i])], 443, TimeSpan.FromMilliseconds(i));
        }

        // The first is new again, the last is remembered.
        using TargetGuard.Place again = guard.Enter(s_scanner, TimeSpan.FromSeconds(1));
        again.Aim([new IPAddress([11, 0, 0, 0])], 443, TimeSpan.FromSeconds(1));
        using TargetGuard.Place known = guard.Enter(s_scanner, TimeSpan.FromSeconds(1));
        Assert.Throws<ConnectRefusedException>(() => known.Aim([new IPAddress([11, 0, 3, 231])], 443, TimeSpan.FromSeconds(1)));
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
