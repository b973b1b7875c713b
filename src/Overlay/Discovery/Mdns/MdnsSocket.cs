using System.Diagnostics.CodeAnalysis;
using System.Net;
using System.Net.Sockets;
using System.Threading.Channels;

namespace Overlay.Discovery.Mdns;

/// <summary>One UDP socket on port 5353, for one family of addresses.</summary>
/// <remarks>A packet's own link is asked of the system for each packet: a socket hears all links that any socket of the host has joined.</remarks>
internal sealed class MdnsSocket : IAsyncDisposable
{
    // Packets are of this link alone (RFC 6762, section 11); a receiver may look whether a router has counted the number down.
    private const int TimeToLive = 255;

    private static readonly IPAddress s_group4 = IPAddress.Parse("224.0.0.251"), s_group6 = IPAddress.Parse("ff02::fb");

    private readonly Socket _socket;
    private readonly byte[] _buffer;
    private readonly Lock _sendLock = new(); // the link to send on is an option of the socket
    private readonly HashSet<int> _joined = [];
    private Task _receiving = Task.CompletedTask;

    /// <exception cref="SocketException">The port cannot be had.</exception>
    internal MdnsSocket(AddressFamily family, int maxPacketSize)
    {
        Family = family;
        // One byte more shows that a packet was longer.
        _buffer = new byte[maxPacketSize + 1];
        _socket = new Socket(family, SocketType.Dgram, ProtocolType.Udp);
        try
        {
            if (family == AddressFamily.InterNetworkV6) _socket.DualMode = false;
            _socket.SetSocketOption(SocketOptionLevel.Socket, SocketOptionName.ReuseAddress, true);
            _socket.SetSocketOption(Level, SocketOptionName.PacketInformation, true);
            _socket.SetSocketOption(Level, SocketOptionName.MulticastTimeToLive, TimeToLive);
            // Other nodes on this host are peers like any.
            _socket.SetSocketOption(Level, SocketOptionName.MulticastLoopback, true);
            _socket.Bind(new IPEndPoint(Any, MdnsState.Port));
        }
        catch
        {
            _socket.Dispose();
            throw;
        }
    }

    internal AddressFamily Family { get; }

    private SocketOptionLevel Level => Family == AddressFamily.InterNetwork ? SocketOptionLevel.IP : SocketOptionLevel.IPv6;

    private IPAddress Any => Family == AddressFamily.InterNetwork ? IPAddress.Any : IPAddress.IPv6Any;

    internal void Start(ChannelWriter<MdnsPacket> packets) => _receiving = ReceiveAsync(packets);

    /// <summary>Joins the group on a link; again is no mistake.</summary>
    internal bool TryJoin(int link, [NotNullWhen(false)] out string? error)
    {
        error = null;
        if (_joined.Contains(link)) return true;
        try
        {
            if (Family == AddressFamily.InterNetwork)
                _socket.SetSocketOption(SocketOptionLevel.IP, SocketOptionName.AddMembership, new MulticastOption(s_group4, link));
            else
                _socket.SetSocketOption(SocketOptionLevel.IPv6, SocketOptionName.AddMembership, new IPv6MulticastOption(s_group6, link));
        }
        catch (SocketException e) when (e.SocketErrorCode != SocketError.AddressAlreadyInUse)
        {
            error = e.Message;
            return false;
        }
        catch (SocketException)
        {
            // Joined before.
        }

        _joined.Add(link);
        return true;
    }

    /// <summary>Sends a packet if this socket has joined its link.</summary>
    internal void Send(MdnsSend send)
    {
        lock (_sendLock)
        {
            if (!_joined.Contains(send.Link)) return;
            try
            {
                // IPv4 takes the number of a link in network order, to tell it from an address.
                int option = Family == AddressFamily.InterNetwork ? IPAddress.HostToNetworkOrder(send.Link) : send.Link;
                _socket.SetSocketOption(Level, SocketOptionName.MulticastInterface, option);
                IPEndPoint to = send.To ?? new IPEndPoint(Family == AddressFamily.InterNetwork ? s_group4
                    : new IPAddress(s_group6.GetAddressBytes(), send.Link), MdnsState.Port);
                _socket.SendTo(send.Packet, to);
            }
            catch (Exception e) when (e is SocketException or ObjectDisposedException)
            {
                // A link that just went away: the packet is lost, as any may be.
            }
        }
    }

    public async ValueTask DisposeAsync()
    {
        lock (_sendLock) _socket.Dispose();
        await _receiving.ConfigureAwait(false);
    }

    private async Task ReceiveAsync(ChannelWriter<MdnsPacket> packets)
    {
        var anybody = new IPEndPoint(Any, 0);
        while (true)
        {
            try
            {
                SocketReceiveMessageFromResult received = await _socket.ReceiveMessageFromAsync(_buffer, SocketFlags.None, anybody).ConfigureAwait(false);
                if (received.RemoteEndPoint is not IPEndPoint source) continue;
                packets.TryWrite(new MdnsPacket(received.PacketInformation.Interface, source, _buffer.AsSpan(0, received.ReceivedBytes).ToArray()));
            }
            catch (SocketException e) when (e.SocketErrorCode is not (SocketError.OperationAborted or SocketError.Interrupted or SocketError.NotSocket))
            {
                // An answer to something sent earlier (unreachable), or a packet over the buffer: neither ends the socket.
            }
            catch (Exception e) when (e is SocketException or ObjectDisposedException)
            {
                return;
            }
        }
    }
}
