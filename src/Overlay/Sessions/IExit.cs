using System.Net;
using Overlay.Proofs;
using Overlay.Transport.Tcp;

namespace Overlay.Sessions;

/// <summary>Where a provider's sessions get their connections to targets from. The exit implements it; tests have their own.</summary>
internal interface IExit
{
    /// <summary>Resolves, checks against the exit policy, and connects.</summary>
    /// <param name="consumer">Who asks, by the key that its connection proved.</param>
    /// <param name="host">A DNS name or the text of an IP address, as the consumer asked for it: hostile until checked.</param>
    /// <param name="port">1 to 65535.</param>
    /// <param name="cancellationToken">Cancelled when the consumer goes away.</param>
    /// <exception cref="ConnectRefusedException">Not allowed, not resolvable, not reachable; the message is fit to be sent to the consumer.</exception>
    ValueTask<ExitConnection> ConnectAsync(PublicKey consumer, string host, int port, CancellationToken cancellationToken);
}

/// <summary>A connected target. The session owns it.</summary>
/// <param name="Socket">Connected, <c>NoDelay</c> set.</param>
/// <param name="BoundEndPoint">The local end point, for the SOCKS5 reply.</param>
/// <param name="Place">Its place in the exit's counts; disposed of with it. Null for none.</param>
internal sealed record ExitConnection(TcpSocket Socket, IPEndPoint BoundEndPoint, IDisposable? Place = null) : IDisposable
{
    public void Dispose()
    {
        Socket.Dispose();
        Place?.Dispose();
    }
}
