using System.Net;
using System.Net.Sockets;

namespace Overlay.Sharing;

/// <summary>The special-purpose addresses of RFC 6890 and the IANA registries that grew from it, as one table; pure and without state.</summary>
internal static class SpecialAddresses
{
    // Single addresses come first: 168.63.129.16 is in public space, and 192.0.0.192, 100.100.100.200 and fd00:ec2::254 must stay closed
    // to an exit that is told to open private networks.
    private static readonly (IPNetwork Network, AddressKind Kind)[] V4 =
    [
        (Block("169.254.169.254/32"), AddressKind.CloudMetadata), // AWS, Azure, Google, OpenStack, DigitalOcean, Oracle
        (Block("169.254.169.253/32"), AddressKind.CloudMetadata), // the resolver of an AWS VPC
        (Block("169.254.169.123/32"), AddressKind.CloudMetadata), // the clock of an AWS VPC
        (Block("169.254.170.2/32"), AddressKind.CloudMetadata), // credentials of AWS ECS tasks
        (Block("169.254.170.23/32"), AddressKind.CloudMetadata), // credentials of AWS EKS pods
        (Block("169.254.42.42/32"), AddressKind.CloudMetadata), // Scaleway
        (Block("168.63.129.16/32"), AddressKind.CloudMetadata), // Azure's wire server
        (Block("100.100.100.200/32"), AddressKind.CloudMetadata), // Alibaba
        (Block("192.0.0.192/32"), AddressKind.CloudMetadata), // Oracle Cloud, older form
        (Block("0.0.0.0/8"), AddressKind.Unspecified), // RFC 791, section 3.2
        (Block("10.0.0.0/8"), AddressKind.Private), // RFC 1918
        (Block("100.64.0.0/10"), AddressKind.CarrierNat), // RFC 6598
        (Block("127.0.0.0/8"), AddressKind.Loopback), // RFC 1122, section 3.2.1.3
        (Block("169.254.0.0/16"), AddressKind.LinkLocal), // RFC 3927
        (Block("172.16.0.0/12"), AddressKind.Private), // RFC 1918
        (Block("192.0.0.0/24"), AddressKind.Reserved), // RFC 6890, section 2.1
        (Block("192.0.2.0/24"), AddressKind.Documentation), // RFC 5737
        (Block("192.88.99.0/24"), AddressKind.Translated), // RFC 7526: 6to4 relays
        (Block("192.168.0.0/16"), AddressKind.Private), // RFC 1918
        (Block("198.18.0.0/15"), AddressKind.Benchmarking), // RFC 2544
        (Block("198.51.100.0/24"), AddressKind.Documentation), // RFC 5737
        (Block("203.0.113.0/24"), AddressKind.Documentation), // RFC 5737
        (Block("224.0.0.0/4"), AddressKind.Multicast), // RFC 5771
        (Block("255.255.255.255/32"), AddressKind.Broadcast), // RFC 8190
        (Block("240.0.0.0/4"), AddressKind.Reserved), // RFC 1112, section 4
    ];

    private static readonly (IPNetwork Network, AddressKind Kind)[] V6 =
    [
        (Block("fd00:ec2::254/128"), AddressKind.CloudMetadata), // AWS
        (Block("fd00:ec2::253/128"), AddressKind.CloudMetadata), // the resolver of an AWS VPC
        (Block("fd00:ec2::123/128"), AddressKind.CloudMetadata), // the clock of an AWS VPC
        (Block("fd00:ec2::23/128"), AddressKind.CloudMetadata), // credentials of AWS EKS pods
        (Block("fd20:ce::254/128"), AddressKind.CloudMetadata), // Google
        (Block("fd00:42::42/128"), AddressKind.CloudMetadata), // Scaleway
        (Block("fe80::a9fe:a9fe/128"), AddressKind.CloudMetadata), // OpenStack
        (Block("::/128"), AddressKind.Unspecified), // RFC 4291, section 2.5.2
        (Block("::1/128"), AddressKind.Loopback), // RFC 4291, section 2.5.3
        (Block("::ffff:0:0/96"), AddressKind.Translated), // IPv4-mapped: RFC 4291, section 2.5.5.2
        (Block("::ffff:0:0:0/96"), AddressKind.Translated), // IPv4-translated: RFC 2765
        (Block("::/96"), AddressKind.Translated), // IPv4-compatible: RFC 4291, section 2.5.5.1
        (Block("64:ff9b::/96"), AddressKind.Translated), // NAT64: RFC 6052
        (Block("64:ff9b:1::/48"), AddressKind.Translated), // local NAT64: RFC 8215
        (Block("2001::/32"), AddressKind.Translated), // Teredo: RFC 4380
        (Block("2001:2::/48"), AddressKind.Benchmarking), // RFC 5180
        (Block("2001::/23"), AddressKind.Reserved), // IETF protocol assignments, ORCHID among them: RFC 2928, RFC 7343
        (Block("2001:db8::/32"), AddressKind.Documentation), // RFC 3849
        (Block("2002::/16"), AddressKind.Translated), // 6to4: RFC 3056
        (Block("3fff::/20"), AddressKind.Documentation), // RFC 9637
        (Block("fc00::/7"), AddressKind.UniqueLocal), // RFC 4193
        (Block("fe80::/10"), AddressKind.LinkLocal), // RFC 4291, section 2.5.6
        (Block("fec0::/10"), AddressKind.UniqueLocal), // RFC 3879
        (Block("ff00::/8"), AddressKind.Multicast), // RFC 4291, section 2.7
    ];

    private static readonly IPNetwork GlobalV6 = Block("2000::/3"); // RFC 4291, section 2.4; 5f00::/16 (RFC 9602) and 100::/64 (RFC 6666) are outside

    /// <summary>What <paramref name="address"/> is for. An address with a scope is never <see cref="AddressKind.Global"/>.</summary>
    public static AddressKind Classify(IPAddress address)
    {
        if (address.AddressFamily == AddressFamily.InterNetwork) return Find(V4, address) ?? AddressKind.Global;
        if (address.AddressFamily != AddressFamily.InterNetworkV6) return AddressKind.Reserved;

        // A zone names an interface of this host; the networks below are compared without it.
        bool scoped = address.ScopeId != 0;
        IPAddress bare = scoped ? new IPAddress(address.GetAddressBytes()) : address;
        if (Find(V6, bare) is { } kind) return kind;
        if (scoped) return AddressKind.LinkLocal;
        if (!GlobalV6.Contains(bare)) return AddressKind.Reserved;
        return IsIsatap(bare) ? AddressKind.Translated : AddressKind.Global;
    }

    private static AddressKind? Find((IPNetwork Network, AddressKind Kind)[] table, IPAddress address)
    {
        foreach ((IPNetwork network, AddressKind kind) in table)
            if (network.Contains(address)) return kind;
        return null;
    }

    // RFC 5214, section 6.1: the interface identifier is [00|02]00:5efe and an IPv4 address.
    private static bool IsIsatap(IPAddress address)
    {
        Span<byte> bytes = stackalloc byte[16];
        return address.TryWriteBytes(bytes, out _) && (bytes[8] & ~0x02) == 0 && bytes[9] == 0 && bytes[10] == 0x5e && bytes[11] == 0xfe;
    }

    private static IPNetwork Block(string text) => IPNetwork.Parse(text);
}
