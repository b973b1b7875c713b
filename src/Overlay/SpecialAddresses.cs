using System.Buffers.Binary;
using System.Globalization;
using System.Net;
using System.Net.Sockets;

namespace Overlay;

/// <summary>The special-purpose addresses of RFC 6890 and the IANA registries that grew from it, as one table; pure and without state.</summary>
internal static class SpecialAddresses
{
    // Single addresses come first: 168.63.129.16 is in public space, and 192.0.0.192, 100.100.100.200 and fd00:ec2::254 must stay closed
    // to an exit that is told to open private networks.
    private static readonly Block[] s_v4 =
    [
        Block.Of("169.254.169.254/32", AddressKind.CloudMetadata), // AWS, Azure, Google, OpenStack, DigitalOcean, Oracle
        Block.Of("169.254.169.253/32", AddressKind.CloudMetadata), // the resolver of an AWS VPC
        Block.Of("169.254.169.123/32", AddressKind.CloudMetadata), // the clock of an AWS VPC
        Block.Of("169.254.170.2/32", AddressKind.CloudMetadata), // credentials of AWS ECS tasks
        Block.Of("169.254.170.23/32", AddressKind.CloudMetadata), // credentials of AWS EKS pods
        Block.Of("169.254.42.42/32", AddressKind.CloudMetadata), // Scaleway
        Block.Of("168.63.129.16/32", AddressKind.CloudMetadata), // Azure's wire server
        Block.Of("100.100.100.200/32", AddressKind.CloudMetadata), // Alibaba
        Block.Of("192.0.0.192/32", AddressKind.CloudMetadata), // Oracle Cloud, older form
        Block.Of("0.0.0.0/8", AddressKind.Unspecified), // RFC 791, section 3.2
        Block.Of("10.0.0.0/8", AddressKind.Private), // RFC 1918
        Block.Of("100.64.0.0/10", AddressKind.CarrierNat), // RFC 6598
        Block.Of("127.0.0.0/8", AddressKind.Loopback), // RFC 1122, section 3.2.1.3
        Block.Of("169.254.0.0/16", AddressKind.LinkLocal), // RFC 3927
        Block.Of("172.16.0.0/12", AddressKind.Private), // RFC 1918
        Block.Of("192.0.0.0/24", AddressKind.Reserved), // RFC 6890, section 2.1
        Block.Of("192.0.2.0/24", AddressKind.Documentation), // RFC 5737
        Block.Of("192.88.99.0/24", AddressKind.Translated), // RFC 7526: 6to4 relays
        Block.Of("192.168.0.0/16", AddressKind.Private), // RFC 1918
        Block.Of("198.18.0.0/15", AddressKind.Benchmarking), // RFC 2544
        Block.Of("198.51.100.0/24", AddressKind.Documentation), // RFC 5737
        Block.Of("203.0.113.0/24", AddressKind.Documentation), // RFC 5737
        Block.Of("224.0.0.0/4", AddressKind.Multicast), // RFC 5771
        Block.Of("255.255.255.255/32", AddressKind.Broadcast), // RFC 8190
        Block.Of("240.0.0.0/4", AddressKind.Reserved), // RFC 1112, section 4
    ];

    private static readonly Block[] s_v6 =
    [
        Block.Of("fd00:ec2::254/128", AddressKind.CloudMetadata), // AWS
        Block.Of("fd00:ec2::253/128", AddressKind.CloudMetadata), // the resolver of an AWS VPC
        Block.Of("fd00:ec2::123/128", AddressKind.CloudMetadata), // the clock of an AWS VPC
        Block.Of("fd00:ec2::23/128", AddressKind.CloudMetadata), // credentials of AWS EKS pods
        Block.Of("fd20:ce::254/128", AddressKind.CloudMetadata), // Google
        Block.Of("fd00:42::42/128", AddressKind.CloudMetadata), // Scaleway
        Block.Of("fe80::a9fe:a9fe/128", AddressKind.CloudMetadata), // OpenStack
        Block.Of("::/128", AddressKind.Unspecified), // RFC 4291, section 2.5.2
        Block.Of("::1/128", AddressKind.Loopback), // RFC 4291, section 2.5.3
        Block.Of("::ffff:0:0/96", AddressKind.Translated), // IPv4-mapped: RFC 4291, section 2.5.5.2
        Block.Of("::ffff:0:0:0/96", AddressKind.Translated), // IPv4-translated: RFC 2765
        Block.Of("::/96", AddressKind.Translated), // IPv4-compatible: RFC 4291, section 2.5.5.1
        Block.Of("64:ff9b::/96", AddressKind.Translated), // NAT64: RFC 6052
        Block.Of("64:ff9b:1::/48", AddressKind.Translated), // local NAT64: RFC 8215
        Block.Of("2001::/32", AddressKind.Translated), // Teredo: RFC 4380
        Block.Of("2001:2::/48", AddressKind.Benchmarking), // RFC 5180
        Block.Of("2001::/23", AddressKind.Reserved), // IETF protocol assignments, ORCHID among them: RFC 2928, RFC 7343
        Block.Of("2001:db8::/32", AddressKind.Documentation), // RFC 3849
        Block.Of("2002::/16", AddressKind.Translated), // 6to4: RFC 3056
        Block.Of("3fff::/20", AddressKind.Documentation), // RFC 9637
        Block.Of("fc00::/7", AddressKind.UniqueLocal), // RFC 4193
        Block.Of("fe80::/10", AddressKind.LinkLocal), // RFC 4291, section 2.5.6
        Block.Of("fec0::/10", AddressKind.UniqueLocal), // RFC 3879
        Block.Of("ff00::/8", AddressKind.Multicast), // RFC 4291, section 2.7
    ];

    private static readonly Block s_globalV6 = Block.Of("2000::/3", AddressKind.Global); // RFC 4291, section 2.4; 5f00::/16 (RFC 9602) and 100::/64 (RFC 6666) are outside

    /// <summary>What <paramref name="address"/> is for. An address with a scope is never <see cref="AddressKind.Global"/>.</summary>
    public static AddressKind Classify(IPAddress address)
    {
        UInt128 bits = BitsOf(address);
        if (address.AddressFamily == AddressFamily.InterNetwork) return Find(s_v4, bits) ?? AddressKind.Global;
        if (address.AddressFamily != AddressFamily.InterNetworkV6) return AddressKind.Reserved;
        if (Find(s_v6, bits) is { } kind) return kind;
        if (address.ScopeId != 0) return AddressKind.LinkLocal;
        if (!s_globalV6.Contains(bits)) return AddressKind.Reserved;
        return IsIsatap(bits) ? AddressKind.Translated : AddressKind.Global;
    }

    private static AddressKind? Find(Block[] table, UInt128 bits)
    {
        foreach (Block block in table)
            if (block.Contains(bits)) return block.Kind;
        return null;
    }

    // RFC 5214, section 6.1: the interface identifier is [00|02]00:5efe and an IPv4 address.
    private static bool IsIsatap(UInt128 bits) => ((uint)(bits >> 32) & ~0x0200_0000u) == 0x0000_5efe;

    // The number that an address is: of 32 bits or of 128.
    private static UInt128 BitsOf(IPAddress address)
    {
        Span<byte> bytes = stackalloc byte[16];
        address.TryWriteBytes(bytes, out int size);
        return size == 4 ? BinaryPrimitives.ReadUInt32BigEndian(bytes) : BinaryPrimitives.ReadUInt128BigEndian(bytes);
    }

    // Compares bits and nothing else. IPNetwork.Contains takes an IPv4-mapped address for an IPv4 one, so that no IPv6 network contains it as it should.
    private readonly record struct Block(UInt128 Base, int HostBits, AddressKind Kind)
    {
        public static Block Of(string text, AddressKind kind)
        {
            int slash = text.IndexOf('/', StringComparison.Ordinal);
            IPAddress address = IPAddress.Parse(text.AsSpan(0, slash));
            int size = address.AddressFamily == AddressFamily.InterNetwork ? 32 : 128;
            return new Block(BitsOf(address), size - int.Parse(text.AsSpan(slash + 1), CultureInfo.InvariantCulture), kind);
        }

        public bool Contains(UInt128 bits) => (bits ^ Base) >> HostBits == UInt128.Zero;
    }
}
