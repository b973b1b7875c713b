using System.Net;
using System.Text;
using System.Text.Json;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Testing;
using Overlay.Node.Dashboard;

namespace Overlay.Node.Tests.Dashboard;

/// <summary>Who gets what from the dashboard: over real sockets, with requests that no browser would send too.</summary>
public sealed class DashboardServerTests : IAsyncLifetime
{
    private readonly FakeDashboardNode _node = new();
    private readonly FakeLogCollector _log = new();
    private readonly HttpClient _client = new(new SocketsHttpHandler { UseCookies = false, UseProxy = false, AllowAutoRedirect = false });
    private DashboardServer _server = null!;
    private string _base = "", _cookie = "";

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    private string Host => _server.Address.Authority;

    public async ValueTask InitializeAsync()
    {
        var logging = LoggerFactory.Create(builder => builder.AddProvider(new FakeLoggerProvider(_log)));
        _server = await DashboardServer.StartAsync(
            new DashboardOptions { EndPoint = new IPEndPoint(IPAddress.Loopback, 0) }, _node, TimeProvider.System, logging, Cancellation);
    }

    public async ValueTask DisposeAsync()
    {
        _client.Dispose();
        await _server.DisposeAsync();
    }

    [Fact]
    public void Address_OfEachRun_HoldsATokenOf128Bits() =>
        Assert.Matches("^http://127\\.0\\.0\\.1:[0-9]+/#token=[0-9a-f]{32}$", _server.Address.AbsoluteUri);

    [Theory]
    [InlineData("/", "text/html")]
    [InlineData("/dashboard.js", "text/javascript")]
    [InlineData("/dashboard.css", "text/css")]
    [InlineData("/icon.svg", "image/svg+xml")]
    public async Task Page_WithoutAToken_IsGivenEmptyAndUnderPolicy(string path, string type)
    {
        using HttpResponseMessage answer = await SendAsync(HttpMethod.Get, path);

        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        Assert.Equal(type, answer.Content.Headers.ContentType!.MediaType);
        string policy = Assert.Single(answer.Headers.GetValues("Content-Security-Policy"));
        Assert.Contains("default-src 'none'", policy, StringComparison.Ordinal);
        Assert.Contains("frame-ancestors 'none'", policy, StringComparison.Ordinal);
        Assert.DoesNotContain("unsafe", policy, StringComparison.Ordinal);
        Assert.True(answer.Headers.CacheControl!.NoStore);
        Assert.Equal("nosniff", Assert.Single(answer.Headers.GetValues("X-Content-Type-Options")));
        Assert.False(answer.Headers.Contains("Server"));
    }

    [Theory]
    [InlineData("localhost")]
    [InlineData("rebound.example.org")]
    [InlineData("127.0.0.1")]
    [InlineData("127.0.0.1.example.org")]
    [InlineData("0.0.0.0")]
    public async Task Host_OtherThanTheOneBound_IsRefusedAndLogged(string name)
    {
        await OpenAsync();
        // Without the port in one case, with it in the others.
        string host = name == "127.0.0.1" ? name : $"{name}:{_server.Address.Port}";

        foreach (string path in new[] { "/", "/dashboard.js", "/session", _base + "sessions" })
        {
            using HttpResponseMessage answer = await SendAsync(HttpMethod.Get, path, request => request.Headers.Host = host, withCookie: true);
            Assert.Equal(HttpStatusCode.Forbidden, answer.StatusCode);
        }

        Assert.Equal(4, Refusals("another host name"));
    }

    [Theory]
    [InlineData("http://evil.example")]
    [InlineData("null")]
    [InlineData("http://127.0.0.1:1")]
    [InlineData("https://{host}")]
    [InlineData("http://{host}/")]
    public async Task Origin_OtherThanThePages_IsRefusedAndChangesNothing(string origin)
    {
        await OpenAsync();
        origin = origin.Replace("{host}", Host, StringComparison.Ordinal);

        foreach ((HttpMethod method, string path) in new[] { (HttpMethod.Post, _base + "pause"), (HttpMethod.Get, _base + "sessions"), (HttpMethod.Post, "/session") })
        {
            using HttpResponseMessage answer = await SendAsync(method, path, request => SetOrigin(request, origin), withCookie: true);
            Assert.Equal(HttpStatusCode.Forbidden, answer.StatusCode);
        }

        Assert.Empty(_node.Done);
        Assert.Equal(3, Refusals("another origin"));
    }

    [Fact]
    public async Task Origin_Missing_IsRefusedWhereSomethingChanges()
    {
        await OpenAsync();

        using HttpResponseMessage changing = await SendAsync(HttpMethod.Post, _base + "pause", request => request.Headers.Remove("Origin"), withCookie: true);
        using HttpResponseMessage reading = await SendAsync(HttpMethod.Get, _base + "sessions", request => request.Headers.Remove("Origin"), withCookie: true);

        Assert.Equal(HttpStatusCode.Forbidden, changing.StatusCode);
        Assert.Equal(HttpStatusCode.OK, reading.StatusCode);
        Assert.Empty(_node.Done);
    }

    [Fact]
    public async Task Site_Another_IsRefusedButMayLeadToTheEmptyPage()
    {
        await OpenAsync();
        static void FromElsewhere(HttpRequestMessage request)
        {
            request.Headers.Add("Sec-Fetch-Site", "cross-site");
            request.Headers.Add("Sec-Fetch-Mode", "navigate");
            request.Headers.Add("Sec-Fetch-Dest", "document");
        }

        using HttpResponseMessage page = await SendAsync(HttpMethod.Get, "/", FromElsewhere);
        using HttpResponseMessage data = await SendAsync(HttpMethod.Get, _base + "sessions", FromElsewhere, withCookie: true);

        Assert.Equal(HttpStatusCode.OK, page.StatusCode);
        Assert.Equal(HttpStatusCode.Forbidden, data.StatusCode);
    }

    [Theory]
    [InlineData("")]
    [InlineData("0")]
    [InlineData("00000000000000000000000000000000")]
    [InlineData("{token}0")]
    public async Task Token_Wrong_IsRefusedAndGivesNoCookie(string token)
    {
        using HttpResponseMessage answer = await SendAsync(
            HttpMethod.Post, "/session", request => request.Content = new StringContent(token.Replace("{token}", Token, StringComparison.Ordinal)));

        Assert.Equal(HttpStatusCode.Forbidden, answer.StatusCode);
        Assert.False(answer.Headers.Contains("Set-Cookie"));
        Assert.Equal(1, Refusals("a wrong token"));
    }

    [Fact]
    public async Task Token_Right_GivesACookieThatScriptsAndOtherProgramsOfThisHostDoNotSee()
    {
        using HttpResponseMessage answer = await SendAsync(HttpMethod.Post, "/session", request => request.Content = new StringContent(Token));

        string cookie = Assert.Single(answer.Headers.GetValues("Set-Cookie"));
        string folder = JsonElement.Parse(await answer.Content.ReadAsStringAsync(Cancellation)).GetProperty("base").GetString()!;
        Assert.Matches($"^overlay-{_server.Address.Port}=[0-9a-f]{{32}}; Path=/[0-9a-f]{{32}}/; HttpOnly; SameSite=Strict$", cookie);
        Assert.Contains($"Path={folder};", cookie, StringComparison.Ordinal);
        Assert.DoesNotContain(Token, cookie, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("GET", "events")]
    [InlineData("GET", "sessions")]
    [InlineData("GET", "receipts")]
    [InlineData("POST", "pause")]
    [InlineData("POST", "limits")]
    [InlineData("GET", "nothing")]
    public async Task Inside_WithoutTheCookie_IsRefused(string method, string name)
    {
        await OpenAsync();

        using HttpResponseMessage without = await SendAsync(new HttpMethod(method), _base + name);
        using HttpResponseMessage wrong = await SendAsync(
            new HttpMethod(method), _base + name, request => request.Headers.Add("Cookie", $"overlay-{_server.Address.Port}={new string('0', 32)}"));

        Assert.Equal(HttpStatusCode.Forbidden, without.StatusCode);
        Assert.Equal(HttpStatusCode.Forbidden, wrong.StatusCode);
        Assert.Empty(_node.Done);
        Assert.Equal(2, Refusals("no token"));
    }

    [Theory]
    [InlineData("GET", "pause")]
    [InlineData("GET", "resume")]
    [InlineData("GET", "limits")]
    [InlineData("HEAD", "pause")]
    [InlineData("PUT", "limits")]
    [InlineData("DELETE", "sessions")]
    [InlineData("POST", "events")]
    public async Task Method_OtherThanItsOwn_ChangesNothing(string method, string name)
    {
        await OpenAsync();

        using HttpResponseMessage answer = await SendAsync(new HttpMethod(method), _base + name, withCookie: true);

        Assert.Equal(HttpStatusCode.MethodNotAllowed, answer.StatusCode);
        Assert.Empty(_node.Done);
    }

    [Fact]
    public async Task Controls_FromThePage_Change()
    {
        await OpenAsync();

        foreach ((string name, string? body) in new[] { ("pause", null), ("resume", null), ("limits", """{"maxUpload":20,"maxDownload":null,"dailyQuota":1.5,"monthlyQuota":null}""") })
        {
            using HttpResponseMessage answer = await PostAsync(name, body);
            Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        }

        Assert.Equal(["pause", "resume", "caps"], _node.Done);
        Assert.Equal(new OwnerCaps(BitRate.FromMegabits(20), null, new ByteSize(3UL << 29), null), _node.Caps);
    }

    [Theory]
    [InlineData("")]
    [InlineData("{")]
    [InlineData("null")]
    [InlineData("""{"maxUpload":0}""")]
    [InlineData("""{"maxUpload":-1}""")]
    [InlineData("""{"maxUpload":0.063}""")]
    [InlineData("""{"maxUpload":1e300}""")]
    [InlineData("""{"monthlyQuota":1048577}""")]
    [InlineData("""{"maxUpload":"20"}""")]
    [InlineData("""{"maxUpload":20,"surprise":1}""")]
    [InlineData("{}")]
    [InlineData("""{"maxUpload":20,"maxDownload":null,"dailyQuota":null}""")]
    [InlineData("""{"maxUpload":0,"maxDownload":null,"dailyQuota":null,"monthlyQuota":null}""")]
    [InlineData("""{"maxUpload":null,"maxDownload":null,"dailyQuota":null,"monthlyQuota":1048577}""")]
    public async Task Limits_ThatAreNone_AreRefused(string body)
    {
        await OpenAsync();

        using HttpResponseMessage answer = await PostAsync("limits", body);

        Assert.Equal(HttpStatusCode.BadRequest, answer.StatusCode);
        Assert.Empty(_node.Done);
    }

    [Fact]
    public async Task Limits_ThatCannotBeKept_TellTheOwnerWhy()
    {
        await OpenAsync();
        _node.Fault = new IOException("no space left on device");

        using HttpResponseMessage answer = await PostAsync("limits", """{"maxUpload":null,"maxDownload":null,"dailyQuota":null,"monthlyQuota":null}""");

        Assert.Equal(HttpStatusCode.InternalServerError, answer.StatusCode);
        Assert.Contains("no space left on device", await answer.Content.ReadAsStringAsync(Cancellation), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Refusals_WithoutEnd_DoNotFillTheLog()
    {
        for (int i = 0; i < DashboardEndpoints.MaxLoggedRefusals * 2 + 10; i++)
        {
            using HttpResponseMessage answer = await SendAsync(HttpMethod.Get, "/nothing");
            Assert.Equal(HttpStatusCode.Forbidden, answer.StatusCode);
        }

        // Twice, should a minute have ended meanwhile.
        Assert.InRange(Refusals("no token"), DashboardEndpoints.MaxLoggedRefusals, 2 * DashboardEndpoints.MaxLoggedRefusals);
    }

    [Theory]
    [InlineData("/session")]
    [InlineData("limits")]
    public async Task Body_TooLarge_IsRefused(string name)
    {
        await OpenAsync();
        string body = new('1', DashboardOptions.MaxBodySize + 1);

        using HttpResponseMessage answer = await SendAsync(
            HttpMethod.Post, name[0] == '/' ? name : _base + name, request => request.Content = new StringContent(body), withCookie: true);

        Assert.Equal(HttpStatusCode.RequestEntityTooLarge, answer.StatusCode);
        Assert.Empty(_node.Done);
    }

    [Fact]
    public async Task Streams_MoreThanEight_AreRefusedUntilOneCloses()
    {
        await OpenAsync();
        var open = new List<HttpResponseMessage>();
        for (int i = 0; i < DashboardOptions.MaxStreams; i++)
        {
            HttpResponseMessage stream = await StreamAsync();
            Assert.Equal("text/event-stream", stream.Content.Headers.ContentType!.MediaType);
            open.Add(stream);
        }

        using (HttpResponseMessage ninth = await StreamAsync()) Assert.Equal(HttpStatusCode.ServiceUnavailable, ninth.StatusCode);
        open[0].Dispose();
        // The server learns of it when the connection's end has come through.
        HttpResponseMessage again = await StreamAsync();
        while (again.StatusCode == HttpStatusCode.ServiceUnavailable)
        {
            again.Dispose();
            again = await StreamAsync();
        }

        Assert.Equal(HttpStatusCode.OK, again.StatusCode);
        open.Add(again);
        open.ForEach(stream => stream.Dispose());
    }

    [Fact]
    public async Task Stream_Open_TellsTheNode()
    {
        await OpenAsync();
        using HttpResponseMessage stream = await StreamAsync();
        using var reader = new StreamReader(await stream.Content.ReadAsStreamAsync(Cancellation));

        string? line = await reader.ReadLineAsync(Cancellation);

        JsonElement told = JsonElement.Parse(line!["data: ".Length..]);
        Assert.Equal(2, told.GetProperty("sessionCount").GetInt32());
        Assert.Equal("DE", told.GetProperty("shares").GetProperty("region").GetString());
        Assert.False(told.GetProperty("controls").GetProperty("paused").GetBoolean());
    }

    [Fact]
    public async Task Ledger_Long_ComesFiftyAtATimeDownToTheReceipt()
    {
        await _node.FillLedgerAsync(sessions: 60, receipts: 70);
        await OpenAsync();

        JsonElement first = await GetAsync("sessions");
        JsonElement second = await GetAsync($"sessions?before={first.GetProperty("before").GetInt64()}");
        string session = first.GetProperty("rows")[0].GetProperty("id").GetString()!;
        JsonElement receipts = await GetAsync($"receipts?session={session}");
        JsonElement older = await GetAsync($"receipts?session={session}&before={receipts.GetProperty("before").GetInt64()}");

        Assert.Equal([50, 10, 50, 20], new[] { first, second, receipts, older }.Select(page => page.GetProperty("rows").GetArrayLength()));
        Assert.Equal(JsonValueKind.Null, second.GetProperty("before").ValueKind);
        Assert.Equal(69, receipts.GetProperty("rows")[0].GetProperty("sequence").GetInt32());
        Assert.Equal(0, older.GetProperty("rows")[19].GetProperty("sequence").GetInt32());
        Assert.Equal(
            receipts.GetProperty("rows")[49].GetProperty("previousHash").GetString(), older.GetProperty("rows")[0].GetProperty("hash").GetString());
    }

    [Theory]
    [InlineData("sessions?before=x")]
    [InlineData("sessions?before=-1")]
    [InlineData("sessions?before=99999999999999999999")]
    [InlineData("receipts")]
    [InlineData("receipts?session=00")]
    [InlineData("receipts?session=zz00000000000000000000000000000000000000000000000000000000000000")]
    public async Task Ledger_AskedForNonsense_SaysSo(string path)
    {
        await OpenAsync();

        using HttpResponseMessage answer = await SendAsync(HttpMethod.Get, _base + path, withCookie: true);

        Assert.Equal(HttpStatusCode.BadRequest, answer.StatusCode);
    }

    [Fact]
    public async Task Start_WhereSomebodyListensAlready_IsRefusedInOneLine()
    {
        RefusalException refusal = await Assert.ThrowsAsync<RefusalException>(() => DashboardServer.StartAsync(
            new DashboardOptions { EndPoint = new IPEndPoint(IPAddress.Loopback, _server.Address.Port) }, _node, TimeProvider.System, LoggerFactory.Create(_ => { }), Cancellation));

        Assert.Contains(Host, refusal.Message, StringComparison.Ordinal);
    }

    private string Token => _server.Address.Fragment["#token=".Length..];

    private int Refusals(string reason) => _log.GetSnapshot().Count(record => record.Id.Id == 6001 && record.Message.EndsWith($": {reason}.", StringComparison.Ordinal));

    private static void SetOrigin(HttpRequestMessage request, string origin)
    {
        request.Headers.Remove("Origin");
        request.Headers.TryAddWithoutValidation("Origin", origin);
    }

    private async Task OpenAsync()
    {
        using HttpResponseMessage answer = await SendAsync(HttpMethod.Post, "/session", request => request.Content = new StringContent(Token));
        _cookie = answer.Headers.GetValues("Set-Cookie").Single().Split(';')[0];
        _base = JsonElement.Parse(await answer.Content.ReadAsStringAsync(Cancellation)).GetProperty("base").GetString()!;
    }

    private Task<HttpResponseMessage> PostAsync(string name, string? body) => SendAsync(
        HttpMethod.Post, _base + name, request => request.Content = body is null ? null : new StringContent(body, Encoding.UTF8, "application/json"), withCookie: true);

    private Task<HttpResponseMessage> StreamAsync() => SendAsync(HttpMethod.Get, _base + "events", withCookie: true);

    private async Task<JsonElement> GetAsync(string path)
    {
        using HttpResponseMessage answer = await SendAsync(HttpMethod.Get, _base + path, withCookie: true);
        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        return JsonElement.Parse(await answer.Content.ReadAsStringAsync(Cancellation));
    }

    private Task<HttpResponseMessage> SendAsync(HttpMethod method, string path, Action<HttpRequestMessage>? change = null, bool withCookie = false)
    {
        var request = new HttpRequestMessage(method, new Uri(_server.Address, path));
        if (method != HttpMethod.Get) SetOrigin(request, $"http://{Host}");
        if (withCookie) request.Headers.Add("Cookie", _cookie);
        change?.Invoke(request);
        return _client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, Cancellation);
    }
}
