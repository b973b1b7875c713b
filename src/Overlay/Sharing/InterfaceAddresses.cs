using System.Collections.Frozen;
using System.Net;
using System.Net.NetworkInformation;
using System.Net.Sockets;

namespace Overlay.Sharing;

/// <summary>All addresses of the host's interfaces, read anew when older than <see cref="RefreshInterval"/>, and some that no interface shows.</summary>
/// <remarks>Safe on several threads: the snapshot is immutable and swapped whole.</remarks>
/// <param name="further">Addresses that others see this host under, such as a router's public one. Asked at each refresh.</param>
/// <param name="time">The clock.</param>
internal sealed class InterfaceAddresses(Func<IEnumerable<IPAddress>> further, TimeProvider time) : IHostAddresses
{
    /// <summary>How old a snapshot may get. Reading the interfaces costs about a millisecond.</summary>
    public static readonly TimeSpan RefreshInterval = TimeSpan.FromSeconds(5);

    private volatile Snapshot? _snapshot;

    /// <inheritdoc/>
    public IReadOnlySet<IPAddress> Current
    {
        get
        {
            Snapshot? snapshot = _snapshot;
            if (snapshot is null || time.GetElapsedTime(snapshot.ReadAt) >= RefreshInterval) _snapshot = snapshot = Read();
            return snapshot.Addresses;
        }
    }

    private Snapshot Read()
    {
        long now = time.GetTimestamp();
        var addresses = new HashSet<IPAddress>(further());
        foreach (NetworkInterface one in NetworkInterface.GetAllNetworkInterfaces())
            foreach (UnicastIPAddressInformation unicast in one.GetIPProperties().UnicastAddresses) addresses.Add(WithoutZone(unicast.Address));
        return new Snapshot(addresses.ToFrozenSet(), now);
    }

    private static IPAddress WithoutZone(IPAddress address) =>
        address.AddressFamily == AddressFamily.InterNetworkV6 && address.ScopeId != 0 ? new IPAddress(address.GetAddressBytes()) : address;

    private sealed record Snapshot(FrozenSet<IPAddress> Addresses, long ReadAt);
}
