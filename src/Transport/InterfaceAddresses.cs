using System.Net;
using System.Net.NetworkInformation;
using System.Net.Sockets;
using Overlay.Transport.Identity;

namespace Overlay.Transport;

/// <summary>What a wildcard listen address means to others: nobody can dial 0.0.0.0, so each address of this host stands in its place.</summary>
internal static class InterfaceAddresses
{
    internal static IEnumerable<Multiaddr> Expand(Multiaddr address)
    {
        if (!address.TryGetIPEndPoint(out IPEndPoint? endPoint) || !(endPoint.Address.Equals(IPAddress.Any) || endPoint.Address.Equals(IPAddress.IPv6Any)))
            return [address];
        return [.. Own(endPoint.AddressFamily).Select(own => Multiaddr.FromIPEndPoint(new IPEndPoint(own, endPoint.Port)))];
    }

    private static IEnumerable<IPAddress> Own(AddressFamily family)
    {
        NetworkInterface[] interfaces;
        try
        {
            interfaces = NetworkInterface.GetAllNetworkInterfaces();
        }
        catch (NetworkInformationException)
        {
            interfaces = [];
        }

        // Loopback last: it is of use only to nodes on this very host. Link-local addresses need a zone, which no other host knows.
        return interfaces
            .Where(i => i.OperationalStatus is OperationalStatus.Up or OperationalStatus.Unknown)
            .SelectMany(i => i.GetIPProperties().UnicastAddresses)
            .Select(a => a.Address)
            .Where(a => a.AddressFamily == family && !a.IsIPv6LinkLocal)
            .Distinct()
            .OrderBy(IPAddress.IsLoopback);
    }
}
