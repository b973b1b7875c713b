using System.Collections.Frozen;

namespace Overlay.Transport.Identity;

/// <summary>A protocol's row: how it is named and how its value is written in text and in bytes.</summary>
/// <param name="Protocol">The protocol's code.</param>
/// <param name="Name">Its canonical name.</param>
/// <param name="Size">Size of the value in bytes, or <see cref="MultiaddrTable.Variable"/> when a varint before the value tells it.</param>
/// <param name="Format">The value's two forms.</param>
internal sealed record MultiaddrRow(MultiaddrProtocol Protocol, string Name, int Size, MultiaddrValue Format);

/// <summary>The protocols of github.com/multiformats/multiaddr, protocols.csv.</summary>
internal static class MultiaddrTable
{
    /// <summary>The size of a value that is preceded by its length.</summary>
    internal const int Variable = -1;

    private static readonly MultiaddrRow[] s_rows =
    [
        new(MultiaddrProtocol.Ip4, "ip4", 4, MultiaddrValue.Ip4),
        new(MultiaddrProtocol.Tcp, "tcp", 2, MultiaddrValue.Port),
        new(MultiaddrProtocol.Dccp, "dccp", 2, MultiaddrValue.Port),
        new(MultiaddrProtocol.Ip6, "ip6", 16, MultiaddrValue.Ip6),
        new(MultiaddrProtocol.Ip6Zone, "ip6zone", Variable, MultiaddrValue.Text),
        new(MultiaddrProtocol.IpCidr, "ipcidr", 1, MultiaddrValue.PrefixLength),
        new(MultiaddrProtocol.Dns, "dns", Variable, MultiaddrValue.Text),
        new(MultiaddrProtocol.Dns4, "dns4", Variable, MultiaddrValue.Text),
        new(MultiaddrProtocol.Dns6, "dns6", Variable, MultiaddrValue.Text),
        new(MultiaddrProtocol.DnsAddr, "dnsaddr", Variable, MultiaddrValue.Text),
        new(MultiaddrProtocol.Sctp, "sctp", 2, MultiaddrValue.Port),
        new(MultiaddrProtocol.Udp, "udp", 2, MultiaddrValue.Port),
        new(MultiaddrProtocol.P2pWebRtcStar, "p2p-webrtc-star", 0, MultiaddrValue.None),
        new(MultiaddrProtocol.P2pWebRtcDirect, "p2p-webrtc-direct", 0, MultiaddrValue.None),
        new(MultiaddrProtocol.P2pStardust, "p2p-stardust", 0, MultiaddrValue.None),
        new(MultiaddrProtocol.WebRtcDirect, "webrtc-direct", 0, MultiaddrValue.None),
        new(MultiaddrProtocol.WebRtc, "webrtc", 0, MultiaddrValue.None),
        new(MultiaddrProtocol.P2pCircuit, "p2p-circuit", 0, MultiaddrValue.None),
        new(MultiaddrProtocol.Udt, "udt", 0, MultiaddrValue.None),
        new(MultiaddrProtocol.Utp, "utp", 0, MultiaddrValue.None),
        new(MultiaddrProtocol.Unix, "unix", Variable, MultiaddrValue.Path),
        new(MultiaddrProtocol.P2p, "p2p", Variable, MultiaddrValue.Peer),
        new(MultiaddrProtocol.Https, "https", 0, MultiaddrValue.None),
        new(MultiaddrProtocol.Onion, "onion", 12, MultiaddrValue.Onion),
        new(MultiaddrProtocol.Onion3, "onion3", 37, MultiaddrValue.Onion3),
        new(MultiaddrProtocol.Garlic64, "garlic64", Variable, MultiaddrValue.Garlic64),
        new(MultiaddrProtocol.Garlic32, "garlic32", Variable, MultiaddrValue.Garlic32),
        new(MultiaddrProtocol.Tls, "tls", 0, MultiaddrValue.None),
        new(MultiaddrProtocol.Sni, "sni", Variable, MultiaddrValue.Text),
        new(MultiaddrProtocol.Noise, "noise", 0, MultiaddrValue.None),
        new(MultiaddrProtocol.Quic, "quic", 0, MultiaddrValue.None),
        new(MultiaddrProtocol.QuicV1, "quic-v1", 0, MultiaddrValue.None),
        new(MultiaddrProtocol.WebTransport, "webtransport", 0, MultiaddrValue.None),
        new(MultiaddrProtocol.CertHash, "certhash", Variable, MultiaddrValue.CertHash),
        new(MultiaddrProtocol.Ws, "ws", 0, MultiaddrValue.None),
        new(MultiaddrProtocol.Wss, "wss", 0, MultiaddrValue.None),
        new(MultiaddrProtocol.P2pWebSocketStar, "p2p-websocket-star", 0, MultiaddrValue.None),
        new(MultiaddrProtocol.Http, "http", 0, MultiaddrValue.None),
        new(MultiaddrProtocol.HttpPath, "http-path", Variable, MultiaddrValue.HttpPath),
        new(MultiaddrProtocol.Memory, "memory", Variable, MultiaddrValue.Text),
    ];

    private static readonly FrozenDictionary<MultiaddrProtocol, MultiaddrRow> s_byCode = s_rows.ToFrozenDictionary(row => row.Protocol);

    // "ipfs" is the name that "p2p" had before, and is still met in addresses.
    private static readonly FrozenDictionary<string, MultiaddrRow> s_byName =
        s_rows.Select(row => (row.Name, row)).Append(("ipfs", s_byCode[MultiaddrProtocol.P2p])).ToFrozenDictionary(pair => pair.Item1, pair => pair.Item2);

    /// <summary>The row of a code read from an address, or null.</summary>
    internal static MultiaddrRow? Find(ulong code) => code <= int.MaxValue ? s_byCode.GetValueOrDefault((MultiaddrProtocol)code) : null;

    /// <summary>The row of a name read from text, or null.</summary>
    internal static MultiaddrRow? Find(string name) => s_byName.GetValueOrDefault(name);
}
