using System.Net;

namespace Overlay.Discovery.Mdns;

/// <summary>Types of records that are read and made (RFC 1035, RFC 3596, RFC 2782); others pass as their number.</summary>
internal enum DnsType : ushort
{
    A = 1,
    Ptr = 12,
    Txt = 16,
    Aaaa = 28,
    Srv = 33,

    /// <summary>In a question: any type.</summary>
    Any = 255,
}

/// <summary>A DNS message as multicast DNS uses it (RFC 6762, section 18). Authority records are read over.</summary>
internal sealed record DnsMessage
{
    /// <summary>Zero in multicast messages; a legacy query's is repeated in its answer.</summary>
    internal ushort Id { get; init; }

    /// <summary>An answer and not a query.</summary>
    internal bool IsResponse { get; init; }

    /// <summary>More known answers follow in another message (section 7.2).</summary>
    internal bool IsTruncated { get; init; }

    internal IReadOnlyList<DnsQuestion> Questions { get; init; } = [];

    internal IReadOnlyList<DnsRecord> Answers { get; init; } = [];

    internal IReadOnlyList<DnsRecord> Additionals { get; init; } = [];
}

/// <summary>A question for a name.</summary>
/// <param name="Name">The name.</param>
/// <param name="Type">The type asked for, or <see cref="DnsType.Any"/>.</param>
/// <param name="WantsUnicast">The top bit of the class: an answer to the asker alone will do (section 5.4).</param>
internal sealed record DnsQuestion(DnsName Name, DnsType Type, bool WantsUnicast = false)
{
    internal bool Asks(DnsName name, DnsType type) => (Type == type || Type == DnsType.Any) && Name.Equals(name);
}

/// <summary>A record of class IN.</summary>
/// <param name="Name">Whose.</param>
/// <param name="Type">Its type.</param>
/// <param name="TtlSeconds">How long it holds; 0 takes it back.</param>
/// <param name="Data">What it says; null for a type that is not known here.</param>
/// <param name="FlushesCache">The top bit of the class: this replaces all records of this name and type (section 10.2).</param>
internal sealed record DnsRecord(DnsName Name, DnsType Type, uint TtlSeconds, DnsData? Data, bool FlushesCache = false);

/// <summary>What a record says.</summary>
internal abstract record DnsData
{
    private protected DnsData()
    {
    }
}

/// <summary>Another name.</summary>
internal sealed record DnsPointer(DnsName Target) : DnsData;

/// <summary>Strings of at most 255 bytes each.</summary>
internal sealed record DnsText(IReadOnlyList<byte[]> Strings) : DnsData;

/// <summary>A service's host and port. Priority and weight are 0 where this node makes them.</summary>
internal sealed record DnsService(ushort Port, DnsName Target) : DnsData;

/// <summary>An IPv4 address in A, an IPv6 address in AAAA.</summary>
internal sealed record DnsAddress(IPAddress Address) : DnsData;
