using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using Overlay.Sessions;

namespace Overlay.Sharing;

/// <summary>Dials for one place of the guard's: each address is counted as its attempt begins, so that none is reached uncounted behind another.</summary>
/// <param name="dialer">Dials.</param>
/// <param name="place">The place.</param>
/// <param name="time">The clock.</param>
internal sealed class AimedDialer(IAddressDialer dialer, TargetGuard.Place place, TimeProvider time) : IAddressDialer
{
    private readonly ConcurrentDictionary<Socket, IPAddress> _connected = new();

    /// <inheritdoc/>
    /// <exception cref="ConnectRefusedException">The guard refuses the consumer.</exception>
    public async ValueTask<Socket> ConnectAsync(IPEndPoint target, CancellationToken cancellationToken)
    {
        place.Aim(target.Address, target.Port, time.GetElapsedTime(0));
        Socket socket = await dialer.ConnectAsync(target, cancellationToken).ConfigureAwait(false);
        _connected[socket] = target.Address;
        return socket;
    }

    /// <summary>The address that was dialled for a socket, which the target may have closed already.</summary>
    internal IPAddress AddressOf(Socket socket) => _connected[socket];
}
