using System.Buffers;
using System.IO.Pipelines;
using System.Net;
using System.Net.Sockets;
using Microsoft.Extensions.Logging;
using Overlay.Diagnostics;
using Overlay.Sessions;

namespace Overlay.Using;

/// <summary>A SOCKS5 server (RFC 1928, CONNECT) whose connections go through a provider.</summary>
/// <remarks>A client's faults end its own connection and nothing else. Safe on several threads.</remarks>
internal sealed class Socks5Listener : IAsyncDisposable
{
    private readonly Socks5Options _options;
    private readonly ExitWish _wish;
    private readonly TargetDial _dial;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly LocalAcceptor _acceptor;

    private Socks5Listener(Socks5Options options, Func<ExitWish, ITargetConnector> connectors, ExitWish wish, TimeProvider time, ILogger logger)
    {
        _options = options;
        _wish = wish;
        _dial = new TargetDial(connectors, options.ConnectTimeout, time, logger);
        _time = time;
        _logger = logger;
        _acceptor = LocalAcceptor.Start(options, ServeAsync, time, logger);
        UsingLog.Listening(logger, "SOCKS5", LocalEndPoint);
        if (!IPAddress.IsLoopback(LocalEndPoint.Address) && options.Credentials is null) UsingLog.OpenToOthers(logger, "SOCKS5", LocalEndPoint);
    }

    /// <summary>Where clients connect to, with the real port.</summary>
    public IPEndPoint LocalEndPoint => _acceptor.LocalEndPoint;

    /// <summary>Binds and begins to serve.</summary>
    /// <exception cref="SocketException">The end point cannot be had.</exception>
    public static Socks5Listener Start(Socks5Options options, Func<ExitWish, ITargetConnector> connectors, ExitWish wish, TimeProvider time, ILogger logger) => new(options, connectors, wish, time, logger);

    /// <summary>Stops accepting, ends handshakes, lets transfers run for <paramref name="grace"/>, aborts the rest.</summary>
    public Task StopAsync(TimeSpan grace) => _acceptor.StopAsync(grace);

    /// <summary>Aborts all connections and waits for their end.</summary>
    public ValueTask DisposeAsync() => _acceptor.DisposeAsync();

    private async Task ServeAsync(LocalClient client)
    {
        var handshake = new Socks5Handshake(_options.Credentials, _wish);
        using var owner = MemoryPool<byte>.Shared.Rent(Socks5Handshake.MaxMessageSize);
        ReadOnlyMemory<byte> early = await ShakeHandsAsync(client, handshake, owner.Memory).ConfigureAwait(false);
        if (handshake.Port == 0 || handshake.Reason.Length > 0) return;

        MeteredStream target;
        try
        {
            target = await _dial.ConnectAsync(handshake.Wish, handshake.Host, handshake.Port, client).ConfigureAwait(false);
        }
        catch (ConnectRefusedException refused)
        {
            await ClientSocket.SendAndCloseAsync(client.Socket, Socks5Reply.For(refused.Code), _time, client.Aborting).ConfigureAwait(false);
            return;
        }

        await using (target.ConfigureAwait(false))
        {
            await ClientSocket.SendAsync(client.Socket, Socks5Reply.Succeeded(target.BoundEndPoint), client.Aborting).ConfigureAwait(false);
            if (!early.IsEmpty) await target.Output.WriteAsync(early, client.Aborting).ConfigureAwait(false);
            await SocketPump.RunAsync(client.Socket, target, client.Aborting).ConfigureAwait(false);
        }
    }

    // Ends with the bytes that came behind the request, which lie in the buffer.
    private async Task<ReadOnlyMemory<byte>> ShakeHandsAsync(LocalClient client, Socks5Handshake handshake, Memory<byte> buffer)
    {
        using var timeout = new CancellationTokenSource(_options.HandshakeTimeout, _time);
        using var ended = CancellationTokenSource.CreateLinkedTokenSource(timeout.Token, client.Stopping, client.Aborting);
        int filled = 0;
        while (true)
        {
            Socks5Action action = handshake.Advance(buffer.Span[..filled], out int consumed);
            buffer.Span[consumed..filled].CopyTo(buffer.Span);
            filled -= consumed;
            switch (action)
            {
                case Socks5Action.Connect:
                    return buffer[..filled];
                case Socks5Action.Send:
                    await ClientSocket.SendAsync(client.Socket, handshake.Reply, ended.Token).ConfigureAwait(false);
                    break;
                case Socks5Action.Refuse:
                    UsingLog.TurnedAway(_logger, "SOCKS5", handshake.Reason);
                    await ClientSocket.SendAndCloseAsync(client.Socket, handshake.Reply, _time, client.Aborting).ConfigureAwait(false);
                    return default;
                default:
                    int count = await client.Socket.ReceiveAsync(buffer[filled..], ended.Token).ConfigureAwait(false);
                    if (count == 0) throw new IOException("The client left in the middle of its handshake.");
                    filled += count;
                    break;
            }
        }
    }
}
