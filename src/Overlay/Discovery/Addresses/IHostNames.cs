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
        catch (SocketException)
        {
            return [];
        }
    }
}
