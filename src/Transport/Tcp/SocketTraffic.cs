using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;

namespace Overlay.Transport.Tcp;

/// <summary>What a set of TCP sockets has put on the wire and taken off it, as the system counts it: behind its buffers, repetitions and headers
/// included.</summary>
/// <remarks>
/// Linux alone tells (<c>TCP_INFO</c>, tcp(7)); elsewhere nothing is counted. Sockets to loopback are left out: what they carry is on no wire. Reading costs
/// one system call for each socket and allocates
/// nothing. Safe on several threads.
/// </remarks>
public sealed class SocketTraffic
{
    // Ethernet (14), IPv4 (20) or IPv6 (40), TCP with its timestamps (32).
    private const uint HeadersV4 = 66, HeadersV6 = 86;

    // struct tcp_info of linux/tcp.h, whose fields never move.
    private const int TcpInfo = 11, InfoSize = 208, ReceiveMss = 20, Rtt = 68, BytesReceived = 128, SegmentsOut = 136, SegmentsIn = 140, MinRtt = 148,
        DataSegmentsIn = 152, DataSegmentsOut = 156, BytesSent = 200;

    // The same with what came out of order, which Linux tells since 5.4.
    private const int LongInfoSize = 228, OutOfOrder = 224;

    // How far out-of-order segments may run ahead of a socket's bytes in order: a peer that repeats tiny ones would else hide its host's other traffic.
    internal const ulong MaxAhead = 1 << 20;

    // Fewer segments of data than this say nothing of a queue: the peer may have waited with its acknowledgement (RFC 1122, section 4.2.3.2).
    private const uint BusySegments = 8;

    private readonly Lock _lock = new();
    private readonly Dictionary<Socket, Counts> _live = [];
    private readonly HashSet<Socket> _loopback = [];
    private ulong _sent;
    private ulong _received;

    /// <summary>Whether this system tells what sockets carry.</summary>
    public static bool IsSupported => OperatingSystem.IsLinux();

    /// <summary>Whether there are sockets and all lead to loopback: none of them takes anything of a line. False where the system does not tell what sockets carry.</summary>
    public bool IsLoopbackOnly
    {
        get
        {
            lock (_lock) return _loopback.Count > 0 && _live.Count == 0;
        }
    }

    /// <summary>Counts a connected socket from here on; one that is connected no more, or disposed of, is not counted.</summary>
    public void Add(Socket socket)
    {
        ArgumentNullException.ThrowIfNull(socket);
        if (!IsSupported || RemoteOf(socket) is not { } remote) return;
        if (IPAddress.IsLoopback(remote.Address))
        {
            lock (_lock) _loopback.Add(socket);
            return;
        }

        bool isV4 = remote.AddressFamily == AddressFamily.InterNetwork || remote.Address.IsIPv4MappedToIPv6;
        lock (_lock) _live[socket] = new Counts(isV4 ? HeadersV4 : HeadersV6);
    }

    /// <summary>Counts a socket no more; what it has carried stays counted. To be called before it is disposed, or its last bytes are missed.
    /// Idempotent.</summary>
    public void Remove(Socket socket)
    {
        ArgumentNullException.ThrowIfNull(socket);
        lock (_lock)
        {
            _loopback.Remove(socket);
            if (_live.Remove(socket, out Counts? counts)) Look(socket, counts);
        }
    }

    /// <summary>What has been carried so far.</summary>
    public SocketReading Read()
    {
        lock (_lock)
        {
            uint least = uint.MaxValue;
            foreach ((Socket socket, Counts counts) in _live)
                if (Look(socket, counts) is { } queueing) least = Math.Min(least, queueing);
            return new SocketReading(_sent, _received, least == uint.MaxValue ? null : TimeSpan.FromMicroseconds(least));
        }
    }

    // Adds what is new; the microseconds by which a busy connection's round trip is above its least.
    private uint? Look(Socket socket, Counts counts)
    {
        Span<byte> info = stackalloc byte[LongInfoSize];
        int size;
        try
        {
            size = socket.GetRawSocketOption((int)ProtocolType.Tcp, TcpInfo, info);
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            return null;
        }

        if (size < InfoSize) return null;
        ulong sent = BinaryPrimitives.ReadUInt64LittleEndian(info[BytesSent..]), received = BinaryPrimitives.ReadUInt64LittleEndian(info[BytesReceived..]);
        uint segmentsOut = BinaryPrimitives.ReadUInt32LittleEndian(info[SegmentsOut..]),
            segmentsIn = BinaryPrimitives.ReadUInt32LittleEndian(info[SegmentsIn..]);
        // The counts of segments wrap; their differences do not.
        uint freshOut = unchecked(segmentsOut - counts.SegmentsOut), freshIn = unchecked(segmentsIn - counts.SegmentsIn);
        _sent += sent - counts.Sent + (ulong)freshOut * counts.Headers;
        _received += Arrived(info, size, received - counts.Received, counts) + (ulong)freshIn * counts.Headers;
        (counts.Sent, counts.Received, counts.SegmentsOut, counts.SegmentsIn) = (sent, received, segmentsOut, segmentsIn);
        uint dataOut = BinaryPrimitives.ReadUInt32LittleEndian(info[DataSegmentsOut..]);
        bool isBusy = unchecked(dataOut - counts.DataSegmentsOut) >= BusySegments;
        counts.DataSegmentsOut = dataOut;
        if (!isBusy) return null;
        uint rtt = BinaryPrimitives.ReadUInt32LittleEndian(info[Rtt..]), minRtt = BinaryPrimitives.ReadUInt32LittleEndian(info[MinRtt..]);
        return rtt > minRtt ? rtt - minRtt : 0;
    }

    // Null where the peer has reset the connection already.
    private static IPEndPoint? RemoteOf(Socket socket)
    {
        try
        {
            return socket.RemoteEndPoint as IPEndPoint;
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            return null;
        }
    }

    // Bytes that came since the last look. What comes behind a lost segment the system counts only when that one is there; the line has counted it before.
    // It is told of as segments, which are full ones in a stream that is long enough to lose one.
    private static ulong Arrived(ReadOnlySpan<byte> info, int size, ulong inOrder, Counts counts)
    {
        if (size < LongInfoSize) return inOrder;
        uint mss = BinaryPrimitives.ReadUInt32LittleEndian(info[ReceiveMss..]);
        uint data = BinaryPrimitives.ReadUInt32LittleEndian(info[DataSegmentsIn..]), early = BinaryPrimitives.ReadUInt32LittleEndian(info[OutOfOrder..]);
        uint freshData = unchecked(data - counts.DataSegmentsIn), freshEarly = Math.Min(unchecked(early - counts.OutOfOrder), freshData);
        (counts.DataSegmentsIn, counts.OutOfOrder) = (data, early);
        (ulong credited, counts.Ahead) = Credit(inOrder, freshData, freshEarly, mss, counts.Ahead);
        return credited;
    }

    /// <summary>Bytes to count for segments, some of which came out of order. In all never less than what is in order, and never more than
    /// <see cref="MaxAhead"/> beyond it.</summary>
    /// <param name="inOrder">New bytes in order, those among them that filled a gap before others included.</param>
    /// <param name="segments">New segments of data.</param>
    /// <param name="early">Of these, out of order.</param>
    /// <param name="mss">Bytes in a full segment.</param>
    /// <param name="ahead">Bytes that were counted and were not in order until now.</param>
    /// <returns>The bytes, and what is ahead from here on.</returns>
    internal static (ulong Credited, ulong Ahead) Credit(ulong inOrder, uint segments, uint early, uint mss, ulong ahead)
    {
        ulong told = Math.Min(inOrder, (ulong)(segments - early) * mss) + (ulong)early * mss;
        ulong credited = Math.Clamp(told, inOrder - Math.Min(inOrder, ahead), inOrder + MaxAhead - ahead);
        return (credited, ahead + credited - inOrder);
    }

    private sealed class Counts(uint headers)
    {
        internal uint Headers { get; } = headers;

        internal ulong Sent { get; set; }

        internal ulong Received { get; set; }

        internal uint SegmentsOut { get; set; }

        internal uint SegmentsIn { get; set; }

        internal uint DataSegmentsOut { get; set; }

        internal uint DataSegmentsIn { get; set; }

        internal uint OutOfOrder { get; set; }

        internal ulong Ahead { get; set; }
    }
}

/// <summary>What sockets have carried.</summary>
/// <param name="Sent">Bytes put on the wire.</param>
/// <param name="Received">Bytes taken off it.</param>
/// <param name="AddedLatency">By how much the round trip of the least affected busy connection is above the shortest it has had: what waits on the way that
/// all share. Null while none is busy.</param>
public readonly record struct SocketReading(ulong Sent, ulong Received, TimeSpan? AddedLatency);
