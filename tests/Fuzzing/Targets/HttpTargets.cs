using System.Buffers;
using System.Text;
using Overlay.Fuzzing.Engine;
using Overlay.Using;

namespace Overlay.Fuzzing.Targets;

/// <summary>A client's request to the HTTP proxy: its head, where it leads, where its body ends, and the head that goes on to the target.</summary>
/// <remarks>Input: the size of the pieces, then the bytes. The target must read in the forwarded head what this side read in the client's, or one request could hide another.</remarks>
internal sealed class HttpRequestTarget : FuzzTarget
{
    private static readonly HttpProxyOptions s_limits = new();

    internal override string Name => "http-request";

    internal override int MaxSize => 4096;

    // Lists, strings of 22 bytes beside their characters for each part, and an exception.
    internal override int FixedAllocation => 40 * 1024;

    internal override IEnumerable<byte[]> Seeds => HttpSamples.Requests.Select(text => (byte[])[7, .. Encoding.Latin1.GetBytes(text)]);

    internal override IReadOnlyList<byte[]> Words => HttpSamples.Words;

    internal override bool Run(ReadOnlySpan<byte> input, AllocationMeter meter)
    {
        var parts = new FuzzInput(input);
        int pieceSize = parts.TakeByte();
        byte[] bytes = parts.Rest.ToArray();
        meter.Start();
        try
        {
            return Check(bytes, pieceSize, meter);
        }
        catch (HttpFormatException refused)
        {
            Invariant.Holds(refused.Status is 400 or 414 or 431 or 501 or 505 && refused.Message.Length > 0, $"A client is told what is wrong with its request: {refused}");
            return false;
        }
        finally
        {
            meter.Stop();
        }
    }

    private static bool Check(byte[] bytes, int pieceSize, AllocationMeter meter)
    {
        HttpHead? head = HttpSamples.Parse(bytes, int.MaxValue, s_limits, out int consumed);
        if (head is null) return false;
        RequestLine line = RequestLine.Parse(head.StartLine);
        HttpBody body = HttpBody.OfRequest(head, line.IsHttp11, s_limits);
        int bodySize = HttpSamples.Follow(body, bytes.AsSpan(consumed), int.MaxValue);
        ProxyTarget where = line.Method == "CONNECT" ? ProxyTarget.ParseAuthority(line.Target) : ProxyTarget.ParseAbsolute(line.Method, line.Target);
        byte[] forwarded = line.Method == "CONNECT" ? [] : ForwardedHead.OfRequest(line, head, where);
        meter.Stop();

        HttpHead? cut = HttpSamples.Parse(bytes, pieceSize, s_limits, out int sameConsumed);
        Invariant.Holds(cut is not null && cut.StartLine == head.StartLine && cut.Fields.SequenceEqual(head.Fields) && sameConsumed == consumed, "Where the bytes are cut makes no difference.");
        int sameBodySize = HttpSamples.Follow(HttpBody.OfRequest(head, line.IsHttp11, s_limits), bytes.AsSpan(consumed), pieceSize);
        Invariant.Same(bodySize, sameBodySize, "Where a body is cut makes no difference");
        Invariant.Holds(where.Port is > 0 and <= 65535 && where.Host.Length is > 0 and <= 255, "A target has a host and a port.");
        if (forwarded.Length > 0) CheckForwarded(forwarded, line, head, where);
        meter.Start();
        return body.IsComplete;
    }

    private static void CheckForwarded(byte[] forwarded, RequestLine line, HttpHead head, ProxyTarget where)
    {
        // What is added is one Host and one Connection, so the target's limits are no less than ours.
        var limits = s_limits with { MaxHeadSize = 1024 * 1024, MaxLineSize = 1024 * 1024, MaxFieldCount = s_limits.MaxFieldCount + 2 };
        HttpHead? again = HttpSamples.Parse(forwarded, int.MaxValue, limits, out int size);
        Invariant.Holds(again is not null && size == forwarded.Length, "One head goes on, and nothing behind it.");
        RequestLine sameLine = RequestLine.Parse(again.StartLine);
        Invariant.Holds(sameLine.Method == line.Method && sameLine.Target == where.Path && sameLine.IsHttp11 == line.IsHttp11, "The request that goes on is the client's.");
        Invariant.Same(where.Authority, again.Single("Host")!, "The target is told the host that it was chosen by");
        Invariant.Same("close", again.Single("Connection")!, "The target is told that there is one request");
        foreach (string framing in new[] { "Content-Length", "Transfer-Encoding" }) Invariant.Same(head.Single(framing), again.Single(framing), "The target reads the same length");
        Invariant.Same(0, again.Count("Proxy-Authorization") + again.Count("Proxy-Connection") + again.Count("Upgrade"), "Nothing of this hop goes on");
    }
}

/// <summary>A target's answer on its way to the client.</summary>
/// <remarks>Input: the method it answers (bits 0 and 1 of the first byte), the size of the pieces, then the bytes.</remarks>
internal sealed class HttpResponseTarget : FuzzTarget
{
    private static readonly HttpProxyOptions s_limits = new();
    private static readonly string[] s_methods = ["GET", "HEAD", "POST", "OPTIONS"];

    internal override string Name => "http-response";

    internal override int MaxSize => 4096;

    // As for a request.
    internal override int FixedAllocation => 40 * 1024;

    internal override IEnumerable<byte[]> Seeds => HttpSamples.Responses.Select(text => (byte[])[0, 7, .. Encoding.Latin1.GetBytes(text)]);

    internal override IReadOnlyList<byte[]> Words => HttpSamples.Words;

    internal override bool Run(ReadOnlySpan<byte> input, AllocationMeter meter)
    {
        var parts = new FuzzInput(input);
        string method = s_methods[parts.TakeByte() % s_methods.Length];
        int pieceSize = parts.TakeByte();
        byte[] bytes = parts.Rest.ToArray();
        meter.Start();
        try
        {
            HttpHead? head = HttpSamples.Parse(bytes, int.MaxValue, s_limits, out int consumed);
            if (head is null) return false;
            StatusLine status = StatusLine.Parse(head.StartLine);
            HttpBody body = HttpBody.OfResponse(head, status, method, s_limits);
            int bodySize = HttpSamples.Follow(body, bytes.AsSpan(consumed), int.MaxValue);
            byte[] forwarded = ForwardedHead.OfResponse(status, head, close: true);
            meter.Stop();
            Invariant.Same(bodySize, HttpSamples.Follow(HttpBody.OfResponse(head, status, method, s_limits), bytes.AsSpan(consumed), pieceSize), "Where a body is cut makes no difference");
            CheckForwarded(forwarded, status, head, method);
            meter.Start();
            return true;
        }
        catch (HttpFormatException refused)
        {
            Invariant.Holds(refused.Status is 400 or 414 or 431 or 502, $"What is wrong with an answer is known: {refused}");
            return false;
        }
        finally
        {
            meter.Stop();
        }
    }

    private static void CheckForwarded(byte[] forwarded, StatusLine status, HttpHead head, string method)
    {
        var limits = s_limits with { MaxHeadSize = 1024 * 1024, MaxLineSize = 1024 * 1024, MaxFieldCount = s_limits.MaxFieldCount + 1 };
        HttpHead? again = HttpSamples.Parse(forwarded, int.MaxValue, limits, out int size);
        Invariant.Holds(again is not null && size == forwarded.Length, "One head goes on, and nothing behind it.");
        StatusLine sameStatus = StatusLine.Parse(again.StartLine);
        Invariant.Holds(sameStatus.Status == status.Status && sameStatus.Reason == status.Reason, "The status that goes on is the target's.");
        foreach (string framing in new[] { "Content-Length", "Transfer-Encoding" }) Invariant.Same(head.Single(framing), again.Single(framing), "The client reads the same length");
        // An answer goes to the client as HTTP/1.1 whatever it came as, so its framing must mean the same there.
        HttpBody body = HttpBody.OfResponse(again, sameStatus, method, s_limits);
        HttpBody original = HttpBody.OfResponse(head, status, method, s_limits);
        Invariant.Same((original.GetType(), original.IsComplete, original.EndsWithConnection), (body.GetType(), body.IsComplete, body.EndsWithConnection), "The client finds the same end");
    }
}

/// <summary>A chunked body, whole and in pieces.</summary>
/// <remarks>Input: the size of the pieces, then the bytes.</remarks>
internal sealed class HttpChunkedTarget : FuzzTarget
{
    private static readonly HttpProxyOptions s_limits = new() { MaxLineSize = 256, MaxHeadSize = 1024 };

    internal override string Name => "http-chunked";

    internal override IEnumerable<byte[]> Seeds => HttpSamples.ChunkedBodies.Select(text => (byte[])[3, .. Encoding.Latin1.GetBytes(text)]);

    internal override IReadOnlyList<byte[]> Words { get; } = ["\r\n"u8.ToArray(), "0\r\n\r\n"u8.ToArray(), "5\r\nabcde\r\n"u8.ToArray(), ";a=b"u8.ToArray(), "fffffffffffffff"u8.ToArray()];

    internal override bool Run(ReadOnlySpan<byte> input, AllocationMeter meter)
    {
        var parts = new FuzzInput(input);
        int pieceSize = parts.TakeByte();
        meter.Start();
        (int size, bool complete, bool malformed) whole = Follow(parts.Rest, int.MaxValue);
        meter.Stop();
        Invariant.Same(whole, Follow(parts.Rest, pieceSize), "Where a body is cut makes no difference");
        if (whole.complete) Invariant.Holds(parts.Rest[..whole.size].EndsWith("\r\n"u8), "A body ends with an empty line.");
        if (whole.complete) Invariant.Same(whole, Follow([.. parts.Rest[..whole.size], 1, 2, 3], int.MaxValue), "What follows a body is not its own");
        return whole.complete;
    }

    private static (int Size, bool Complete, bool Malformed) Follow(ReadOnlySpan<byte> bytes, int pieceSize)
    {
        var body = new ChunkedBody(s_limits.MaxLineSize, s_limits.MaxHeadSize, 400);
        try
        {
            int size = HttpSamples.Follow(body, bytes, pieceSize);
            return (size, body.IsComplete, false);
        }
        catch (HttpFormatException refused)
        {
            Invariant.Same(400, refused.Status, "A malformed body is answered as it was asked for");
            return (0, false, true);
        }
    }
}

internal static class HttpSamples
{
    internal static IReadOnlyList<string> Requests { get; } =
    [
        "GET http://example.com/a?b=c HTTP/1.1\r\nHost: example.com\r\nAccept: */*\r\n\r\n",
        "POST http://example.com:8080/form HTTP/1.1\r\nHost: example.com:8080\r\nContent-Length: 5\r\nProxy-Connection: keep-alive\r\n\r\nhello",
        "PUT http://[2001:db8::1]/x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nConnection: close, X-Hop\r\nX-Hop: 1\r\n\r\n5;x=y\r\nabcde\r\n0\r\nTrailer: 1\r\n\r\n",
        "CONNECT example.com:443 HTTP/1.1\r\nHost: example.com:443\r\nProxy-Authorization: Basic dXNlcjpzZWNyZXQ=\r\n\r\n",
        "OPTIONS http://example.com HTTP/1.1\r\nHost: example.com\r\nMax-Forwards: 3\r\n\r\n",
        "\r\nGET http://example.com HTTP/1.0\r\n\r\n",
        "HEAD http://a HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nTE: trailers\r\n\r\n",
    ];

    internal static IReadOnlyList<string> Responses { get; } =
    [
        "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nConnection: keep-alive\r\n\r\nabc",
        "HTTP/1.1 200 \r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
        "HTTP/1.0 302 Found\r\nLocation: http://b/\r\nKeep-Alive: timeout=5\r\n\r\n<html>",
        "HTTP/1.1 204 No Content\r\n\r\n",
        "HTTP/1.1 100 Continue\r\n\r\n",
        "HTTP/1.1 304\r\nContent-Length: 10\r\n\r\n",
    ];

    internal static IReadOnlyList<string> ChunkedBodies { get; } =
        ["0\r\n\r\n", "5\r\nabcde\r\n0\r\n\r\nrest", "a;name=value\r\n0123456789\r\n00\r\nTrailer: x\r\nOther: y\r\n\r\n", "fffffffffffffff\r\nabc", "5\r\nabcde0\r\n\r\n"];

    internal static IReadOnlyList<byte[]> Words { get; } =
    [
        .. new[]
        {
            "\r\n", "\r\n\r\n", "Host: ", "Content-Length: ", "Content-Length: 0\r\n", "Transfer-Encoding: chunked\r\n", "Transfer-Encoding: ", "Connection: ", "Host", "close",
            " HTTP/1.1", " HTTP/1.0", "HTTP/1.1 200 ", "http://", "[::1]", ":80", "CONNECT ", "Max-Forwards: ", "0\r\n\r\n", "\t", "\n", "\r", ":", "é",
        }.Select(Encoding.Latin1.GetBytes),
    ];

    /// <summary>Parses a head of bytes that arrive in pieces; null when there are too few.</summary>
    internal static HttpHead? Parse(byte[] bytes, int pieceSize, HttpProxyOptions limits, out int consumed)
    {
        var parser = new HttpHeadParser(limits);
        consumed = 0;
        for (int end = 0; end < bytes.Length;)
        {
            end = (int)Math.Min(bytes.Length, (long)end + Math.Max(1, pieceSize));
            var rest = new ReadOnlySequence<byte>(bytes, consumed, end - consumed);
            HttpHead? head = parser.Advance(ref rest);
            consumed = end - (int)rest.Length;
            if (head is not null) return head;
        }

        return null;
    }

    /// <summary>Follows a body to its end or that of the bytes, and says how many are its own.</summary>
    internal static int Follow(HttpBody body, ReadOnlySpan<byte> bytes, int pieceSize)
    {
        int size = 0;
        while (!body.IsComplete && size < bytes.Length)
        {
            int count = body.Take(bytes.Slice(size, Math.Min(Math.Max(1, pieceSize), bytes.Length - size)));
            Invariant.Holds(count > 0, "A body that is not complete takes some of what there is.");
            size += count;
        }

        return size;
    }
}
