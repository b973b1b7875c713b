using System.Net;
using System.Net.Sockets;
using Overlay.Transport.Connections;
using Overlay.Transport.Identity;

namespace Overlay.Transport.Tcp;

/// <summary>TCP, at addresses of the form <c>/ip4|ip6/…/tcp/…</c> (libp2p addressing specification).</summary>
/// <remarks>Safe on several threads; holds nothing that would have to be disposed. <c>TCP_NODELAY</c> is always set: the layers above gather their writes.</remarks>
public sealed class TcpTransport : IByteTransport
{
    private readonly TcpTransportOptions _options;

    /// <summary>Makes the transport.</summary>
    /// <param name="options">Settings; the defaults when null.</param>
    public TcpTransport(TcpTransportOptions? options = null) => _options = options ?? new TcpTransportOptions();

    /// <inheritdoc/>
    public bool CanDial(Multiaddr address)
    {
        ArgumentNullException.ThrowIfNull(address);
        return TryGetEndPoint(address, out _);
    }

    /// <inheritdoc/>
    public async ValueTask<ByteConnection> DialAsync(Multiaddr address, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(address);
        if (!TryGetEndPoint(address, out IPEndPoint? endPoint)) throw TcpErrors.Unsupported(ConnectionStep.Dial, address.ToString());
        Socket? socket = null;
        try
        {
            socket = await TcpSocket.ConnectAsync(endPoint, cancellationToken).ConfigureAwait(false);
            // Dialling a free ephemeral port of this host can, by TCP's simultaneous open, connect the socket with itself.
            if (Equals(socket.LocalEndPoint, socket.RemoteEndPoint)) throw new SocketException((int)SocketError.ConnectionRefused);
            var connection = new TcpByteConnection(socket, _options.Traffic);
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

    /// <inheritdoc/>
    public ValueTask<ByteListener> ListenAsync(Multiaddr address, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(address);
        cancellationToken.ThrowIfCancellationRequested();
        if (!TryGetEndPoint(address, out IPEndPoint? endPoint)) throw TcpErrors.Unsupported(ConnectionStep.Listen, address.ToString());
        Socket? socket = null;
        try
        {
            socket = new Socket(endPoint.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
            // /ip6/:: must not take the port of /ip4/0.0.0.0 along: each address is asked for by itself.
            if (endPoint.AddressFamily == AddressFamily.InterNetworkV6) socket.DualMode = false;
            socket.Bind(endPoint);
            socket.Listen(_options.ListenBacklog);
            var listener = new TcpByteListener(socket, _options.Traffic);
            socket = null;
            return ValueTask.FromResult<ByteListener>(listener);
        }
        catch (SocketException e)
        {
            throw TcpErrors.Listen(e, address.ToString());
        }
        finally
        {
            socket?.Dispose();
        }
    }

    // Exactly ip and tcp, and perhaps the peer: with /ws or /tls behind them, the address asks for another protocol.
    private static bool TryGetEndPoint(Multiaddr address, [System.Diagnostics.CodeAnalysis.NotNullWhen(true)] out IPEndPoint? endPoint)
    {
        endPoint = null;
        IReadOnlyList<MultiaddrComponent> components = address.Components;
        bool fits = components.Count == 2 || (components.Count == 3 && components[2].Protocol == MultiaddrProtocol.P2p);
        return fits && address.TryGetIPEndPoint(out endPoint);
    }
}
