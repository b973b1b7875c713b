using System.Collections.Frozen;
using System.Globalization;
using System.Text;

namespace Overlay.Using;

/// <summary>Rewrites heads on their way through the proxy (RFC 9110, section 7.6; RFC 9112, sections 3.2 and 9).</summary>
/// <remarks>
/// Departs from RFC 9110, section 7.6.3, in one point: no Via field is added. It would tell every site that its visitor comes through a proxy, and a loop, which
/// it is there to show, cannot arise: an exit does not connect to its own host. Upgrades are not forwarded; WebSocket clients use CONNECT with proxies anyway.
/// </remarks>
internal static class ForwardedHead
{
    private static readonly FrozenSet<string> s_hopByHop = FrozenSet.Create(
        StringComparer.OrdinalIgnoreCase,
        "Connection", "Proxy-Connection", "Keep-Alive", "TE", "Upgrade", "HTTP2-Settings", "Proxy-Authorization", "Proxy-Authenticate", "Proxy-Authentication-Info");

    // Were one of these dropped because Connection names it, the next hop would read the message differently from this one.
    private static readonly FrozenSet<string> s_neverDropped = FrozenSet.Create(StringComparer.OrdinalIgnoreCase, "Host", "Content-Length", "Transfer-Encoding");

    /// <summary>Whether the sender wants the connection to end after this message.</summary>
    public static bool WantsClose(HttpHead head) =>
        head.List("Connection").Concat(head.List("Proxy-Connection")).Contains("close", StringComparer.OrdinalIgnoreCase);

    /// <summary>The request as it goes to the target: origin-form, the URI's Host, nothing of this hop. One request for each connection.</summary>
    /// <exception cref="HttpFormatException">Connection names a field that the message needs.</exception>
    public static byte[] OfRequest(RequestLine line, HttpHead head, ProxyTarget target)
    {
        // An HTTP/1.0 client is spoken for in HTTP/1.0, so that no answer comes that it would not understand.
        var text = new StringBuilder(1024).Append(line.Method).Append(' ').Append(target.Path).Append(line.IsHttp11 ? " HTTP/1.1\r\n" : " HTTP/1.0\r\n");
        text.Append("Host: ").Append(target.Authority).Append("\r\n");
        foreach (HttpField field in EndToEnd(head, 400))
        {
            if (field.Is("Host")) continue;
            string value = field.Is("Max-Forwards") && line.Method == "OPTIONS" ? Decremented(field.Value) : field.Value;
            text.Append(field.Name).Append(": ").Append(value).Append("\r\n");
        }

        return Encoding.Latin1.GetBytes(text.Append("Connection: close\r\n\r\n").ToString());
    }

    /// <summary>The response as it goes to the client.</summary>
    /// <exception cref="HttpFormatException">Connection names a field that the message needs.</exception>
    public static byte[] OfResponse(StatusLine line, HttpHead head, bool close)
    {
        var text = new StringBuilder(1024).Append(CultureInfo.InvariantCulture, $"HTTP/1.1 {line.Status} {line.Reason}\r\n");
        foreach (HttpField field in EndToEnd(head, 502)) text.Append(field.Name).Append(": ").Append(field.Value).Append("\r\n");
        if (close) text.Append("Connection: close\r\n");
        return Encoding.Latin1.GetBytes(text.Append("\r\n").ToString());
    }

    private static IEnumerable<HttpField> EndToEnd(HttpHead head, int errorStatus)
    {
        var named = head.List("Connection").Concat(head.List("Proxy-Connection")).ToHashSet(StringComparer.OrdinalIgnoreCase);
        if (named.Overlaps(s_neverDropped)) throw new HttpFormatException(errorStatus, "Connection names a field that is not of one hop only.");
        return head.Fields.Where(field => !s_hopByHop.Contains(field.Name) && !named.Contains(field.Name));
    }

    // RFC 9110, section 7.6.2. Zero is answered before it comes to this; what is no number stays as it is.
    private static string Decremented(string value) =>
        int.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out int left) && left > 0 ? (left - 1).ToString(CultureInfo.InvariantCulture) : value;
}
