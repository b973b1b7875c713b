namespace Overlay.Sessions;

/// <summary>A provider's answer to a connect request. The first are SOCKS5's (RFC 1928, section 6), the rest say what SOCKS5 cannot.</summary>
public enum ConnectCode
{
    /// <summary>The target was reached; bytes follow.</summary>
    Succeeded = 0,

    /// <summary>General failure.</summary>
    GeneralFailure = 1,

    /// <summary>Not allowed by ruleset.</summary>
    NotAllowed = 2,

    /// <summary>Network unreachable.</summary>
    NetworkUnreachable = 3,

    /// <summary>Host unreachable, or its name does not resolve.</summary>
    HostUnreachable = 4,

    /// <summary>Connection refused by the target.</summary>
    ConnectionRefused = 5,

    /// <summary>The target did not answer in time.</summary>
    TimedOut = 6,

    /// <summary>The request's transport is not supported.</summary>
    CommandNotSupported = 7,

    /// <summary>The kind of address is not supported.</summary>
    AddressTypeNotSupported = 8,

    /// <summary>The provider's exit policy forbids the target.</summary>
    Policy = 0x100,

    /// <summary>The session's credit is used up and unpaid.</summary>
    Credit = 0x101,

    /// <summary>The provider has no room for another connection.</summary>
    Capacity = 0x102,

    /// <summary>The provider's owner needs the line.</summary>
    OwnerBusy = 0x103,
}
