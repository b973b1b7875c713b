using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;

namespace Overlay.Interop.Tests.Harness;

/// <summary>Hears every frame on a host and counts those that look for certain addresses: IP packets to them, and the questions of ARP and of neighbour
/// discovery who has them.</summary>
internal sealed class Canary : IAsyncDisposable
{
    private const int EthernetHeader = 14;

    private readonly Socket _socket;
    private readonly HashSet<IPAddress> _addresses;
    private readonly Task _listening;
    private readonly List<string> _seen = [];

    internal Canary(string host, params string[] addresses)
    {
        _addresses = [.. addresses.Select(IPAddress.Parse)];
        _socket = HostSockets.MakePacketSocket(host);
        _listening = ListenAsync();
    }

    /// <summary>What was seen, in words.</summary>
    internal IReadOnlyList<string> Seen
    {
        get
        {
            lock (_seen) return [.. _seen];
        }
    }

    public async ValueTask DisposeAsync()
    {
        _socket.Dispose();
        await _listening;
    }

    private async Task ListenAsync()
    {
        byte[] frame = new byte[65536];
        try
        {
            while (true)
            {
                int size = await _socket.ReceiveAsync(frame, SocketFlags.None);
                if (FindTarget(frame.AsSpan(0, size)) is not { } target || !_addresses.Contains(target)) continue;
                lock (_seen) _seen.Add($"{target} in {Convert.ToHexStringLower(frame.AsSpan(0, Math.Min(size, 64)))}");
            }
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            // The test is over.
        }
    }

    // The address that a frame is meant for, or asks for.
    private static IPAddress? FindTarget(ReadOnlySpan<byte> frame)
    {
        if (frame.Length < EthernetHeader) return null;
        ReadOnlySpan<byte> packet = frame[EthernetHeader..];
        switch (BinaryPrimitives.ReadUInt16BigEndian(frame[12..]))
        {
            case 0x0800 when packet.Length >= 20:
                return new IPAddress(packet.Slice(16, 4));
            case 0x0806 when packet.Length >= 28:
                return new IPAddress(packet.Slice(24, 4));
            case 0x86dd when packet.Length >= 40:
                // A neighbour solicitation (RFC 4861, section 4.3) goes to a multicast address and names its target.
                bool asks = packet.Length >= 64 && packet[6] == 58 && packet[40] == 135;
                return new IPAddress(packet.Slice(asks ? 48 : 24, 16));
            default:
                return null;
        }
    }
}
