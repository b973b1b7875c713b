using System.Net;
using System.Net.Http;
using System.Security.Cryptography;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;
using Overlay.Sessions;
using Overlay.Using;

namespace Overlay.Tests.Using;

public class Socks5ListenerTests
{
    private static readonly byte[] s_hello = [5, 1, 0];
    private static readonly byte[] s_request = [5, 1, 0, 3, 11, .. "example.org"u8, 0, 80];
    private static readonly Socks5Options s_options = new() { EndPoint = new IPEndPoint(IPAddress.Loopback, 0) };

    private readonly FakeTimeProvider _time = new();

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Connect_PayloadRightBehindTheRequest_IsEchoedWithHalfCloseBothWays()
    {
        await using Origin origin = Origin.Echo();
        var connector = new LoopbackConnector(origin.EndPoint);
        await using Socks5Listener listener = Start(connector);
        await using var client = await Wire.ConnectAsync(listener.LocalEndPoint, Token);
        byte[] payload = RandomNumberGenerator.GetBytes(300_000);

        await client.WriteAsync((byte[])[.. s_hello, .. s_request, .. payload.AsSpan(0, 100)], Token);
        Task sending = SendRestAsync();
        byte[] reply = new byte[12];
        await client.ReadExactlyAsync(reply, Token);
        byte[] echoed = await client.ReadAllAsync(Token);
        await sending;

        Assert.Equal([5, 0, 5, 0, 0, 1, 127, 0, 0, 1], reply[..10]);
        Assert.Equal(payload, echoed);
        Assert.Equal(["example.org 80"], connector.Asked);

        async Task SendRestAsync()
        {
            await client.WriteAsync(payload.AsMemory(100), Token);
            client.Socket.Shutdown(System.Net.Sockets.SocketShutdown.Send);
        }
    }

    [Fact]
    public async Task HttpClient_ThroughTheListenerWithPassword_GetsThePage()
    {
        await using Origin origin = Origin.Http(_ => "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhello");
        var connector = new LoopbackConnector(origin.EndPoint);
        await using Socks5Listener listener = Start(connector, s_options with { Credentials = new ProxyCredentials("user", "secret") });
        using var handler = new SocketsHttpHandler { Proxy = new WebProxy($"socks5://{listener.LocalEndPoint}") { Credentials = new NetworkCredential("user", "secret") } };
        using var http = new HttpClient(handler);

        Assert.Equal("hello", await http.GetStringAsync("http://site.example/page", Token));
        Assert.Equal(["site.example 80"], connector.Asked);
    }

    [Theory]
    [InlineData(ConnectCode.Policy, 2)]
    [InlineData(ConnectCode.Capacity, 1)]
    [InlineData(ConnectCode.ConnectionRefused, 5)]
    public async Task Connect_ProviderRefuses_ReplyCarriesTheReasonAndTheConnectionEnds(ConnectCode code, byte expected)
    {
        await using Socks5Listener listener = Start(Refusing(new ConnectRefusedException(code, "no")));
        await using var client = await Wire.ConnectAsync(listener.LocalEndPoint, Token);

        await client.WriteAsync((byte[])[.. s_hello, .. s_request], Token);
        client.Socket.Shutdown(System.Net.Sockets.SocketShutdown.Send);

        Assert.Equal([5, 0, 5, expected, 0, 1, 0, 0, 0, 0, 0, 0], await client.ReadAllAsync(Token));
    }

    [Fact]
    public async Task Connect_ProviderGone_IsAGeneralFailure()
    {
        await using Socks5Listener listener = Start(Refusing(new IOException("gone")));
        await using var client = await Wire.ConnectAsync(listener.LocalEndPoint, Token);

        await client.WriteAsync((byte[])[.. s_hello, .. s_request], Token);
        client.Socket.Shutdown(System.Net.Sockets.SocketShutdown.Send);

        Assert.Equal([5, 0, 5, 1, 0, 1, 0, 0, 0, 0, 0, 0], await client.ReadAllAsync(Token));
    }

    [Fact]
    public async Task Handshake_CutAtEveryByteAndGarbage_HarmsNothingElse()
    {
        await using Origin origin = Origin.Echo();
        await using Socks5Listener listener = Start(new LoopbackConnector(origin.EndPoint));
        byte[] whole = [.. s_hello, .. s_request];

        for (int size = 0; size < whole.Length; size++)
        {
            await using var cut = await Wire.ConnectAsync(listener.LocalEndPoint, Token);
            await cut.WriteAsync(whole.AsMemory(0, size), Token);
            cut.Socket.Shutdown(System.Net.Sockets.SocketShutdown.Send);
            Assert.Equal(size < 3 ? [] : new byte[] { 5, 0 }, await cut.ReadAllAsync(Token));
        }

        await using (var garbage = await Wire.ConnectAsync(listener.LocalEndPoint, Token))
        {
            await garbage.SendAsync("GET / HTTP/1.1\r\n\r\n", Token);
            garbage.Socket.Shutdown(System.Net.Sockets.SocketShutdown.Send);
            Assert.Empty(await garbage.ReadAllAsync(Token));
        }

        await AssertEchoes(listener);
    }

    [Fact]
    public async Task Handshake_ClientTooSlow_IsClosedAtTheDeadline()
    {
        await using Origin origin = Origin.Echo();
        await using Socks5Listener listener = Start(new LoopbackConnector(origin.EndPoint));
        await using var client = await Wire.ConnectAsync(listener.LocalEndPoint, Token);
        await client.WriteAsync(s_hello, Token);
        byte[] answer = new byte[2];
        await client.ReadExactlyAsync(answer, Token);
        await client.WriteAsync(s_request.AsMemory(0, 5), Token);

        _time.Advance(s_options.HandshakeTimeout);

        Assert.Empty(await client.ReadAllAsync(Token));
        await AssertEchoes(listener);
    }

    [Fact]
    public async Task Connect_TargetNeverComesAbout_IsAnsweredAtTheDeadline()
    {
        var asked = new TaskCompletionSource();
        var connector = new LoopbackConnector(new IPEndPoint(IPAddress.Loopback, 1))
        {
            Before = (_, _, cancellationToken) =>
            {
                asked.SetResult();
                return Task.Delay(Timeout.Infinite, cancellationToken);
            },
        };
        await using Socks5Listener listener = Start(connector);
        await using var client = await Wire.ConnectAsync(listener.LocalEndPoint, Token);
        await client.WriteAsync((byte[])[.. s_hello, .. s_request], Token);
        client.Socket.Shutdown(System.Net.Sockets.SocketShutdown.Send);
        await asked.Task;

        _time.Advance(s_options.ConnectTimeout);

        Assert.Equal([5, 0, 5, 4, 0, 1, 0, 0, 0, 0, 0, 0], await client.ReadAllAsync(Token));
    }

    [Fact]
    public async Task Connect_ManyAtOnceOverFewSlots_AllComplete()
    {
        await using Origin origin = Origin.Echo();
        await using Socks5Listener listener = Start(new LoopbackConnector(origin.EndPoint), s_options with { MaxConnections = 8 });

        await Task.WhenAll(Enumerable.Range(0, 100).Select(_ => AssertEchoes(listener)));
    }

    [Fact]
    public async Task Stop_TransferRunning_LetsItEndWithinTheGrace()
    {
        await using Origin origin = Origin.Echo();
        await using Socks5Listener listener = Start(new LoopbackConnector(origin.EndPoint));
        await using var client = await Wire.ConnectAsync(listener.LocalEndPoint, Token);
        await client.WriteAsync((byte[])[.. s_hello, .. s_request], Token);
        await client.ReadExactlyAsync(new byte[12], Token);

        Task stopping = listener.StopAsync(TimeSpan.FromSeconds(10));
        await client.WriteAsync("still"u8.ToArray(), Token);
        byte[] echoed = new byte[5];
        await client.ReadExactlyAsync(echoed, Token);
        Assert.Equal("still"u8.ToArray(), echoed);
        Assert.False(stopping.IsCompleted);

        client.Socket.Shutdown(System.Net.Sockets.SocketShutdown.Send);
        Assert.Empty(await client.ReadAllAsync(Token));
        await stopping;
    }

    [Fact]
    public async Task Stop_TransferOutlastsTheGrace_IsAborted()
    {
        await using Origin origin = Origin.Echo();
        await using Socks5Listener listener = Start(new LoopbackConnector(origin.EndPoint));
        await using var client = await Wire.ConnectAsync(listener.LocalEndPoint, Token);
        await client.WriteAsync((byte[])[.. s_hello, .. s_request], Token);
        await client.ReadExactlyAsync(new byte[12], Token);

        Task stopping = listener.StopAsync(TimeSpan.FromSeconds(10));
        while (!stopping.IsCompleted)
        {
            _time.Advance(TimeSpan.FromSeconds(1));
            await Task.Yield();
        }

        Assert.Empty(await client.ReadAllAsync(Token));
        await stopping;
    }

    [Fact]
    public void Options_Default_ListenOnLoopbackOnly()
    {
        Assert.Equal(new IPEndPoint(IPAddress.Loopback, 1080), new Socks5Options().EndPoint);
        Assert.Equal(new IPEndPoint(IPAddress.Loopback, 8080), new HttpProxyOptions().EndPoint);
    }

    private static LoopbackConnector Refusing(Exception error) =>
        new(new IPEndPoint(IPAddress.Loopback, 1)) { Before = (_, _, _) => Task.FromException(error) };

    private static async Task AssertEchoes(Socks5Listener listener)
    {
        await using var client = await Wire.ConnectAsync(listener.LocalEndPoint, Token);
        await client.WriteAsync((byte[])[.. s_hello, .. s_request, 1, 2, 3], Token);
        client.Socket.Shutdown(System.Net.Sockets.SocketShutdown.Send);
        byte[] all = await client.ReadAllAsync(Token);
        Assert.Equal([1, 2, 3], all[12..]);
    }

    private Socks5Listener Start(ITargetConnector connector, Socks5Options? options = null) => Socks5Listener.Start(options ?? s_options, _ => connector, new ExitWish(), _time, NullLogger.Instance);
}
