using System.Buffers;
using System.Text;
using CsCheck;
using Overlay.Using;

namespace Overlay.Tests.Using;

public class HttpParsingTests
{
    private static readonly HttpProxyOptions s_options = new();

    [Fact]
    public void Head_CutAtEveryByte_WaitsAndThenIsWhole()
    {
        const string Text = "\r\nGET http://a/ HTTP/1.1\r\nHost:a\r\nX-Empty:\r\nX-List: a, b \t\r\n\r\n";
        var parser = new HttpHeadParser(s_options);
        var held = new List<byte>();
        HttpHead? head = null;
        foreach (byte next in Encoding.Latin1.GetBytes(Text))
        {
            Assert.Null(head);
            held.Add(next);
            var input = new ReadOnlySequence<byte>([.. held]);
            head = parser.Advance(ref input);
            held = [.. input.ToArray()];
        }

        Assert.NotNull(head);
        Assert.Empty(held);
        Assert.Equal("GET http://a/ HTTP/1.1", head.StartLine);
        Assert.Equal([new("Host", "a"), new("X-Empty", ""), new("X-List", "a, b")], head.Fields);
    }

    [Theory]
    [InlineData("GET / HTTP/1.1\nHost: a\r\n\r\n")]
    [InlineData("GET / HTTP/1.1\rHost: a\r\n\r\n")]
    [InlineData("GET / HTTP/1.1\r\nHost: a\n\r\n")]
    [InlineData("GET / HTTP/1.1\r\nHost: a\rb\r\n\r\n")]
    [InlineData("GET / HTTP/1.1\r\nHost: a\r\n folded\r\n\r\n")]
    [InlineData("GET / HTTP/1.1\r\n Host: a\r\n\r\n")]
    [InlineData("GET / HTTP/1.1\r\nHost : a\r\n\r\n")]
    [InlineData("GET / HTTP/1.1\r\nHost\t: a\r\n\r\n")]
    [InlineData("GET / HTTP/1.1\r\n: a\r\n\r\n")]
    [InlineData("GET / HTTP/1.1\r\nno colon\r\n\r\n")]
    [InlineData("GET / HTTP/1.1\r\nHost: a\0b\r\n\r\n")]
    [InlineData("GET / HTTP/1.1\r\nHo\u00e9st: a\r\n\r\n")]
    [InlineData("\r\n\r\nGET / HTTP/1.1\r\n\r\n")]
    [InlineData("GET\0/ HTTP/1.1\r\n\r\n")]
    public void Head_TwoWaysToReadIt_IsRefused(string text) => Assert.Equal(400, Assert.Throws<HttpFormatException>(() => Parse(text)).Status);

    [Fact]
    public void Head_OverALimit_IsRefusedAsSoonAsItIs()
    {
        Assert.Equal(414, Assert.Throws<HttpFormatException>(() => Parse(new string('a', s_options.MaxLineSize + 1))).Status);
        Assert.Equal(431, Assert.Throws<HttpFormatException>(() => Parse("GET / HTTP/1.1\r\nA: " + new string('a', s_options.MaxLineSize))).Status);
        string field = "A: " + new string('a', 1000) + "\r\n";
        Assert.Equal(431, Assert.Throws<HttpFormatException>(() => Parse("GET / HTTP/1.1\r\n" + string.Concat(Enumerable.Repeat(field, 40)))).Status);
        Assert.Equal(431, Assert.Throws<HttpFormatException>(() => Parse("GET / HTTP/1.1\r\n" + string.Concat(Enumerable.Repeat("a:b\r\n", s_options.MaxFieldCount + 1)))).Status);
        Assert.NotNull(Parse("GET / HTTP/1.1\r\n" + string.Concat(Enumerable.Repeat("a:b\r\n", s_options.MaxFieldCount)) + "\r\n"));
    }

    [Theory]
    [InlineData("GET  / HTTP/1.1", 400)]
    [InlineData("GET / HTTP/1.1 ", 400)]
    [InlineData("GET /", 400)]
    [InlineData("G@T / HTTP/1.1", 400)]
    [InlineData("GET /\u00e9 HTTP/1.1", 400)]
    [InlineData("GET\t/ HTTP/1.1", 400)]
    [InlineData("GET / http/1.1", 400)]
    [InlineData("GET / HTTP/2.0", 505)]
    [InlineData("GET / HTTP/1.2", 505)]
    public void RequestLine_Malformed_IsRefused(string line, int status) => Assert.Equal(status, Assert.Throws<HttpFormatException>(() => RequestLine.Parse(line)).Status);

    [Theory]
    [InlineData("HTTP/1.1 20 OK")]
    [InlineData("HTTP/1.1 2000 OK")]
    [InlineData("HTTP/1.1  200 OK")]
    [InlineData("HTTP/1.1 +20 OK")]
    [InlineData("HTTP/1.1 099 OK")]
    [InlineData("HTTP/1.1 600 OK")]
    [InlineData("HTTP/2 200")]
    [InlineData("ICY 200 OK")]
    [InlineData("")]
    public void StatusLine_Malformed_IsTheTargetsFault(string line) => Assert.Equal(502, Assert.Throws<HttpFormatException>(() => StatusLine.Parse(line)).Status);

    [Theory]
    [InlineData("Content-Length: 1\r\nContent-Length: 1")]
    [InlineData("Content-Length: 1\r\nContent-Length: 2")]
    [InlineData("Content-Length: 1, 1")]
    [InlineData("Content-Length: 1\r\nTransfer-Encoding: chunked")]
    [InlineData("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked")]
    [InlineData("Transfer-Encoding: chunked, chunked")]
    [InlineData("Transfer-Encoding: gzip, chunked")]
    [InlineData("Transfer-Encoding: xchunked")]
    [InlineData("Transfer-Encoding: identity")]
    [InlineData("Content-Length: -1")]
    [InlineData("Content-Length: +1")]
    [InlineData("Content-Length: 0x10")]
    [InlineData("Content-Length:")]
    [InlineData("Content-Length: 1 2")]
    [InlineData("Content-Length: 9223372036854775808")]
    public void Framing_Ambiguous_IsRefused(string fields) =>
        Assert.Throws<HttpFormatException>(() => HttpBody.OfRequest(Parse("POST / HTTP/1.1\r\n" + fields + "\r\n\r\n")!, isHttp11: true, s_options));

    [Fact]
    public void Framing_ChunkedInHttp10_IsRefused() =>
        Assert.Throws<HttpFormatException>(() => HttpBody.OfRequest(Parse("POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n")!, isHttp11: false, s_options));

    [Theory]
    [InlineData("0\r\n\r\n")]
    [InlineData("5\r\nhello\r\n0\r\n\r\n")]
    [InlineData("A;name=value;q=\"x\"\r\n0123456789\r\n000\r\nTrailer: x\r\nOther: y\r\n\r\n")]
    [InlineData("1\r\n\n\r\n1\r\n\r\r\n0\r\n\r\n")]
    public void Chunked_CutAtEveryByte_EndsExactlyAtItsEnd(string text)
    {
        byte[] bytes = Encoding.Latin1.GetBytes(text);
        var whole = new ChunkedBody(100, 100, 400);
        Assert.Equal(bytes.Length, whole.Take([.. bytes, (byte)'G', (byte)'E']));
        Assert.True(whole.IsComplete);

        var cut = new ChunkedBody(100, 100, 400);
        foreach (byte next in bytes)
        {
            Assert.False(cut.IsComplete);
            Assert.Equal(1, cut.Take([next]));
        }

        Assert.True(cut.IsComplete);
        Assert.Equal(0, cut.Take("more"u8));
    }

    [Theory]
    [InlineData("\r\n")]
    [InlineData("g\r\n")]
    [InlineData(" 5\r\n")]
    [InlineData("5 \r\nhello")]
    [InlineData("+5\r\n")]
    [InlineData("0x5\r\n")]
    [InlineData("5\nhello")]
    [InlineData("5\rhello")]
    [InlineData("5;a\nhello")]
    [InlineData("5\r\nhello0\r\n\r\n")]
    [InlineData("5\r\nhello\n0\r\n")]
    [InlineData("0\r\nTrailer: x\n\r\n")]
    [InlineData("1000000000000000\r\n")]
    public void Chunked_Malformed_IsRefused(string text) => Assert.Throws<HttpFormatException>(() => new ChunkedBody(100, 100, 400).Take(Encoding.Latin1.GetBytes(text)));

    [Fact]
    public void Chunked_EndlessExtensionOrTrailer_IsRefused()
    {
        Assert.Throws<HttpFormatException>(() => new ChunkedBody(100, 100, 400).Take(Encoding.Latin1.GetBytes("5;" + new string('a', 101))));
        Assert.Throws<HttpFormatException>(() => new ChunkedBody(100, 100, 400).Take(Encoding.Latin1.GetBytes("0\r\n" + string.Concat(Enumerable.Repeat("a:b\r\n", 40)))));
    }

    [Fact]
    public void Parsers_AnyBytes_AnswerOrRefuseWithTheirOwnError() =>
        Gen.OneOf(Gen.Byte.Array[0, 200], Gen.Int[0, 9].Select(i => "GT /:\r\n15;"u8[i]).Array[0, 200]).Sample(bytes =>
        {
            try
            {
                var input = new ReadOnlySequence<byte>(bytes);
                HttpHead? head = new HttpHeadParser(s_options).Advance(ref input);
                if (head is not null) RequestLine.Parse(head.StartLine);
            }
            catch (HttpFormatException)
            {
            }

            try
            {
                new ChunkedBody(20, 20, 400).Take(bytes);
            }
            catch (HttpFormatException)
            {
            }
        });

    [Theory]
    [InlineData("http://example.org", "example.org", 80, "example.org", "/")]
    [InlineData("HTTP://Example.org:80/", "Example.org", 80, "Example.org", "/")]
    [InlineData("http://example.org:8080/a/b?c=d", "example.org", 8080, "example.org:8080", "/a/b?c=d")]
    [InlineData("http://example.org?q", "example.org", 80, "example.org", "/?q")]
    [InlineData("http://[2001:db8::1]:81/", "2001:db8::1", 81, "[2001:db8::1]:81", "/")]
    [InlineData("http://example.org:/", "example.org", 80, "example.org", "/")]
    public void Target_Absolute_IsTakenApart(string text, string host, int port, string authority, string path) =>
        Assert.Equal(new ProxyTarget(host, port, authority, path), ProxyTarget.ParseAbsolute("GET", text));

    [Theory]
    [InlineData("/path")]
    [InlineData("*")]
    [InlineData("https://example.org/")]
    [InlineData("ftp://example.org/")]
    [InlineData("http:///path")]
    [InlineData("http://")]
    [InlineData("http://user@example.org/")]
    [InlineData("http://user:pass@example.org/")]
    [InlineData("http://example.org:0/")]
    [InlineData("http://example.org:65536/")]
    [InlineData("http://example.org:+80/")]
    [InlineData("http://example.org:80:80/")]
    [InlineData("http://example.org/#f")]
    [InlineData("http://exa%6dple.org/")]
    [InlineData("http://[::1/")]
    [InlineData("http://[]/")]
    [InlineData("http://[::1]x/")]
    [InlineData("http://[::1%25lo]/")]
    [InlineData("http://exa\\mple.org/")]
    public void Target_NotAnHttpUri_IsRefused(string text) => Assert.Equal(400, Assert.Throws<HttpFormatException>(() => ProxyTarget.ParseAbsolute("GET", text)).Status);

    [Theory]
    [InlineData("example.org")]
    [InlineData("example.org:")]
    [InlineData(":443")]
    [InlineData("example.org:443/")]
    [InlineData("http://example.org:443")]
    [InlineData("[::1]")]
    [InlineData("::1:443")]
    public void Target_NotAnAuthority_IsRefused(string text) => Assert.Equal(400, Assert.Throws<HttpFormatException>(() => ProxyTarget.ParseAuthority(text)).Status);

    [Fact]
    public void Forwarded_Request_IsOriginFormWithoutFieldsOfTheHop()
    {
        HttpHead head = Parse(
            "GET http://real.example/x HTTP/1.1\r\nHost: forged.example\r\nConnection: keep-alive, X-Hop\r\nX-Hop: 1\r\nProxy-Connection: keep-alive\r\n" +
            "Proxy-Authorization: Basic eA==\r\nKeep-Alive: 5\r\nTE: trailers\r\nUpgrade: h2c\r\nAccept: */*\r\nCookie: \u00e9\r\n\r\n")!;

        string text = Encoding.Latin1.GetString(ForwardedHead.OfRequest(RequestLine.Parse(head.StartLine), head, ProxyTarget.ParseAbsolute("GET", "http://real.example/x")));

        Assert.Equal("GET /x HTTP/1.1\r\nHost: real.example\r\nAccept: */*\r\nCookie: \u00e9\r\nConnection: close\r\n\r\n", text);
    }

    [Theory]
    [InlineData("Content-Length")]
    [InlineData("transfer-encoding")]
    [InlineData("Host")]
    public void Forwarded_ConnectionNamesAFieldOfTheMessage_IsRefused(string name)
    {
        HttpHead head = Parse($"GET http://a/ HTTP/1.1\r\nHost: a\r\nConnection: {name}\r\n\r\n")!;

        Assert.Throws<HttpFormatException>(() => ForwardedHead.OfRequest(RequestLine.Parse(head.StartLine), head, ProxyTarget.ParseAbsolute("GET", "http://a/")));
    }

    private static HttpHead? Parse(string text)
    {
        var input = new ReadOnlySequence<byte>(Encoding.Latin1.GetBytes(text));
        return new HttpHeadParser(s_options).Advance(ref input);
    }
}
