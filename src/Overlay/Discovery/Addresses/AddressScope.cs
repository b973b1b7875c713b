namespace Overlay.Discovery.Addresses;

/// <summary>How far an address reaches.</summary>
public enum AddressScope
{
    /// <summary>This very host.</summary>
    Loopback = 1,

    /// <summary>A private network: RFC 1918, RFC 4193, link-local, and what carriers share with their customers (RFC 6598).</summary>
    Lan,

    /// <summary>The public Internet, or a domain name, of which it is not known before it is resolved.</summary>
    Public,
}
