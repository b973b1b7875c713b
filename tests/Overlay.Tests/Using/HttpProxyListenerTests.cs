using System.Collections.Concurrent;
using System.Net;
using System.Net.Http;
using System.Net.Sockets;
using System.Text;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;
using Overlay.Sessions;
using Overlay.Using;

namespace Overlay.Tests.Using;

public class HttpProxyListenerTests
{
    private const string Get = "GET http://a.example/ HTTP/1.1\r\nHost: a.example\r\n\r\n";
    private static readonly HttpProxyOptions s_options = new() { EndPoint = new IPEndPoint(IPAddress.Loopback, 0) };

    private readonly FakeTimeProvider _time = new();

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task HttpClient_PlainRequestsToSeveralHosts_SharesOneClientConnection()
    {
        await using Origin origin = Origin.Http(head => $"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n{head.Split("Host: ")[1][..5]}");
        var connector = new LoopbackConnector(origin.EndPoint);
        await using HttpProxyListener listener = Start(connector);
        await using var client = await Wire.ConnectAsync(listener.LocalEndPoint, Token);

        foreach (string host in (string[])["aaaaa", "bbbbb", "ccccc"])
        {
            await client.SendAsync($"GET http://{host}.example/ HTTP/1.1\r\nHost: {host}.example\r\n\r\n", Token);
            Assert.Equal($"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n{host}", await client.ReadToAsync(host, Token));
        }

        Assert.Equal(["aaaaa.example 80", "bbbbb.example 80", "ccccc.example 80"], connector.Asked);
    }

    [Fact]
    public async Task HttpClient_ThroughTheProxyWithPassword_PostsAndGets()
    {
        await using var origin = new Origin(async (stream, cancellationToken) =>
        {
            await stream.ReadToAsync("\r\n\r\n", cancellationToken);
            string body = await stream.ReadToAsync("\r\n0\r\n\r\n", cancellationToken);
            await stream.SendAsync($"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n{body}", cancellationToken);
        });
        await using HttpProxyListener listener = Start(new LoopbackConnector(origin.EndPoint), s_options with { Credentials = new ProxyCredentials("user", "secret") });
        using var handler = new SocketsHttpHandler { Proxy = new WebProxy($"http://{listener.LocalEndPoint}") { Credentials = new NetworkCredential("user", "secret") } };
        using var http = new HttpClient(handler);

        foreach (string sent in (string[])["one", "two"])
        {
            using var request = new HttpRequestMessage(HttpMethod.Post, "http://site.example/") { Content = new StringContent(sent) };
            request.Headers.TransferEncodingChunked = true;
            using HttpResponseMessage response = await http.SendAsync(request, Token);
            Assert.Equal(sent, await response.Content.ReadAsStringAsync(Token));
        }
    }

    [Fact]
    public async Task Connect_PayloadRightBehindTheHead_IsEchoedWithHalfClose()
    {
        await using Origin origin = Origin.Echo();
        var connector = new LoopbackConnector(origin.EndPoint);
        await using HttpProxyListener listener = Start(connector);
        await using var client = await Wire.ConnectAsync(listener.LocalEndPoint, Token);

        await client.SendAsync("CONNECT [2001:db8::1]:443 HTTP/1.1\r\nHost: [2001:db8::1]:443\r\n\r\nearly", Token);
        await client.SendAsync(" and late", Token);
        client.Socket.Shutdown(SocketShutdown.Send);

        Assert.Equal("HTTP/1.1 200 Connection established\r\n\r\nearly and late", await client.ReadAllTextAsync(Token));
        Assert.Equal(["2001:db8::1 443"], connector.Asked);
    }

    [Theory]
    [InlineData(ConnectCode.Policy, "403", "destination_ip_prohibited")]
    [InlineData(ConnectCode.Credit, "503", "http_request_denied")]
    [InlineData(ConnectCode.Capacity, "503", "connection_limit_reached")]
    [InlineData(ConnectCode.OwnerBusy, "503", "connection_limit_reached")]
    [InlineData(ConnectCode.TimedOut, "504", "connection_timeout")]
    [InlineData(ConnectCode.HostUnreachable, "502", "destination_not_found")]
    [InlineData(ConnectCode.ConnectionRefused, "502", "connection_refused")]
    [InlineData(ConnectCode.GeneralFailure, "502", "destination_unavailable")]
    public async Task Request_ProviderRefuses_StatusAndProxyStatusSayWhy(ConnectCode code, string status, string type)
    {
        await using HttpProxyListener listener = Start(Refusing(new ConnectRefusedException(code, "No\r\nX: \"forged\\\".")));
        foreach (string request in (string[])["CONNECT a.example:443 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", "GET http://a.example/ HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"])
        {
            string response = await AskAsync(listener, request);

            Assert.StartsWith($"HTTP/1.1 {status} ", response, StringComparison.Ordinal);
            Assert.Contains($"\r\nProxy-Status: overlay; error={type}; details=\"No??X: \\\"forged\\\\\\\".\"\r\n", response, StringComparison.Ordinal);
            Assert.EndsWith("\r\n\r\nNo??X: \"forged\\\".\r\n", response, StringComparison.Ordinal);
        }
    }

    [Theory]
    [InlineData("GET / HTTP/1.1\r\nHost: a\r\n\r\n", "400")]
    [InlineData("GET http://a/ HTTP/1.1\r\n\r\n", "400")]
    [InlineData("GET http://a/ HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n", "400")]
    [InlineData("GET http://a/ HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", "400")]
    [InlineData("GET http://a/ HTTP/1.1\r\nHost: a\r\nA: b\r\n c\r\n\r\n", "400")]
    [InlineData("CONNECT a HTTP/1.1\r\nHost: a\r\n\r\n", "400")]
    [InlineData("CONNECT a:443 HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello", "400")]
    [InlineData("TRACE http://a/ HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", "405")]
    [InlineData("GET http://a/ HTTP/3.0\r\nHost: a\r\n\r\n", "505")]
    [InlineData("\x05\x01\x00\n", "400")]
    [InlineData("POST http://a/ HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n", "501")]
    public async Task Request_CannotBeServed_IsAnsweredWithoutAConnection(string request, string status)
    {
        var connector = Refusing(new IOException("unused"));
        await using HttpProxyListener listener = Start(connector);

        Assert.StartsWith($"HTTP/1.1 {status} ", await AskAsync(listener, request), StringComparison.Ordinal);
        Assert.Empty(connector.Asked);
    }

    [Fact]
    public async Task Request_ChunkedBodyMalformed_Is400()
    {
        await using var origin = new Origin((stream, cancellationToken) => stream.ReadAllAsync(cancellationToken));
        await using HttpProxyListener listener = Start(new LoopbackConnector(origin.EndPoint));

        string response = await AskAsync(listener, "POST http://a/ HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\nhello\r\n0\r\n\r\n");

        Assert.StartsWith("HTTP/1.1 400 ", response, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi")]
    [InlineData("HTTP/1.1 204 No Content\r\n\r\n", "HTTP/1.1 204 No Content\r\n\r\n")]
    [InlineData("HTTP/1.1 304 Not Modified\r\nContent-Length: 99\r\n\r\n", "HTTP/1.1 304 Not Modified\r\nContent-Length: 99\r\n\r\n")]
    [InlineData("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")]
    [InlineData("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nConnection: X-Hop\r\nX-Hop: 1\r\n\r\n2;x=y\r\nhi\r\n0\r\nSum: 1\r\n\r\n", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2;x=y\r\nhi\r\n0\r\nSum: 1\r\n\r\n")]
    public async Task Response_WithAnEndOfItsOwn_IsForwardedAndTheConnectionGoesOn(string response, string forwarded)
    {
        await using Origin origin = Origin.Http(_ => response);
        await using HttpProxyListener listener = Start(new LoopbackConnector(origin.EndPoint));

        // The second request shows where the proxy sees the first response's end.
        Assert.Equal(forwarded + forwarded, await AskAsync(listener, Get + Get));
    }

    [Fact]
    public async Task Response_ToHead_HasNoBody()
    {
        await using Origin origin = Origin.Http(_ => "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n");
        await using HttpProxyListener listener = Start(new LoopbackConnector(origin.EndPoint));

        Assert.Equal("HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n", await AskAsync(listener, Get.Replace("GET", "HEAD", StringComparison.Ordinal)));
    }

    [Fact]
    public async Task Response_UntilClose_IsForwardedAndClosed()
    {
        await using Origin origin = Origin.Http(_ => "HTTP/1.0 200 OK\r\n\r\nall that there is");
        await using HttpProxyListener listener = Start(new LoopbackConnector(origin.EndPoint));

        Assert.Equal("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nall that there is", await AskAsync(listener, Get + Get));
    }

    [Theory]
    [InlineData("")]
    [InlineData("HTTP/1.1 200 OK\r\nContent-")]
    [InlineData("garbage\r\n\r\n")]
    [InlineData("HTTP/1.1 101 Switching Protocols\r\n\r\n")]
    [InlineData("HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab")]
    [InlineData("HTTP/1.1 200 OK\r\nbad field\r\n\r\n")]
    public async Task Response_Malformed_Is502(string response)
    {
        await using Origin origin = Origin.Http(_ => response);
        await using HttpProxyListener listener = Start(new LoopbackConnector(origin.EndPoint));

        Assert.StartsWith("HTTP/1.1 502 ", await AskAsync(listener, Get), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Response_CutShort_EndsTheClientsConnectionShortOfItToo()
    {
        await using Origin origin = Origin.Http(_ => "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf");
        await using HttpProxyListener listener = Start(new LoopbackConnector(origin.EndPoint));

        Assert.DoesNotContain("502", await AskAsync(listener, Get), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Response_NeverComes_Is504()
    {
        var asked = new TaskCompletionSource();
        await using var origin = new Origin(async (stream, cancellationToken) =>
        {
            await stream.ReadToAsync("\r\n\r\n", cancellationToken);
            asked.SetResult();
            await stream.ReadAllAsync(cancellationToken);
        });
        await using HttpProxyListener listener = Start(new LoopbackConnector(origin.EndPoint));
        Task<string> asking = AskAsync(listener, Get);
        await asked.Task;

        _time.Advance(s_options.ResponseTimeout);

        Assert.StartsWith("HTTP/1.1 504 ", await asking, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Request_HeadTooSlow_Is408AtTheDeadline()
    {
        await using Origin origin = Origin.Http(_ => "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
        await using HttpProxyListener listener = Start(new LoopbackConnector(origin.EndPoint));
        await using var client = await Wire.ConnectAsync(listener.LocalEndPoint, Token);
        await client.SendAsync(Get + "GET http", Token);
        await client.ReadToAsync("\r\n\r\n", Token);
        client.Socket.Shutdown(SocketShutdown.Send);

        // Half-closing in the middle of a head ends the connection without an answer; nothing is left to time out.
        Assert.Equal("", await client.ReadAllTextAsync(Token));

        await using var slow = await Wire.ConnectAsync(listener.LocalEndPoint, Token);
        await slow.SendAsync("GET http", Token);
        Task<string> waiting = slow.ReadToAsync("\r\n", Token);
        while (!waiting.IsCompleted)
        {
            // A whole request beside each step of the clock: the listener must get to send its answer before the time to read it is up as well.
            _time.Advance(TimeSpan.FromMilliseconds(100));
            await using var other = await Wire.ConnectAsync(listener.LocalEndPoint, Token);
            await other.SendAsync(Get, Token);
            await other.ReadToAsync("\r\n\r\n", Token);
        }

        Assert.StartsWith("HTTP/1.1 408 ", await waiting, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Request_ExpectContinue_BodyWaitsForTheTarget()
    {
        await using var origin = new Origin(async (stream, cancellationToken) =>
        {
            await stream.ReadToAsync("\r\n\r\n", cancellationToken);
            await stream.SendAsync("HTTP/1.1 100 Continue\r\n\r\n", cancellationToken);
            await stream.ReadToAsync("hello", cancellationToken);
            await stream.SendAsync("HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n", cancellationToken);
        });
        await using HttpProxyListener listener = Start(new LoopbackConnector(origin.EndPoint));
        await using var client = await Wire.ConnectAsync(listener.LocalEndPoint, Token);

        await client.SendAsync("PUT http://a/ HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n", Token);
        Assert.Equal("HTTP/1.1 100 Continue\r\n\r\n", await client.ReadToAsync("\r\n\r\n", Token));
        await client.SendAsync("hello", Token);
        Assert.Equal("HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n", await client.ReadToAsync("\r\n\r\n", Token));
    }

    [Fact]
    public async Task Request_AnsweredBeforeItsBody_ResponseArrivesAndTheConnectionEnds()
    {
        await using Origin origin = Origin.Http(_ => "HTTP/1.1 413 Content Too Large\r\nContent-Length: 3\r\n\r\nbig");
        await using HttpProxyListener listener = Start(new LoopbackConnector(origin.EndPoint));

        string response = await AskAsync(listener, "POST http://a/ HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\nsome", halfClose: false);

        Assert.Equal("HTTP/1.1 413 Content Too Large\r\nContent-Length: 3\r\nConnection: close\r\n\r\nbig", response);
    }

    [Theory]
    [InlineData("")]
    [InlineData("Proxy-Authorization: Basic\r\n")]
    [InlineData("Proxy-Authorization: Basic !!!\r\n")]
    [InlineData("Proxy-Authorization: Basic dXNlcjp3cm9uZw==\r\n")]
    [InlineData("Proxy-Authorization: Bearer dXNlcjpzZWNyZXQ=\r\n")]
    public async Task Request_WithoutThePassword_Is407(string field)
    {
        var connector = Refusing(new IOException("unused"));
        await using HttpProxyListener listener = Start(connector, s_options with { Credentials = new ProxyCredentials("user", "secret") });

        string response = await AskAsync(listener, $"GET http://a/ HTTP/1.1\r\nHost: a\r\n{field}\r\n");

        Assert.StartsWith("HTTP/1.1 407 ", response, StringComparison.Ordinal);
        Assert.Contains("\r\nProxy-Authenticate: Basic ", response, StringComparison.Ordinal);
        Assert.Empty(connector.Asked);
    }

    [Theory]
    [InlineData("region-DE;session-a:x", false, "DE")]
    [InlineData("user;region-DE;session-a:secret", true, "DE")]
    [InlineData("user;regoin-DE:secret", true, null)]
    public async Task Request_UserNameWithWishes_GoesWhereTheySayOrIs407(string pair, bool withPassword, string? region)
    {
        ExitWish? wished = null;
        var connector = Refusing(new IOException("unused"));
        HttpProxyOptions options = withPassword ? s_options with { Credentials = new ProxyCredentials("user", "secret") } : s_options;
        await using HttpProxyListener listener = HttpProxyListener.Start(
            options,
            wish =>
            {
                wished = wish;
                return connector;
            },
            new ExitWish { MaxPricePerGiB = 0.1m }, _time, NullLogger.Instance);

        string response = await AskAsync(listener, $"GET http://a/ HTTP/1.1\r\nHost: a\r\nProxy-Authorization: Basic {Convert.ToBase64String(Encoding.UTF8.GetBytes(pair))}\r\n\r\n");

        Assert.StartsWith(region is null ? "HTTP/1.1 407 " : "HTTP/1.1 502 ", response, StringComparison.Ordinal);
        Assert.Equal(region is null ? null : new ExitWish { Region = region, Session = "a", MaxPricePerGiB = 0.1m }, wished);
    }

    [Fact]
    public async Task Request_CutAtEveryByte_HarmsNothingElse()
    {
        await using Origin origin = Origin.Http(_ => "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
        await using HttpProxyListener listener = Start(new LoopbackConnector(origin.EndPoint));
        for (int size = 0; size < Get.Length; size++) Assert.Equal("", await AskAsync(listener, Get[..size]));

        Assert.Equal("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", await AskAsync(listener, Get));
    }

    [Fact]
    public async Task Requests_ManyAtOnce_AllComplete()
    {
        await using Origin origin = Origin.Http(_ => "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
        await using HttpProxyListener listener = Start(new LoopbackConnector(origin.EndPoint), s_options with { MaxConnections = 16 });

        string[] all = await Task.WhenAll(Enumerable.Range(0, 100).Select(_ => AskAsync(listener, Get)));

        Assert.All(all, response => Assert.EndsWith("ok", response, StringComparison.Ordinal));
    }

    [Fact]
    public async Task Stop_ConnectionIdle_EndsItWithoutWaiting()
    {
        await using Origin origin = Origin.Http(_ => "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
        await using HttpProxyListener listener = Start(new LoopbackConnector(origin.EndPoint));
        await using var client = await Wire.ConnectAsync(listener.LocalEndPoint, Token);
        await client.SendAsync(Get, Token);
        await client.ReadToAsync("\r\n\r\n", Token);

        await listener.StopAsync(TimeSpan.FromHours(1));

        Assert.Equal("", await client.ReadAllTextAsync(Token));
    }

    [Fact]
    public async Task OverlayHttpHandler_Get_GoesThroughTheConnector()
    {
        var heads = new ConcurrentQueue<string>();
        await using Origin origin = Origin.Http(_ => "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhello", heads);
        var connector = new LoopbackConnector(origin.EndPoint);
        using var http = new HttpClient(OverlayHttpHandler.Create(connector));

        Assert.Equal("hello", await http.GetStringAsync("http://b\u00fccher.example:8080/x", Token));
        Assert.Equal("hello", await http.GetStringAsync("http://[2001:db8::1]/", Token));

        Assert.Equal(["xn--bcher-kva.example 8080", "2001:db8::1 80"], connector.Asked);
        Assert.DoesNotContain(heads, head => head.Contains("traceparent", StringComparison.OrdinalIgnoreCase));
    }

    [Fact]
    public async Task OverlayHttpHandler_ProviderRefuses_ReasonIsInside()
    {
        using var http = new HttpClient(OverlayHttpHandler.Create(Refusing(new ConnectRefusedException(ConnectCode.Policy, "no"))));

        var error = await Assert.ThrowsAsync<HttpRequestException>(() => http.GetStringAsync("http://a.example/", Token));

        Assert.Equal(ConnectCode.Policy, Assert.IsType<ConnectRefusedException>(error.InnerException).Code);
    }

    [Fact]
    public async Task OverlayHttpHandler_Http3Demanded_IsRefusedRatherThanSentPastTheOverlay()
    {
        using var http = new HttpClient(OverlayHttpHandler.Create(Refusing(new IOException("unused"))));
        using var request = new HttpRequestMessage(HttpMethod.Get, "https://a.example/") { Version = HttpVersion.Version30, VersionPolicy = HttpVersionPolicy.RequestVersionExact };

        var error = await Assert.ThrowsAsync<HttpRequestException>(() => http.SendAsync(request, Token));

        Assert.Equal(HttpRequestError.VersionNegotiationError, error.HttpRequestError);
    }

    private static LoopbackConnector Refusing(Exception error) =>
        new(new IPEndPoint(IPAddress.Loopback, 1)) { Before = (_, _, _) => Task.FromException(error) };

    private static async Task<string> AskAsync(HttpProxyListener listener, string request, bool halfClose = true)
    {
        await using var client = await Wire.ConnectAsync(listener.LocalEndPoint, Token);
        await client.SendAsync(request, Token);
        if (halfClose) client.Socket.Shutdown(SocketShutdown.Send);
        return await client.ReadAllTextAsync(Token);
    }

    private HttpProxyListener Start(ITargetConnector connector, HttpProxyOptions? options = null) => HttpProxyListener.Start(options ?? s_options, _ => connector, new ExitWish(), _time, NullLogger.Instance);
}
