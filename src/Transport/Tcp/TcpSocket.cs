using System.Net;
using System.Net.Sockets;

namespace Overlay.Transport.Tcp;

/// <summary>A connected TCP socket whose bytes move with as few wake-ups as the system allows: on Linux past .NET's own engine for sockets.</summary>
/// <remarks>
/// One receiver and one sender at a time, which may be different threads. Owns the socket, on which nothing else may receive or send asynchronously.
/// Why it is: docs/adr/0035-own-readiness-on-linux.md. The switch <c>Overlay.Transport.UseSystemSockets</c> (<see cref="AppContext"/>) turns it off for a process.
/// </remarks>
public abstract class TcpSocket : IDisposable
{
    private protected TcpSocket(Socket socket) => Socket = socket;

    /// <summary>The socket, for its addresses and options and to shut a direction down. Never to be closed but by <see cref="Dispose"/>: who waits would not be told.</summary>
    public Socket Socket { get; }

    /// <summary>Takes over a connected socket.</summary>
    public static TcpSocket Open(Socket connected)
    {
        ArgumentNullException.ThrowIfNull(connected);
        return EpollPoller.Shared is { } poller ? new EpollSocket(connected, poller) : new SystemSocket(connected);
    }

    /// <summary>Connects.</summary>
    /// <param name="target">An address, no name.</param>
    /// <param name="cancellationToken">Gives up; no socket is left open.</param>
    /// <returns>A connected socket with <c>TCP_NODELAY</c>, owned by the caller.</returns>
    /// <exception cref="SocketException">The target could not be reached.</exception>
    public static async ValueTask<Socket> ConnectAsync(IPEndPoint target, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(target);
        var socket = new Socket(target.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
        try
        {
            socket.NoDelay = true;
            // .NET's engine hears of every byte on a socket that it has once waited for: it must not wait for the connection either.
            if (EpollPoller.Shared is { } poller) await EpollSocket.ConnectAsync(socket, target, poller, cancellationToken).ConfigureAwait(false);
            else await socket.ConnectAsync(target, cancellationToken).ConfigureAwait(false);
            return socket;
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    /// <summary>Completes when bytes, or the other side's end, are there to be received; seldom before. Needs no buffer.</summary>
    /// <exception cref="SocketException">The connection failed.</exception>
    /// <exception cref="ObjectDisposedException">This was disposed of.</exception>
    public abstract ValueTask WaitForDataAsync(CancellationToken cancellationToken);

    /// <summary>Receives at least one byte.</summary>
    /// <param name="buffer">At least one byte.</param>
    /// <param name="cancellationToken">Gives up the waiting; nothing has been received then.</param>
    /// <returns>The number of bytes; 0 when the other side has ended its direction.</returns>
    /// <exception cref="SocketException">The connection failed.</exception>
    /// <exception cref="ObjectDisposedException">This was disposed of.</exception>
    public abstract ValueTask<int> ReceiveAsync(Memory<byte> buffer, CancellationToken cancellationToken);

    /// <summary>Sends what the system takes, at least one byte.</summary>
    /// <param name="buffer">At least one byte.</param>
    /// <param name="cancellationToken">Gives up the waiting; nothing has been sent then.</param>
    /// <returns>The number of bytes taken.</returns>
    /// <exception cref="SocketException">The connection failed.</exception>
    /// <exception cref="ObjectDisposedException">This was disposed of.</exception>
    public abstract ValueTask<int> SendAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken);

    /// <summary>Closes the socket and fails what waits. Idempotent.</summary>
    public virtual void Dispose()
    {
        Socket.Dispose();
        GC.SuppressFinalize(this);
    }
}
