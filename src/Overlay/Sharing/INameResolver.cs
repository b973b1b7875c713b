using System.Net;
using System.Net.Sockets;

namespace Overlay.Sharing;

/// <summary>Where an exit's names are looked up. The system's resolver by default; a host may plug in one of its own.</summary>
internal interface INameResolver
{
    /// <summary>Looks up all addresses of a name, once.</summary>
    /// <param name="name">A DNS name; a trailing dot keeps the host's search list out of it.</param>
    /// <param name="cancellationToken">Gives up waiting.</param>
    /// <returns>The addresses in the resolver's order of preference, none if the name exists without any.</returns>
    /// <exception cref="SocketException">The name does not exist or cannot be looked up; <see cref="SocketError.NoBufferSpaceAvailable"/> when it was given up
    /// before anybody was asked.</exception>
    Task<IPAddress[]> ResolveAsync(string name, CancellationToken cancellationToken);
}
