using System.Buffers;
using System.Globalization;
using System.Net;

namespace Overlay.Using;

/// <summary>Where a proxied request goes.</summary>
/// <param name="Host">Name or address; IPv6 without brackets.</param>
/// <param name="Port">1 to 65535.</param>
/// <param name="Authority">Host and port as they belong into a Host field.</param>
/// <param name="Path">The origin-form or asterisk-form of the target (RFC 9112, section 3.2); empty for CONNECT.</param>
internal sealed record ProxyTarget(string Host, int Port, string Authority, string Path)
{
    private const string Scheme = "http://";
    private const int DefaultPort = 80;
    private const int MaxHostLength = 255;

    private static readonly SearchValues<char> s_hostCharacters = SearchValues.Create("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._");
    private static readonly SearchValues<char> s_v6Characters = SearchValues.Create("0123456789abcdefABCDEF:.");

    /// <summary>The target of a CONNECT request: host and port, both required (RFC 9112, section 3.2.3).</summary>
    /// <exception cref="HttpFormatException">It is none.</exception>
    public static ProxyTarget ParseAuthority(string text) => Parse(text, portRequired: true, path: "");

    /// <summary>The target of any other request to a proxy: an absolute http URI (RFC 9112, section 3.2.2).</summary>
    /// <exception cref="HttpFormatException">It is none.</exception>
    public static ProxyTarget ParseAbsolute(string method, string text)
    {
        if (text.StartsWith('/')) throw new HttpFormatException(400, "This is a proxy: requests name an absolute URI, or use CONNECT.");
        if (!text.StartsWith(Scheme, StringComparison.OrdinalIgnoreCase)) throw new HttpFormatException(400, "The proxy takes http URIs; for anything else use CONNECT.");
        if (text.Contains('#', StringComparison.Ordinal)) throw new HttpFormatException(400, "A request target has no fragment.");
        string rest = text[Scheme.Length..];
        int end = rest.AsSpan().IndexOfAny('/', '?');
        string path = end < 0 ? "" : rest[end..];
        if (path.Length == 0) path = method == "OPTIONS" ? "*" : "/"; // RFC 9112, section 3.2.4
        else if (path[0] == '?') path = "/" + path;
        return Parse(end < 0 ? rest : rest[..end], portRequired: false, path);
    }

    private static ProxyTarget Parse(string authority, bool portRequired, string path)
    {
        // User information is refused with every other character that a host does not have (RFC 9110, section 4.2.4).
        int hostEnd = authority.StartsWith('[') ? authority.IndexOf(']', StringComparison.Ordinal) + 1 : authority.IndexOf(':', StringComparison.Ordinal);
        if (hostEnd < 0) hostEnd = authority.Length;
        string host = authority[..hostEnd];
        bool isV6 = host.StartsWith('[');
        if (isV6) host = host[1..^1];
        if (host.Length is 0 or > MaxHostLength || host.AsSpan().ContainsAnyExcept(isV6 ? s_v6Characters : s_hostCharacters))
            throw new HttpFormatException(400, "The request target's host is malformed.");

        string afterHost = authority[hostEnd..];
        int port = DefaultPort;
        if (afterHost.Length > 1 ? !IsPort(afterHost, out port) : portRequired || afterHost is not ("" or ":"))
            throw new HttpFormatException(400, "The request target's port is malformed.");
        string name = isV6 ? $"[{host}]" : host;
        return new ProxyTarget(host, port, port == DefaultPort && !portRequired ? name : string.Create(CultureInfo.InvariantCulture, $"{name}:{port}"), path);
    }

    private static bool IsPort(string text, out int port)
    {
        port = 0;
        return text[0] == ':' && text.Length <= 6 && int.TryParse(text.AsSpan(1), NumberStyles.None, CultureInfo.InvariantCulture, out port) && port is > 0 and <= IPEndPoint.MaxPort;
    }
}
