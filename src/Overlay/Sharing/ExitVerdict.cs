using System.Net;

namespace Overlay.Sharing;

/// <summary>Why an exit policy refuses a target.</summary>
internal enum ExitRefusal
{
    /// <summary>It does not: the target is allowed.</summary>
    None,

    /// <summary>The port is not among the allowed ones.</summary>
    Port,

    /// <summary>The address is not one that the exit reaches out to.</summary>
    Address,

    /// <summary>The name belongs to a private or special zone.</summary>
    Name,

    /// <summary>A list of the owner's names it, or leaves it out.</summary>
    List,
}

/// <summary>An exit policy's answer about one target.</summary>
/// <param name="Refusal"><see cref="ExitRefusal.None"/> when allowed.</param>
/// <param name="Kind">What the address is for; <see cref="AddressKind.Global"/> when the verdict is not about an address.</param>
/// <param name="Text">The reason, fit to be sent to the consumer: it names no address of the exit's own networks. Empty when allowed.</param>
internal readonly record struct ExitVerdict(ExitRefusal Refusal, AddressKind Kind, string Text)
{
    /// <summary>The target may be dialled.</summary>
    public static ExitVerdict Allowed { get; } = new(ExitRefusal.None, AddressKind.Global, "");

    /// <summary>Whether the target may be dialled.</summary>
    public bool IsAllowed => Refusal == ExitRefusal.None;

    /// <summary>A refused address.</summary>
    public static ExitVerdict RefusedAddress(AddressKind kind) => new(ExitRefusal.Address, kind, $"The exit does not connect to {Describe(kind)}.");

    /// <summary>A target that a list of the owner's keeps out.</summary>
    public static ExitVerdict RefusedByList(string text) => new(ExitRefusal.List, AddressKind.RefusedByOwner, text);

    private static string Describe(AddressKind kind) => kind switch
    {
        AddressKind.Unspecified => "the unspecified address or \"this network\"",
        AddressKind.Loopback => "loopback addresses",
        AddressKind.Private => "private addresses",
        AddressKind.LinkLocal => "link-local addresses",
        AddressKind.CarrierNat => "the shared addresses of carriers",
        AddressKind.UniqueLocal => "unique local addresses",
        AddressKind.Benchmarking => "benchmarking networks",
        AddressKind.Documentation => "documentation networks",
        AddressKind.Own => "its own addresses",
        AddressKind.CloudMetadata => "cloud metadata services",
        AddressKind.Multicast => "multicast addresses",
        AddressKind.Broadcast => "the broadcast address",
        AddressKind.Translated => "IPv6 addresses that stand for IPv4 ones",
        AddressKind.RefusedByOwner => "a network that its owner refuses",
        _ => "reserved addresses",
    };
}
