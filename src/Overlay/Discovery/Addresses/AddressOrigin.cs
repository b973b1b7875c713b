namespace Overlay.Discovery.Addresses;

/// <summary>Who told of an address. The more is to be believed of it, the greater.</summary>
internal enum AddressOrigin
{
    /// <summary>Another peer said so.</summary>
    Told = 1,

    /// <summary>The peer itself, unsigned, in identify.</summary>
    Identify,

    /// <summary>The peer itself, on the local network.</summary>
    Mdns,

    /// <summary>The peer's own signature (RFC 0003).</summary>
    Signed,

    /// <summary>The owner of this node.</summary>
    Owner,
}
