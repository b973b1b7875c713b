using System.Net;
using System.Net.Sockets;
using Overlay.Transport.Connections;
using Overlay.Transport.Identity;

namespace Overlay.Transport.Tcp;

/// <summary>A listening TCP socket. Owns it.</summary>
internal sealed class TcpByteListener : ByteListener
{
    private readonly Socket _socket;
    private readonly SocketTraffic? _traffic;
    private volatile bool _disposed;

    internal TcpByteListener(Socket socket, SocketTraffic? traffic = null)
    {
        _traffic = traffic;
        _socket = socket;
        Address = Multiaddr.FromIPEndPoint((IPEndPoint)socket.LocalEndPoint!);
    }

    public override Multiaddr Address { get; }

    public override async ValueTask<ByteConnection> AcceptAsync(CancellationToken cancellationToken)
    {
        while (true)
        {
            Socket? accepted = null;
            try
            {
                accepted = await _socket.AcceptAsync(cancellationToken).ConfigureAwait(false);
                accepted.NoDelay = true;
                return new TcpByteConnection(accepted, _traffic);
            }
            catch (Exception e) when (_disposed && e is SocketException or ObjectDisposedException)
            {
                accepted?.Dispose();
                throw TcpErrors.Closed(ConnectionStep.Listen, "The listener was disposed.");
            }
            catch (SocketException e)
            {
                accepted?.Dispose();
                // A dialler that was gone before its turn came says nothing about the listener.
                if (accepted is null && e.SocketErrorCode is not (SocketError.ConnectionReset or SocketError.ConnectionAborted)) throw TcpErrors.Accept(e);
            }
        }
    }

    public override ValueTask DisposeAsync()
    {
        _disposed = true;
        _socket.Dispose();
        return ValueTask.CompletedTask;
    }
}
