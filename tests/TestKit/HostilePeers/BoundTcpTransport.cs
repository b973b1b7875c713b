using System.Net;
using System.Net.Sockets;
using Overlay.Transport.Connections;
using Overlay.Transport.Identity;
using Overlay.Transport.Tcp;

namespace Overlay.TestKit.HostilePeers;

/// <summary>TCP that dials from one local address, so that peers on one machine are of different networks to whoever limits by network.</summary>
/// <param name="local">The address to dial from. All of 127.0.0.0/8 is there on Linux; where it is not, the system's choice is taken.</param>
public sealed class BoundTcpTransport(IPAddress local) : IByteTransport
{
    private readonly TcpTransport _inner = new();

    /// <inheritdoc/>
    public bool CanDial(Multiaddr address) => _inner.CanDial(address);

    /// <inheritdoc/>
    public ValueTask<ByteListener> ListenAsync(Multiaddr address, CancellationToken cancellationToken) => _inner.ListenAsync(address, cancellationToken);

    /// <inheritdoc/>
    public async ValueTask<ByteConnection> DialAsync(Multiaddr address, CancellationToken cancellationToken)
    {
        if (!OperatingSystem.IsLinux() || !address.TryGetIPEndPoint(out IPEndPoint? endPoint)) return await _inner.DialAsync(address, cancellationToken);
        Socket? socket = new(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        try
        {
            socket.Bind(new IPEndPoint(local, 0));
            await socket.ConnectAsync(endPoint, cancellationToken);
            var connection = new TcpByteConnection(socket);
            socket = null;
            return connection;
        }
        catch (SocketException e)
        {
            throw TcpErrors.Dial(e, address.ToString());
        }
        finally
        {
            socket?.Dispose();
        }
    }
}
