using System.Globalization;
using System.Text;
using Overlay.Sessions;

namespace Overlay.Using;

/// <summary>An answer of the proxy itself, with its reason as text and as a Proxy-Status field (RFC 9209).</summary>
/// <param name="Status">HTTP status.</param>
/// <param name="ErrorType">A type of RFC 9209, section 2.3; null when no request was forwarded.</param>
/// <param name="Text">The reason. May come from a provider: only printable ASCII of it is shown.</param>
internal sealed record ProxyAnswer(int Status, string? ErrorType, string Text)
{
    private const int MaxTextLength = 200;

    /// <summary>What a client is told about a connection that did not come about.</summary>
    public static ProxyAnswer For(ConnectRefusedException refused)
    {
        (int status, string type) = refused.Code switch
        {
            ConnectCode.Policy or ConnectCode.NotAllowed => (403, "destination_ip_prohibited"),
            ConnectCode.Credit => (503, "http_request_denied"),
            ConnectCode.Capacity or ConnectCode.OwnerBusy => (503, "connection_limit_reached"),
            ConnectCode.TimedOut => (504, "connection_timeout"),
            ConnectCode.ConnectionRefused => (502, "connection_refused"),
            ConnectCode.HostUnreachable => (502, "destination_not_found"),
            ConnectCode.NetworkUnreachable => (502, "destination_ip_unroutable"),
            ConnectCode.AddressTypeNotSupported => (502, "destination_not_found"),
            _ => (502, "destination_unavailable"),
        };
        return new ProxyAnswer(status, type, refused.Message);
    }

    /// <summary>The whole response.</summary>
    /// <param name="close">Whether the connection ends with it.</param>
    /// <param name="withBody">False in answer to HEAD.</param>
    public byte[] Compose(bool close, bool withBody)
    {
        string shown = string.Concat(Text.Take(MaxTextLength).Select(c => c is >= ' ' and <= '~' ? c : '?'));
        var text = new StringBuilder(512).Append(CultureInfo.InvariantCulture, $"HTTP/1.1 {Status} {Phrase(Status)}\r\n");
        if (Status == 407) text.Append("Proxy-Authenticate: Basic realm=\"overlay\", charset=\"UTF-8\"\r\n");
        if (Status == 405) text.Append("Allow: GET, HEAD, POST, PUT, DELETE, PATCH, OPTIONS, CONNECT\r\n");
        if (ErrorType is not null)
        {
            string details = shown.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("\"", "\\\"", StringComparison.Ordinal);
            text.Append(CultureInfo.InvariantCulture, $"Proxy-Status: overlay; error={ErrorType}; details=\"{details}\"\r\n");
        }

        text.Append(CultureInfo.InvariantCulture, $"Content-Type: text/plain; charset=us-ascii\r\nContent-Length: {shown.Length + 2}\r\n");
        if (close) text.Append("Connection: close\r\n");
        text.Append("\r\n");
        if (withBody) text.Append(shown).Append("\r\n");
        return Encoding.ASCII.GetBytes(text.ToString());
    }

    private static string Phrase(int status) => status switch
    {
        200 => "OK",
        400 => "Bad Request",
        403 => "Forbidden",
        405 => "Method Not Allowed",
        407 => "Proxy Authentication Required",
        408 => "Request Timeout",
        414 => "URI Too Long",
        431 => "Request Header Fields Too Large",
        501 => "Not Implemented",
        503 => "Service Unavailable",
        504 => "Gateway Timeout",
        505 => "HTTP Version Not Supported",
        _ => "Bad Gateway",
    };
}
