using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using Microsoft.Extensions.Logging;
using Overlay.Diagnostics;
using Overlay.Transport.Tcp;

namespace Overlay.Using;

/// <summary>One client of a local proxy.</summary>
/// <param name="Socket">Closed by the acceptor when the serving ends.</param>
/// <param name="Stopping">The listener stops: a connection that carries nothing at the moment should end.</param>
/// <param name="Aborting">The listener's time is over: everything ends now.</param>
internal sealed record LocalClient(TcpSocket Socket, CancellationToken Stopping, CancellationToken Aborting);

/// <summary>Accepts the connections of a local proxy, runs each to its end, and stops in an orderly way.</summary>
/// <remarks>Owns the listening socket, the accept loop, and the task of every connection; <see cref="StopAsync"/> awaits them all.</remarks>
internal sealed class LocalAcceptor : IAsyncDisposable
{
    private const int Backlog = 512;

    // When the system has no socket or memory to give, asking again at once would only keep it busy.
    private static readonly TimeSpan s_pauseAfterError = TimeSpan.FromMilliseconds(100);

    private readonly Socket _listener;
    private readonly Func<LocalClient, Task> _serve;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly SemaphoreSlim _slots;
    private readonly CancellationTokenSource _stopping = new();
    private readonly CancellationTokenSource _aborting = new();
    private readonly ConcurrentDictionary<long, Task> _serving = new();
    private readonly Task _accepting;
    private readonly Lock _stopLock = new();
    private Task? _stop;

    private LocalAcceptor(Socket listener, int maxConnections, Func<LocalClient, Task> serve, TimeProvider time, ILogger logger)
    {
        _listener = listener;
        _serve = serve;
        _time = time;
        _logger = logger;
        _slots = new SemaphoreSlim(maxConnections, maxConnections);
        LocalEndPoint = (IPEndPoint)listener.LocalEndPoint!;
        _accepting = AcceptAsync();
    }

    /// <summary>Where clients connect to, with the real port.</summary>
    public IPEndPoint LocalEndPoint { get; }

    /// <summary>Binds and begins to accept.</summary>
    /// <exception cref="SocketException">The end point cannot be had.</exception>
    public static LocalAcceptor Start(ListenerOptions options, Func<LocalClient, Task> serve, TimeProvider time, ILogger logger)
    {
        var listener = new Socket(options.EndPoint.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
        try
        {
            listener.Bind(options.EndPoint);
            listener.Listen(Backlog);
            return new LocalAcceptor(listener, options.MaxConnections, serve, time, logger);
        }
        catch
        {
            listener.Dispose();
            throw;
        }
    }

    /// <summary>Stops accepting at once, lets what runs go on for <paramref name="grace"/>, then aborts the rest. Later calls wait for the first one's end.</summary>
    public Task StopAsync(TimeSpan grace)
    {
        lock (_stopLock) return _stop ??= StopOnceAsync(grace);
    }

    /// <summary>Stops without grace.</summary>
    public async ValueTask DisposeAsync()
    {
        Task stop = StopAsync(TimeSpan.Zero);
        await _aborting.CancelAsync().ConfigureAwait(false);
        await stop.ConfigureAwait(false);
    }

    private async Task StopOnceAsync(TimeSpan grace)
    {
        await _stopping.CancelAsync().ConfigureAwait(false);
        _listener.Dispose();
        await _accepting.ConfigureAwait(false);

        Task all = Task.WhenAll(_serving.Values);
        if (grace > TimeSpan.Zero) await all.WaitAsync(grace, _time, _aborting.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        await _aborting.CancelAsync().ConfigureAwait(false);
        await all.ConfigureAwait(false);
    }

    private async Task AcceptAsync()
    {
        CancellationToken stopping = _stopping.Token;
        for (long id = 0; !stopping.IsCancellationRequested; id++)
        {
            TcpSocket? socket = null;
            try
            {
                await _slots.WaitAsync(stopping).ConfigureAwait(false);
                socket = await AcceptOneAsync(stopping).ConfigureAwait(false);
            }
            catch (OperationCanceledException)
            {
                return;
            }

            if (socket is null)
            {
                _slots.Release();
                continue;
            }

            // Entered before it runs, so that the end of a serving always finds its entry.
            var entered = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            _serving[id] = ServeAsync(id, socket, entered.Task);
            entered.SetResult();
        }
    }

    // Null when the connection was gone before it could be accepted, or the system had nothing left to accept it with.
    private async Task<TcpSocket?> AcceptOneAsync(CancellationToken stopping)
    {
        Socket? socket = null;
        try
        {
            socket = await _listener.AcceptAsync(stopping).ConfigureAwait(false);
            socket.NoDelay = true;
            return TcpSocket.Open(socket);
        }
        catch (Exception error) when (error is SocketException or ObjectDisposedException)
        {
            socket?.Dispose();
            if (stopping.IsCancellationRequested) return null;
            UsingLog.AcceptFailed(_logger, error);
            await Task.Delay(s_pauseAfterError, _time, stopping).ConfigureAwait(false);
            return null;
        }
    }

    private async Task ServeAsync(long id, TcpSocket socket, Task entered)
    {
        await entered.ConfigureAwait(false);
        try
        {
            await _serve(new LocalClient(socket, _stopping.Token, _aborting.Token)).ConfigureAwait(false);
        }
        catch (Exception error) when (error is IOException or SocketException or ObjectDisposedException or OperationCanceledException)
        {
            // The client went away, or the listener does: neither is news.
            UsingLog.ClientLeft(_logger, error.Message);
        }
        catch (Exception error)
        {
            UsingLog.ServingFailed(_logger, error);
        }
        finally
        {
            socket.Dispose();
            _serving.TryRemove(id, out _);
            _slots.Release();
        }
    }
}
