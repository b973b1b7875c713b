using System.Net.NetworkInformation;
using System.Net.Sockets;

namespace Overlay.Sharing.Limits;

/// <summary>The interfaces with a gateway, as .NET knows them: for systems other than Linux. Slower, and not needed to be fast.</summary>
internal sealed class SystemLineCounters : ILineCounters
{
    public (ulong Sent, ulong Received)? Read()
    {
        try
        {
            ulong sent = 0, received = 0;
            bool any = false;
            foreach (NetworkInterface one in NetworkInterface.GetAllNetworkInterfaces())
            {
                if (one.OperationalStatus != OperationalStatus.Up || one.NetworkInterfaceType == NetworkInterfaceType.Loopback
                    || one.GetIPProperties().GatewayAddresses.Count == 0) continue;
                IPInterfaceStatistics statistics = one.GetIPStatistics();
                sent += (ulong)statistics.BytesSent;
                received += (ulong)statistics.BytesReceived;
                any = true;
            }

            return any ? (sent, received) : null;
        }
        catch (Exception e) when (e is NetworkInformationException or PlatformNotSupportedException or SocketException)
        {
            return null;
        }
    }

    public void Dispose()
    {
    }
}
