using System.Globalization;

namespace Overlay.Using;

/// <summary>Finds the end of a message's body in the bytes that follow its head (RFC 9112, sections 6 and 7), without I/O and without changing a byte.</summary>
internal abstract class HttpBody
{
    /// <summary>All bytes of the body have been taken.</summary>
    public abstract bool IsComplete { get; }

    /// <summary>The body has no end of its own but the connection's.</summary>
    public virtual bool EndsWithConnection => false;

    /// <summary>How many of the next bytes are the body's.</summary>
    /// <returns>1 to all of them, or 0 when <see cref="IsComplete"/>.</returns>
    /// <exception cref="HttpFormatException">The framing is malformed.</exception>
    public abstract int Take(ReadOnlySpan<byte> input);

    /// <summary>The body that follows a request's head.</summary>
    /// <exception cref="HttpFormatException">The head does not say without doubt where the body ends.</exception>
    public static HttpBody OfRequest(HttpHead head, bool isHttp11, HttpProxyOptions limits) =>
        Framed(head, isHttp11, limits, 400) ?? new SizedBody(0);

    /// <summary>The body that follows a response's head.</summary>
    /// <exception cref="HttpFormatException">The head does not say without doubt where the body ends.</exception>
    public static HttpBody OfResponse(HttpHead head, StatusLine status, string method, HttpProxyOptions limits)
    {
        HttpBody body = Framed(head, status.IsHttp11, limits, 502) ?? new UnboundedBody();
        return method == "HEAD" || status.Status is < 200 or 204 or 304 ? new SizedBody(0) : body;
    }

    private static HttpBody? Framed(HttpHead head, bool isHttp11, HttpProxyOptions limits, int errorStatus)
    {
        int encodings = head.Count("Transfer-Encoding");
        int lengths = head.Count("Content-Length");
        if (encodings + lengths > 1) throw new HttpFormatException(errorStatus, "The message gives its length more than once.");
        if (encodings == 1)
        {
            if (!isHttp11) throw new HttpFormatException(errorStatus, "HTTP/1.0 has no transfer codings.");
            if (!head.Single("Transfer-Encoding")!.Equals("chunked", StringComparison.OrdinalIgnoreCase))
                throw new HttpFormatException(errorStatus == 400 ? 501 : errorStatus, "The proxy knows no transfer coding but chunked.");
            return new ChunkedBody(limits.MaxLineSize, limits.MaxHeadSize, errorStatus);
        }

        if (lengths == 0) return null;
        if (!long.TryParse(head.Single("Content-Length"), NumberStyles.None, CultureInfo.InvariantCulture, out long size))
            throw new HttpFormatException(errorStatus, "Content-Length is malformed.");
        return new SizedBody(size);
    }

    private sealed class SizedBody(long size) : HttpBody
    {
        private long _left = size;

        public override bool IsComplete => _left == 0;

        public override int Take(ReadOnlySpan<byte> input)
        {
            int count = (int)Math.Min(_left, input.Length);
            _left -= count;
            return count;
        }
    }

    private sealed class UnboundedBody : HttpBody
    {
        public override bool IsComplete => false;

        public override bool EndsWithConnection => true;

        public override int Take(ReadOnlySpan<byte> input) => input.Length;
    }
}
