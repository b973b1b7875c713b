namespace Overlay.Sharing;

/// <summary>Where a DNS name is served.</summary>
internal enum NameKind
{
    /// <summary>By the public DNS, as far as its form tells.</summary>
    Public,

    /// <summary>By the host itself or its own network: looking it up would show strangers what is there.</summary>
    Private,

    /// <summary>Nowhere in the DNS; looking it up would only tell the resolver about it.</summary>
    NotInDns,
}

/// <summary>Names that the public DNS does not serve (RFC 6761 and its registry), and the two that networks use without being told to.</summary>
internal static class SpecialNames
{
    private static readonly string[] s_privateZones =
    [
        "localhost", // RFC 6761, section 6.3
        "localdomain", // what many hosts files call themselves
        "local", // RFC 6762: multicast DNS
        "internal", // reserved by ICANN in 2024 for private use; Google's metadata service lives here
        "home.arpa", // RFC 8375
        "lan", // the default zone of many home routers
        "test", // RFC 6761, section 6.2
    ];

    private static readonly string[] s_zonesOutsideDns =
    [
        "onion", // RFC 7686
        "alt", // RFC 9476
        "invalid", // RFC 6761, section 6.4
    ];

    /// <param name="name">Lower-case, without a trailing dot.</param>
    public static NameKind Classify(string name)
    {
        if (IsInAny(s_zonesOutsideDns, name)) return NameKind.NotInDns;

        // A name without a dot is completed from the host's own search list (RFC 7085 on why the others do no good either).
        return !name.Contains('.', StringComparison.Ordinal) || IsInAny(s_privateZones, name) ? NameKind.Private : NameKind.Public;
    }

    private static bool IsInAny(string[] zones, string name)
    {
        foreach (string zone in zones)
        {
            if (!name.EndsWith(zone, StringComparison.Ordinal)) continue;
            if (name.Length == zone.Length || name[^(zone.Length + 1)] == '.') return true;
        }

        return false;
    }
}
