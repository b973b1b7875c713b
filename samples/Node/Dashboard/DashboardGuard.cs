using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Text;
using Microsoft.AspNetCore.Http;
using Microsoft.Net.Http.Headers;

namespace Overlay.Node.Dashboard;

/// <summary>Who may see and change anything: whoever knows the run's token, from a page of this very address.</summary>
/// <param name="token">What the printed address holds.</param>
/// <param name="cookie">What a browser holds once it has shown the token.</param>
/// <param name="folder">The part of the path below which everything that matters lies. It is the cookie's path: browsers send cookies to every port of a host, and
/// another program's page on this machine must not be given this one.</param>
internal sealed class DashboardGuard(string token, string cookie, string folder)
{
    /// <summary>The path below which everything lies that needs the cookie.</summary>
    internal string Base { get; } = $"/{folder}/";

    /// <summary>Why a request is refused before its path is looked at, in words for the log; null when it is not.</summary>
    internal static string? ObjectToOrigin(HttpRequest request)
    {
        string expected = ExpectedHost(request.HttpContext.Connection);
        // A name that somebody else's DNS points here would be a page of theirs.
        if (!string.Equals(request.Headers.Host, expected, StringComparison.Ordinal)) return "another host name";
        string origin = $"http://{expected}";
        bool changes = !HttpMethods.IsGet(request.Method);
        string? from = request.Headers.Origin;
        if (from is null ? changes : !string.Equals(from, origin, StringComparison.Ordinal)) return "another origin";
        // What modern browsers say beside it. Following a link to the empty page is harmless, and how a terminal in a browser opens it.
        string? site = request.Headers["Sec-Fetch-Site"];
        bool isVisit = request.Path == "/" && request.Headers["Sec-Fetch-Mode"] == "navigate" && request.Headers["Sec-Fetch-Dest"] == "document";
        return site is null or "same-origin" or "none" || isVisit ? null : "another site";
    }

    /// <summary>Whether the text is the run's token. Takes as long for a near miss as for a far one.</summary>
    internal bool IsToken(ReadOnlySpan<byte> text) => CryptographicOperations.FixedTimeEquals(text, Encoding.ASCII.GetBytes(token));

    /// <summary>Whether the request carries the cookie that the token was exchanged for.</summary>
    internal bool HasCookie(HttpRequest request) =>
        request.Cookies.TryGetValue(CookieName(request.HttpContext.Connection), out string? value)
        && CryptographicOperations.FixedTimeEquals(Encoding.UTF8.GetBytes(value), Encoding.ASCII.GetBytes(cookie));

    /// <summary>Gives the browser its cookie, for as long as it runs.</summary>
    internal void GiveCookie(HttpResponse response) => response.Headers.Append(
        HeaderNames.SetCookie, $"{CookieName(response.HttpContext.Connection)}={cookie}; Path={Base}; HttpOnly; SameSite=Strict");

    /// <summary>The one Host that is right: the address and port at which this connection arrived.</summary>
    private static string ExpectedHost(ConnectionInfo connection)
    {
        IPAddress address = connection.LocalIpAddress!;
        if (address.IsIPv4MappedToIPv6) address = address.MapToIPv4();
        // A scope is of no meaning to anybody else; browsers leave it out.
        if (address.AddressFamily == AddressFamily.InterNetworkV6 && address.ScopeId != 0) address = new IPAddress(address.GetAddressBytes());
        var at = new IPEndPoint(address, connection.LocalPort);
        return connection.LocalPort == 80 ? at.ToString()[..^":80".Length] : at.ToString();
    }

    // Two nodes on one machine have two names.
    private static string CookieName(ConnectionInfo connection) => $"overlay-{connection.LocalPort}";
}
