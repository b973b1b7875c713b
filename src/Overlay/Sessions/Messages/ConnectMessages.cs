using System.Buffers.Binary;
using System.Net;
using Overlay.Proofs;
using Overlay.Proofs.Encoding;

namespace Overlay.Sessions.Messages;

/// <summary>Consumer: asks for a target. <c>[1, sessionId, host, port, transport]</c>. See docs/protocols/connect.md.</summary>
internal sealed record ConnectRequest(Digest SessionId, string Host, ushort Port)
{
    internal const int MaxHostSize = 255;

    /// <summary>Longest encoding of a request.</summary>
    internal const int MaxSize = 1 + 1 + 34 + (3 + MaxHostSize) + 3 + 4;

    private const string Tcp = "tcp";

    internal byte[] Encode() => new CanonicalWriter(5).Write(1).Write(SessionId.Bytes).Write(Host).Write(Port).Write(Tcp).ToArray();

    internal static ConnectCode TryDecode(ReadOnlySpan<byte> encoded, out ConnectRequest? request)
    {
        request = null;
        var reader = new CanonicalReader(encoded);
        if (!reader.TryReadArrayHeader(5) || !reader.TryReadUInt64(1, out ulong version) || version != 1
            || !reader.TryReadDigest(out Digest sessionId)
            || !reader.TryReadString(MaxHostSize, out string host) || host.Length == 0
            || !reader.TryReadUInt32(ushort.MaxValue, out uint port) || port == 0
            || !reader.TryReadString(Tcp.Length, out string transport)
            || !reader.IsComplete) return ConnectCode.GeneralFailure;
        if (transport != Tcp) return ConnectCode.CommandNotSupported;
        request = new ConnectRequest(sessionId, host, (ushort)port);
        return ConnectCode.Succeeded;
    }
}

/// <summary>Provider: answers a request. <c>[1, code, text, boundAddress]</c>, the address being 16 bytes of IPv6 (or IPv4-mapped) and a port, or empty.</summary>
internal sealed record ConnectAnswer(ConnectCode Code, string Text, IPEndPoint? BoundEndPoint)
{
    internal const int MaxTextSize = 256;

    /// <summary>Longest encoding of an answer.</summary>
    internal const int MaxSize = 1 + 1 + 3 + (3 + MaxTextSize) + (2 + EndPointSize);

    /// <summary>Bytes at the start of a connect stream's answers that are not counted: exactly a success, its length prefix included.</summary>
    /// <remarks>Fixed, so that both sides know it of a stream that was reset before the answer was read. What a refusal's text has beyond it is counted.</remarks>
    internal const int FreeSize = 1 + 1 + 1 + 1 + 1 + (2 + EndPointSize);

    private const int EndPointSize = 18;

    internal byte[] Encode()
    {
        Span<byte> bound = stackalloc byte[EndPointSize];
        bound.Clear();
        if (BoundEndPoint is not null)
        {
            BoundEndPoint.Address.MapToIPv6().TryWriteBytes(bound, out _);
            BinaryPrimitives.WriteUInt16BigEndian(bound[16..], (ushort)BoundEndPoint.Port);
        }

        // A success always carries an address (zero when unknown), a refusal never: so the one has a fixed size and the other can be short.
        return new CanonicalWriter(4).Write(1).Write((ulong)Code).Write(Text).Write(Code == ConnectCode.Succeeded ? bound : []).ToArray();
    }

    internal static ConnectAnswer? Decode(ReadOnlySpan<byte> encoded)
    {
        var reader = new CanonicalReader(encoded);
        if (!reader.TryReadArrayHeader(4) || !reader.TryReadUInt64(1, out ulong version) || version != 1
            || !reader.TryReadUInt32(ushort.MaxValue, out uint code)
            || !reader.TryReadString(MaxTextSize, out string text)
            || !reader.TryReadBytes(0, EndPointSize, out ReadOnlySpan<byte> bound)
            || !reader.IsComplete) return null;
        var known = (ConnectCode)code;
        if (known == ConnectCode.Succeeded ? text.Length != 0 || bound.Length != EndPointSize : bound.Length != 0) return null;
        // A code that this version does not know is still a refusal.
        if (!Enum.IsDefined(known)) known = ConnectCode.GeneralFailure;
        IPEndPoint? endPoint = null;
        if (bound.Length != 0 && bound.ContainsAnyExcept((byte)0))
        {
            var address = new IPAddress(bound[..16]);
            endPoint = new IPEndPoint(address.IsIPv4MappedToIPv6 ? address.MapToIPv4() : address, BinaryPrimitives.ReadUInt16BigEndian(bound[16..]));
        }

        return new ConnectAnswer(known, text, endPoint);
    }
}
