using System.Net;
using System.Net.Sockets;
using Microsoft.Extensions.Logging;
using Overlay.Diagnostics;
using Overlay.Sessions;

namespace Overlay.Using;

/// <summary>An HTTP proxy (RFC 9110, RFC 9112) whose connections go through a provider: CONNECT and plain requests on one port.</summary>
/// <remarks>A client's faults end its own connection and nothing else. Safe on several threads.</remarks>
internal sealed class HttpProxyListener : IAsyncDisposable
{
    private readonly LocalAcceptor _acceptor;

    private HttpProxyListener(HttpProxyOptions options, Func<ExitWish, ITargetConnector> connectors, ExitWish wish, TimeProvider time, ILogger logger)
    {
        var dial = new TargetDial(connectors, options.ConnectTimeout, time, logger);
        _acceptor = LocalAcceptor.Start(options, client => new HttpProxyConnection(client, options, wish, dial, time, logger).RunAsync(), time, logger);
        UsingLog.Listening(logger, "HTTP", LocalEndPoint);
        if (!IPAddress.IsLoopback(LocalEndPoint.Address) && options.Credentials is null) UsingLog.OpenToOthers(logger, "HTTP", LocalEndPoint);
    }

    /// <summary>Where clients connect to, with the real port.</summary>
    public IPEndPoint LocalEndPoint => _acceptor.LocalEndPoint;

    /// <summary>Binds and begins to serve.</summary>
    /// <exception cref="SocketException">The end point cannot be had.</exception>
    public static HttpProxyListener Start(HttpProxyOptions options, Func<ExitWish, ITargetConnector> connectors, ExitWish wish, TimeProvider time, ILogger logger) => new(options, connectors, wish, time, logger);

    /// <summary>Stops accepting, ends idle connections, lets transfers run for <paramref name="grace"/>, aborts the rest.</summary>
    public Task StopAsync(TimeSpan grace) => _acceptor.StopAsync(grace);

    /// <summary>Aborts all connections and waits for their end.</summary>
    public ValueTask DisposeAsync() => _acceptor.DisposeAsync();
}
