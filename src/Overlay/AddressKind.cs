namespace Overlay;

/// <summary>What an IP address is for, as far as exits and dials care.</summary>
internal enum AddressKind
{
    /// <summary>An ordinary address of the public Internet.</summary>
    Global,

    /// <summary>"This network" (RFC 791) and the unspecified address: reaches the host itself on many systems.</summary>
    Unspecified,

    /// <summary>127.0.0.0/8 and ::1.</summary>
    Loopback,

    /// <summary>RFC 1918.</summary>
    Private,

    /// <summary>169.254.0.0/16 and fe80::/10.</summary>
    LinkLocal,

    /// <summary>The shared address space between a carrier and its customers (RFC 6598).</summary>
    CarrierNat,

    /// <summary>Unique local addresses (RFC 4193) and the older site-local ones (RFC 3879).</summary>
    UniqueLocal,

    /// <summary>Networks set aside for measurements (RFC 2544, RFC 5180).</summary>
    Benchmarking,

    /// <summary>Networks set aside for examples (RFC 5737, RFC 3849, RFC 9637).</summary>
    Documentation,

    /// <summary>One of the exit host's own addresses.</summary>
    Own,

    /// <summary>Where clouds hand their machines credentials and configuration.</summary>
    CloudMetadata,

    /// <summary>224.0.0.0/4 and ff00::/8.</summary>
    Multicast,

    /// <summary>255.255.255.255.</summary>
    Broadcast,

    /// <summary>An IPv6 address that stands for an IPv4 address, or is turned into one on its way: mapped, compatible, NAT64, 6to4, Teredo, ISATAP.</summary>
    Translated,

    /// <summary>Not in use on the public Internet, whatever for: IETF assignments, future use, ORCHID, SRv6 SIDs, all outside 2000::/3.</summary>
    Reserved,

    /// <summary>In a network that the exit's owner refuses.</summary>
    RefusedByOwner,
}
