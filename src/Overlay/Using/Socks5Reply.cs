using System.Buffers.Binary;
using System.Net;
using Overlay.Sessions;

namespace Overlay.Using;

/// <summary>Replies to a SOCKS5 request (RFC 1928, section 6).</summary>
/// <remarks>
/// <code>05 | reply | 00 | type | bound address | bound port (2, big-endian)</code>
/// SOCKS5 has nine replies. Those of a provider that it does not have become: policy → 02 not allowed by ruleset; credit, capacity and owner-busy → 01 general
/// failure, since the target is not to blame and another try may work; timed out → 04 host unreachable.
/// </remarks>
internal static class Socks5Reply
{
    /// <summary>Reply 01.</summary>
    public static byte[] GeneralFailure => Refused(1);

    /// <summary>Reply 07, to BIND and UDP ASSOCIATE.</summary>
    public static byte[] CommandNotSupported => Refused(7);

    /// <summary>Reply 08.</summary>
    public static byte[] AddressTypeNotSupported => Refused(8);

    /// <summary>The reply that says that the connection stands.</summary>
    /// <param name="bound">The provider's end point towards the target, when it is known.</param>
    public static byte[] Succeeded(IPEndPoint? bound) => Compose(0, bound ?? new IPEndPoint(IPAddress.Any, 0));

    /// <summary>The reply for a provider's refusal.</summary>
    public static byte[] For(ConnectCode code) => Refused(code switch
    {
        ConnectCode.NotAllowed or ConnectCode.Policy => 2,
        ConnectCode.NetworkUnreachable => 3,
        ConnectCode.HostUnreachable or ConnectCode.TimedOut => 4,
        ConnectCode.ConnectionRefused => 5,
        ConnectCode.CommandNotSupported => 7,
        ConnectCode.AddressTypeNotSupported => 8,
        _ => 1,
    });

    private static byte[] Refused(byte reply) => Compose(reply, new IPEndPoint(IPAddress.Any, 0));

    private static byte[] Compose(byte reply, IPEndPoint bound)
    {
        byte[] address = bound.Address.GetAddressBytes();
        byte[] bytes = new byte[4 + address.Length + 2];
        bytes[0] = 5;
        bytes[1] = reply;
        bytes[3] = (byte)(address.Length == 4 ? 1 : 4);
        address.CopyTo(bytes.AsSpan(4));
        BinaryPrimitives.WriteUInt16BigEndian(bytes.AsSpan(4 + address.Length), (ushort)bound.Port);
        return bytes;
    }
}
