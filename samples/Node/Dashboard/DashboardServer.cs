using System.Net;
using System.Security.Cryptography;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Overlay.Node.Dashboard;

/// <summary>The owner's page: takes browsers at one address and gives them the node's state, once a second, for as long as anybody looks.</summary>
/// <remarks>Kestrel and nothing above it: no routing, no static files, no configuration of its own. Owns the feed.</remarks>
internal sealed class DashboardServer : IAsyncDisposable
{
    private readonly WebApplication _web;
    private readonly DashboardFeed _feed;
    private readonly CancellationTokenSource _stopping;

    private DashboardServer(WebApplication web, DashboardFeed feed, CancellationTokenSource stopping, Uri address)
    {
        _web = web;
        _feed = feed;
        _stopping = stopping;
        Address = address;
    }

    /// <summary>Where the page is, with the token that opens it behind the <c>#</c>: browsers send that part to nobody.</summary>
    internal Uri Address { get; }

    /// <exception cref="RefusalException">The address cannot be listened at.</exception>
    internal static async Task<DashboardServer> StartAsync(
        DashboardOptions options, IDashboardNode node, TimeProvider time, ILoggerFactory logging, CancellationToken cancellationToken)
    {
        string token = NewSecret();
        WebApplicationBuilder builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.Services.AddSingleton(logging);
        builder.WebHost.UseKestrelCore().ConfigureKestrel(kestrel =>
        {
            kestrel.AddServerHeader = false;
            kestrel.Limits.MaxRequestBodySize = DashboardOptions.MaxBodySize;
            kestrel.Limits.MaxConcurrentConnections = DashboardOptions.MaxConnections;
            kestrel.Limits.MaxRequestHeadersTotalSize = DashboardOptions.MaxHeaderSize;
            kestrel.Limits.MaxRequestLineSize = DashboardOptions.MaxHeaderSize;
            kestrel.Limits.RequestHeadersTimeout = DashboardOptions.HeaderTimeout;
            kestrel.Listen(options.EndPoint, listen => listen.Protocols = HttpProtocols.Http1);
        });
        WebApplication web = builder.Build();
        var stopping = new CancellationTokenSource();
        ILogger logger = logging.CreateLogger("Overlay.Node.Dashboard");
        var feed = new DashboardFeed(node, time, logger);
        var pages = new DashboardEndpoints(node, feed, new DashboardGuard(token, NewSecret(), NewSecret()), time, logger, stopping.Token);
        web.Run(pages.HandleAsync);
        try
        {
            await web.StartAsync(cancellationToken);
        }
        catch (Exception e) when (e is IOException or System.Net.Sockets.SocketException)
        {
            await web.DisposeAsync();
            stopping.Dispose();
            throw new RefusalException($"the dashboard cannot be had at {options.EndPoint}: {e.Message}");
        }

        return new DashboardServer(web, feed, stopping, new Uri($"{web.Urls.First()}/#token={token}"));
    }

    /// <summary>Ends the pages' streams, then the server.</summary>
    public async ValueTask DisposeAsync()
    {
        await _stopping.CancelAsync();
        await _feed.DisposeAsync();
        // Nothing here is worth waiting for: what changes something answers at once.
        using var deadline = new CancellationTokenSource(DashboardOptions.StopTimeout);
        await _web.StopAsync(deadline.Token);
        await _web.DisposeAsync();
        _stopping.Dispose();
    }

    // 128 bits.
    private static string NewSecret() => RandomNumberGenerator.GetHexString(32, lowercase: true);
}

/// <summary>Where the dashboard is, and its limits.</summary>
internal sealed record DashboardOptions
{
    /// <summary>Pages that may be open at a time.</summary>
    internal const int MaxStreams = 8;

    /// <summary>Largest body of a request, in bytes: a handful of numbers.</summary>
    internal const int MaxBodySize = 4096;

    /// <summary>Connections at a time: each page holds one and a browser opens up to six.</summary>
    internal const int MaxConnections = 64;

    /// <summary>Largest head of a request, in bytes.</summary>
    internal const int MaxHeaderSize = 8192;

    /// <summary>Sessions or receipts of one answer.</summary>
    internal const int PageSize = 50;

    internal static readonly TimeSpan HeaderTimeout = TimeSpan.FromSeconds(5);

    internal static readonly TimeSpan StopTimeout = TimeSpan.FromSeconds(2);

    /// <summary>Where browsers are taken.</summary>
    internal required IPEndPoint EndPoint { get; init; }
}
