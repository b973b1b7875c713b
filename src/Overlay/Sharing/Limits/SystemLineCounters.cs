using System.Net.NetworkInformation;
using System.Net.Sockets;

namespace Overlay.Sharing.Limits;

/// <summary>The interfaces with a gateway, as .NET knows them: for systems other than Linux. Slower than Linux's, so that the list is looked up every few
/// seconds only. One reader at a time.</summary>
internal sealed class SystemLineCounters(TimeProvider time) : ILineCounters
{
    private static readonly TimeSpan s_refresh = TimeSpan.FromSeconds(5);

    private List<NetworkInterface> _interfaces = [];
    private long _refreshed;
    private bool _isFresh;

    public (ulong Sent, ulong Received)? Read()
    {
        try
        {
            if (!_isFresh || time.GetElapsedTime(_refreshed) >= s_refresh)
            {
                _interfaces = [.. NetworkInterface.GetAllNetworkInterfaces().Where(IsLine)];
                _refreshed = time.GetTimestamp();
                _isFresh = true;
            }

            ulong sent = 0, received = 0;
            foreach (NetworkInterface one in _interfaces)
            {
                IPInterfaceStatistics statistics = one.GetIPStatistics();
                sent += (ulong)statistics.BytesSent;
                received += (ulong)statistics.BytesReceived;
            }

            return _interfaces.Count > 0 ? (sent, received) : null;
        }
        catch (Exception e) when (e is NetworkInformationException or PlatformNotSupportedException or SocketException)
        {
            _isFresh = false;
            return null;
        }
    }

    public void Dispose()
    {
    }

    private static bool IsLine(NetworkInterface one) => one.OperationalStatus == OperationalStatus.Up
        && one.NetworkInterfaceType != NetworkInterfaceType.Loopback && one.GetIPProperties().GatewayAddresses.Count > 0;
}
