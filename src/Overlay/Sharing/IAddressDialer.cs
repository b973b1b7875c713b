using System.Net;
using System.Net.Sockets;
using Overlay.Transport.Tcp;

namespace Overlay.Sharing;

/// <summary>The one door through which an exit's packets leave. It takes addresses only: a name cannot get past the policy here.</summary>
internal interface IAddressDialer
{
    /// <summary>Connects over TCP.</summary>
    /// <param name="target">An address that the policy has allowed.</param>
    /// <param name="cancellationToken">Gives up; no socket is left open.</param>
    /// <returns>A connected socket, owned by the caller.</returns>
    /// <exception cref="SocketException">The target could not be reached.</exception>
    ValueTask<Socket> ConnectAsync(IPEndPoint target, CancellationToken cancellationToken);
}

/// <summary>Dials with the operating system's sockets.</summary>
internal sealed class TcpAddressDialer : IAddressDialer
{
    /// <inheritdoc/>
    public ValueTask<Socket> ConnectAsync(IPEndPoint target, CancellationToken cancellationToken) => TcpSocket.ConnectAsync(target, cancellationToken);
}
