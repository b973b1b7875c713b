using System.Net;
using System.Net.Sockets;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Testing;
using Microsoft.Extensions.Time.Testing;
using Overlay.Sessions;
using Overlay.Sharing;

namespace Overlay.Tests.Sharing;

public class ExitTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Connect_PublicName_DialsTheCheckedAddressOnce()
    {
        var dialer = new RecordingDialer();
        var resolver = new ScriptedResolver(["93.184.215.14"], ["127.0.0.1"]);

        using ExitConnection connection = await Exits.Create(dialer, resolver).ConnectAsync("Example.com", 443, Token);

        Assert.Equal(["example.com."], resolver.Asked);
        Assert.Equal([new IPEndPoint(IPAddress.Parse("93.184.215.14"), 443)], dialer.Dialled);
        Assert.Equal(IPAddress.Any, connection.BoundEndPoint.Address);
        Assert.Equal(((IPEndPoint)connection.Socket.Socket.LocalEndPoint!).Port, connection.BoundEndPoint.Port);
    }

    [Fact]
    public async Task Connect_ResolverRebinds_SecondRequestIsRefused()
    {
        var dialer = new RecordingDialer();
        Exit exit = Exits.Create(dialer, new ScriptedResolver(["93.184.215.14"], ["169.254.169.254"]));

        (await exit.ConnectAsync("rebind.example", 80, Token)).Dispose();
        await AssertRefused(ConnectCode.Policy, exit, "rebind.example", 80);

        Assert.Equal(["93.184.215.14:80"], dialer.Dialled.Select(end => end.ToString()));
    }

    [Theory]
    [InlineData("93.184.215.14", "10.0.0.1")]
    [InlineData("10.0.0.1", "93.184.215.14")]
    [InlineData("2606:4700::1111", "::1")]
    [InlineData("93.184.215.14", "::ffff:93.184.215.14")]
    [InlineData("1.1.1.1", "8.8.8.8", "9.9.9.9", "1.0.0.1", "8.8.4.4", "4.4.4.4", "4.2.2.2", "127.0.0.1")]
    public async Task Connect_OneForbiddenAnswer_RefusesTheWholeName(params string[] answers)
    {
        var dialer = new RecordingDialer();

        await AssertRefused(ConnectCode.Policy, Exits.Create(dialer, new ScriptedResolver(answers)), "mixed.example", 443);

        Assert.Empty(dialer.Dialled);
    }

    [Theory]
    [InlineData("localhost")]
    [InlineData("LOCALHOST.")]
    [InlineData("a.localhost")]
    [InlineData("printer.local")]
    [InlineData("metadata.google.internal")]
    [InlineData("nas.home.arpa")]
    [InlineData("router.lan")]
    [InlineData("intranet")]
    [InlineData("abc.onion")]
    [InlineData("x.alt")]
    [InlineData("x.invalid")]
    public async Task Connect_NameOfNoPublicZone_IsNotEvenLookedUp(string name)
    {
        var dialer = new RecordingDialer();
        var resolver = new ScriptedResolver(["93.184.215.14"]);

        await AssertRefused(ConnectCode.Policy, Exits.Create(dialer, resolver), name, 80);

        Assert.Empty(resolver.Asked);
        Assert.Empty(dialer.Dialled);
    }

    [Theory]
    [InlineData("notlocalhost.com")]
    [InlineData("mylocal.net")]
    [InlineData("local.example")]
    [InlineData("internal.example")]
    public async Task Connect_NameThatOnlyLooksPrivate_IsAllowed(string name)
    {
        var dialer = new RecordingDialer();
        (await Exits.Create(dialer).ConnectAsync(name, 80, Token)).Dispose();
        Assert.Single(dialer.Dialled);
    }

    [Theory]
    [InlineData(22)]
    [InlineData(25)]
    [InlineData(0)]
    [InlineData(-1)]
    [InlineData(65_536)]
    [InlineData(int.MaxValue)]
    public async Task Connect_OtherPort_IsRefusedBeforeTheLookup(int port)
    {
        var resolver = new ScriptedResolver(["93.184.215.14"]);

        await AssertRefused(ConnectCode.Policy, Exits.Create(new RecordingDialer(), resolver), "example.com", port);

        Assert.Empty(resolver.Asked);
    }

    [Fact]
    public async Task Connect_OwnAddress_IsRefusedAsLiteralAndAsName()
    {
        var dialer = new RecordingDialer();
        Exit exit = Exits.Create(dialer, new ScriptedResolver(["93.184.215.14"]), own: new FixedAddresses("93.184.215.14"));

        await AssertRefused(ConnectCode.Policy, exit, "93.184.215.14", 80);
        await AssertRefused(ConnectCode.Policy, exit, "me.example", 80);

        Assert.Empty(dialer.Dialled);
    }

    [Fact]
    public async Task Connect_ThisMachinesInterfaces_AreRefused()
    {
        var dialer = new RecordingDialer();
        var time = new FakeTimeProvider();
        var own = new InterfaceAddresses(() => [IPAddress.Parse("93.184.215.14")], time);
        Assert.Contains(IPAddress.Loopback, own.Current);
        Exit exit = Exits.Create(dialer, own: own);

        foreach (IPAddress address in own.Current) await AssertRefused(ConnectCode.Policy, exit, address.ToString(), 80);

        Assert.Empty(dialer.Dialled);
    }

    [Fact]
    public void InterfaceAddresses_SnapshotTooOld_IsReadAgain()
    {
        var time = new FakeTimeProvider();
        int reads = 0;
        var own = new InterfaceAddresses(
            () =>
            {
                reads++;
                return [];
            },
            time);

        _ = own.Current;
        _ = own.Current;
        Assert.Equal(1, reads);

        time.Advance(InterfaceAddresses.RefreshInterval);
        _ = own.Current;
        Assert.Equal(2, reads);
    }

    [Theory]
    [InlineData("127.1")]
    [InlineData("0x7f000001")]
    [InlineData("2130706433")]
    [InlineData("[::1]")]
    [InlineData("")]
    public async Task Connect_HostIsNone_NeverReachesTheResolver(string host)
    {
        var resolver = new ScriptedResolver(["93.184.215.14"]);

        await AssertRefused(ConnectCode.AddressTypeNotSupported, Exits.Create(new RecordingDialer(), resolver), host, 80);

        Assert.Empty(resolver.Asked);
    }

    [Fact]
    public async Task Connect_ResolverSilent_TimesOut()
    {
        var time = new FakeTimeProvider();
        var resolver = new ScriptedResolver
        {
            Answer = async (_, cancellationToken) =>
            {
                await Task.Delay(Timeout.Infinite, cancellationToken);
                return [];
            },
        };
        Task<ExitConnection> connecting = Exits.Create(new RecordingDialer(), resolver, time: time).ConnectAsync("slow.example", 80, Token).AsTask();

        time.Advance(new ExitOptions().ResolveTimeout);

        Assert.Equal(ConnectCode.TimedOut, (await Assert.ThrowsAsync<ConnectRefusedException>(() => connecting)).Code);
    }

    [Fact]
    public async Task Connect_NameUnknownOrEmptyOrEndless_IsHostUnreachable()
    {
        var unknown = new ScriptedResolver { Answer = (_, _) => throw new SocketException((int)SocketError.HostNotFound) };
        await AssertRefused(ConnectCode.HostUnreachable, Exits.Create(new RecordingDialer(), unknown), "none.example", 80);

        await AssertRefused(ConnectCode.HostUnreachable, Exits.Create(new RecordingDialer(), new ScriptedResolver(answers: [[]])), "empty.example", 80);

        string[] many = [.. Enumerable.Range(0, 129).Select(i => $"8.8.8.{i}")];
        var dialer = new RecordingDialer();
        await AssertRefused(ConnectCode.HostUnreachable, Exits.Create(dialer, new ScriptedResolver(many)), "many.example", 80);
        Assert.Empty(dialer.Dialled);
    }

    [Fact]
    public async Task Connect_TargetSilent_TimesOutAfterTryingAllAddresses()
    {
        var time = new FakeTimeProvider();
        var dials = System.Threading.Channels.Channel.CreateUnbounded<IPEndPoint>();
        var dialer = new RecordingDialer
        {
            Answer = (target, cancellationToken) =>
            {
                dials.Writer.TryWrite(target);
                return RecordingDialer.Never(cancellationToken);
            },
        };
        var resolver = new ScriptedResolver(["1.1.1.1", "8.8.8.8", "2606:4700::1"]);
        Task<ExitConnection> connecting = Exits.Create(dialer, resolver, time: time).ConnectAsync("silent.example", 80, Token).AsTask();

        // The clock moves on only once the dial that it brought has begun.
        for (int dial = 0; dial < 3; dial++)
        {
            await dials.Reader.ReadAsync(Token);
            time.Advance(TimeSpan.FromMilliseconds(250));
        }

        while (!connecting.IsCompleted)
        {
            time.Advance(TimeSpan.FromMilliseconds(250));
            await Task.Yield();
        }

        Assert.Equal(ConnectCode.TimedOut, (await Assert.ThrowsAsync<ConnectRefusedException>(() => connecting)).Code);
        Assert.Equal(["[2606:4700::1]:80", "1.1.1.1:80", "8.8.8.8:80"], dialer.Dialled.Select(end => end.ToString()));
    }

    [Fact]
    public async Task Connect_FirstAddressFails_NextIsTriedAtOnce()
    {
        var dialer = new RecordingDialer
        {
            Answer = (target, cancellationToken) => target.AddressFamily == AddressFamily.InterNetworkV6
                ? throw new SocketException((int)SocketError.NetworkUnreachable)
                : RecordingDialer.Loopback(cancellationToken),
        };

        using ExitConnection connection = await Exits.Create(dialer, new ScriptedResolver(["1.1.1.1", "2606:4700::1"])).ConnectAsync("two.example", 80, Token);

        Assert.Equal(["[2606:4700::1]:80", "1.1.1.1:80"], dialer.Dialled.Select(end => end.ToString()));
    }

    [Fact]
    public async Task Connect_LoserConnectsToo_ItsSocketIsClosed()
    {
        var time = new FakeTimeProvider();
        var firstMayAnswer = new TaskCompletionSource();
        var dialer = new RecordingDialer
        {
            Answer = async (target, cancellationToken) =>
            {
                // Answers only when it is told to give up: the attempt that is too late, and ignores it.
                if (target.AddressFamily == AddressFamily.InterNetworkV6)
                {
                    using CancellationTokenRegistration _ = cancellationToken.Register(firstMayAnswer.SetResult);
                    await firstMayAnswer.Task;
                }

                return await RecordingDialer.Loopback(CancellationToken.None);
            },
        };
        Task<ExitConnection> connecting = Exits.Create(dialer, new ScriptedResolver(["1.1.1.1", "2606:4700::1"]), time: time).ConnectAsync("two.example", 80, Token).AsTask();

        time.Advance(TimeSpan.FromMilliseconds(250));
        using ExitConnection connection = await connecting;

        Assert.Equal(2, dialer.Handed.Count);
        Assert.Single(dialer.Handed, socket => socket.SafeHandle.IsClosed);
        Assert.False(connection.Socket.Socket.SafeHandle.IsClosed);
    }

    [Fact]
    public async Task Connect_Cancelled_LeavesNoSocket()
    {
        using var cancel = CancellationTokenSource.CreateLinkedTokenSource(Token);
        var dialling = new TaskCompletionSource();
        var dialer = new RecordingDialer
        {
            Answer = async (_, cancellationToken) =>
            {
                dialling.TrySetResult();
                await Task.Delay(Timeout.Infinite, cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
                return await RecordingDialer.Loopback(CancellationToken.None);
            },
        };
        Task<ExitConnection> connecting = Exits.Create(dialer).ConnectAsync("example.com", 80, cancel.Token).AsTask();
        await dialling.Task;

        await cancel.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => connecting);
        Assert.All(dialer.Handed, socket => Assert.True(socket.SafeHandle.IsClosed));
        Assert.Single(dialer.Handed);
    }

    [Fact]
    public async Task Connect_AsManyDialsAsAllowed_NextIsRefusedForCapacityAndOneAfterTheirEndIsNot()
    {
        using var cancel = CancellationTokenSource.CreateLinkedTokenSource(Token);
        var dialer = new RecordingDialer { Answer = (target, ct) => target.Port == 80 ? RecordingDialer.Never(ct) : RecordingDialer.Loopback(ct) };
        Exit exit = Exits.Create(dialer, options: new ExitOptions { MaxConcurrentDials = 2 });
        Task<ExitConnection>[] two = [exit.ConnectAsync("1.1.1.1", 80, cancel.Token).AsTask(), exit.ConnectAsync("1.1.1.1", 80, cancel.Token).AsTask()];

        await AssertRefused(ConnectCode.Capacity, exit, "1.1.1.1", 443);

        await cancel.CancelAsync();
        foreach (Task<ExitConnection> one in two) await Assert.ThrowsAnyAsync<OperationCanceledException>(() => one);
        (await exit.ConnectAsync("1.1.1.1", 443, Token)).Dispose();
    }

    [Theory]
    [InlineData(SocketError.ConnectionRefused, ConnectCode.ConnectionRefused)]
    [InlineData(SocketError.TimedOut, ConnectCode.TimedOut)]
    [InlineData(SocketError.HostUnreachable, ConnectCode.HostUnreachable)]
    [InlineData(SocketError.NetworkUnreachable, ConnectCode.NetworkUnreachable)]
    [InlineData(SocketError.AccessDenied, ConnectCode.NotAllowed)]
    [InlineData(SocketError.TooManyOpenSockets, ConnectCode.Capacity)]
    [InlineData(SocketError.ConnectionReset, ConnectCode.GeneralFailure)]
    public async Task Connect_DialFails_SaysWhy(SocketError error, ConnectCode code)
    {
        var dialer = new RecordingDialer { Answer = (_, _) => throw new SocketException((int)error) };

        await AssertRefused(code, Exits.Create(dialer), "1.1.1.1", 80);
    }

    [Fact]
    public async Task Connect_PrivateTargetsAllowed_ReachesARealListenerAndWarns()
    {
        using var listener = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        listener.Listen(1);
        int port = ((IPEndPoint)listener.LocalEndPoint!).Port;
        var logger = new FakeLogger();
        var options = new ExitOptions { Policy = new ExitPolicy { AllowedPorts = [port], AllowPrivateTargets = true } };
        Exit exit = Exit.CreateOnSystem(options, () => [], TimeProvider.System, logger);

        using ExitConnection connection = await exit.ConnectAsync("localhost", port, Token);

        Assert.True(connection.Socket.Socket.NoDelay);
        Assert.Equal(port, ((IPEndPoint)connection.Socket.Socket.RemoteEndPoint!).Port);
        Assert.Single(logger.Collector.GetSnapshot(), record => record.Level == LogLevel.Warning);
    }

    [Fact]
    public async Task Connect_Refused_LogsTheReasonButNotTheTargetUnlessDebugging()
    {
        var logger = new FakeLogger();
        logger.ControlLevel(LogLevel.Debug, false);
        var exit = new Exit(new ExitOptions(), new ScriptedResolver(["10.0.0.1"]), new RecordingDialer(), new FixedAddresses(), new FakeTimeProvider(), logger);

        await AssertRefused(ConnectCode.Policy, exit, "secret.example", 80);

        FakeLogRecord record = Assert.Single(logger.Collector.GetSnapshot());
        Assert.DoesNotContain("secret", record.Message, StringComparison.Ordinal);
    }

    private static async Task AssertRefused(ConnectCode code, Exit exit, string host, int port)
    {
        var refused = await Assert.ThrowsAsync<ConnectRefusedException>(() => exit.ConnectAsync(host, port, Token).AsTask());
        Assert.Equal(code, refused.Code);
        Assert.NotEmpty(refused.Message);
    }
}
