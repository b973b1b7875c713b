namespace Overlay.Transport.Identity;

/// <summary>The protocols that a <see cref="Multiaddr"/> can name. The numbers are the wire's (github.com/multiformats/multiaddr, protocols.csv).</summary>
public enum MultiaddrProtocol
{
    /// <summary>An IPv4 address.</summary>
    Ip4 = 4,

    /// <summary>A TCP port.</summary>
    Tcp = 6,

    /// <summary>A DCCP port.</summary>
    Dccp = 33,

    /// <summary>An IPv6 address.</summary>
    Ip6 = 41,

    /// <summary>An IPv6 zone (RFC 4007).</summary>
    Ip6Zone = 42,

    /// <summary>The length of an IP prefix in bits.</summary>
    IpCidr = 43,

    /// <summary>A domain name with addresses of either family.</summary>
    Dns = 53,

    /// <summary>A domain name with IPv4 addresses.</summary>
    Dns4 = 54,

    /// <summary>A domain name with IPv6 addresses.</summary>
    Dns6 = 55,

    /// <summary>A domain name whose TXT records hold multiaddrs.</summary>
    DnsAddr = 56,

    /// <summary>An SCTP port.</summary>
    Sctp = 132,

    /// <summary>A UDP port.</summary>
    Udp = 273,

    /// <summary>Deprecated by its specification.</summary>
    P2pWebRtcStar = 275,

    /// <summary>Deprecated by its specification.</summary>
    P2pWebRtcDirect = 276,

    /// <summary>Deprecated by its specification.</summary>
    P2pStardust = 277,

    /// <summary>WebRTC without a signalling server.</summary>
    WebRtcDirect = 280,

    /// <summary>WebRTC between browsers.</summary>
    WebRtc = 281,

    /// <summary>What follows is reached through the relay that went before.</summary>
    P2pCircuit = 290,

    /// <summary>UDT.</summary>
    Udt = 301,

    /// <summary>uTP.</summary>
    Utp = 302,

    /// <summary>The path of a Unix socket; takes all that follows.</summary>
    Unix = 400,

    /// <summary>A peer's name. Written <c>/p2p</c>; <c>/ipfs</c> is read as the same.</summary>
    P2p = 421,

    /// <summary>HTTPS, an older way to write <c>/tls/http</c>.</summary>
    Https = 443,

    /// <summary>An onion service of version 2.</summary>
    Onion = 444,

    /// <summary>An onion service of version 3.</summary>
    Onion3 = 445,

    /// <summary>An I2P destination in base64.</summary>
    Garlic64 = 446,

    /// <summary>The hash of an I2P destination in base32.</summary>
    Garlic32 = 447,

    /// <summary>TLS.</summary>
    Tls = 448,

    /// <summary>The name to show in TLS (RFC 6066, section 3).</summary>
    Sni = 449,

    /// <summary>Noise.</summary>
    Noise = 454,

    /// <summary>QUIC before version 1.</summary>
    Quic = 460,

    /// <summary>QUIC version 1 (RFC 9000).</summary>
    QuicV1 = 461,

    /// <summary>WebTransport.</summary>
    WebTransport = 465,

    /// <summary>The multihash of a certificate.</summary>
    CertHash = 466,

    /// <summary>WebSocket.</summary>
    Ws = 477,

    /// <summary>WebSocket over TLS, an older way to write <c>/tls/ws</c>.</summary>
    Wss = 478,

    /// <summary>Deprecated by its specification.</summary>
    P2pWebSocketStar = 479,

    /// <summary>HTTP.</summary>
    Http = 480,

    /// <summary>A path within an HTTP server, percent-encoded in text.</summary>
    HttpPath = 481,

    /// <summary>An address inside this process.</summary>
    Memory = 777,
}
