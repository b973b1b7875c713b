using System.Net;
using System.Net.Sockets;

namespace Overlay.Discovery.Addresses;

/// <summary>Resolves domain names.</summary>
internal interface IHostNames
{
    /// <summary>The addresses of a name; none when it has none or cannot be resolved.</summary>
    ValueTask<IReadOnlyList<IPAddress>> ResolveAsync(string name, AddressFamily family, CancellationToken cancellationToken);
}

/// <summary>As the operating system resolves them.</summary>
internal sealed class SystemHostNames : IHostNames
{
    public async ValueTask<IReadOnlyList<IPAddress>> ResolveAsync(string name, AddressFamily family, CancellationToken cancellationToken)
    {
        try
        {
            return await Dns.GetHostAddressesAsync(name, family, cancellationToken).ConfigureAwait(false);
        }
        // Names come from strangers too, and one that is too long or malformed is refused otherwise than one that is not there.
        catch (Exception e) when (e is SocketException or ArgumentException)
        {
            return [];
        }
    }
}
