using Overlay.Discovery.Addresses;
using Overlay.Discovery.Bootstrap;
using Overlay.Discovery.Kademlia;
using Overlay.Discovery.Mdns;
using Overlay.Discovery.Reachability;
using Overlay.Transport.Identity;

namespace Overlay.Discovery;

/// <summary>How a node finds others, and how others find it. Immutable; change with <c>with</c>. A wrong value throws when it is set and says what is
/// allowed.</summary>
/// <remarks>A node that listens nowhere, or only on loopback, looks for nobody on the local network and asks nobody how it can be reached, whatever is set
/// here.</remarks>
public sealed record DiscoveryOptions
{
    /// <summary>Looks for peers on the local network and is found there. Null: neither.</summary>
    public MdnsOptions? Mdns { get; init; } = new();

    /// <summary>Takes part in the DHT: as a client when the node listens nowhere. A node that shares announces itself there under its region. Null: it does not.</summary>
    public KademliaOptions? Kademlia { get; init; } = new();

    /// <summary>Ways into the network, dialled when too few other peers are known: addresses that end in <c>/p2p/…</c>, or <c>/dnsaddr/…</c>. At most 64; none by default.</summary>
    /// <exception cref="ArgumentException">One is no such address, or there are too many.</exception>
    public IReadOnlyList<string> Bootstrap
    {
        get;
        init => field = Addresses(value, nameof(Bootstrap), "a peer's address such as /ip4/203.0.113.7/tcp/4001/p2p/12D3Koo… or /dnsaddr/bootstrap.example.org",
            address => address.PeerId is not null || address.HostNameKind == MultiaddrProtocol.DnsAddr);
    } = [];

    /// <summary>Peers with whom the node wants to be connected always: addresses that end in <c>/p2p/…</c>. At most 64; none by default.</summary>
    /// <exception cref="ArgumentException">One is no such address, or there are too many.</exception>
    public IReadOnlyList<string> PersistentPeers
    {
        get;
        init => field = Addresses(value, nameof(PersistentPeers), "a peer's address such as /ip4/203.0.113.7/tcp/4001/p2p/12D3Koo…",
            address => address.PeerId is not null && address.HostNameKind != MultiaddrProtocol.DnsAddr);
    } = [];

    /// <summary>How many connections the node keeps up by dialling peers it knows: 0 to 1,000. 16. Persistent peers and those of the local network come on
    /// top.</summary>
    public int TargetConnectionCount { get; init => field = Within(value, 0, 1000, nameof(TargetConnectionCount)); } = 16;

    /// <summary>How many peers of the local network are dialled: 0 to 1,000. 16.</summary>
    public int MaxLanConnectionCount { get; init => field = Within(value, 0, 1000, nameof(MaxLanConnectionCount)); } = 16;

    /// <summary>How many dials run at once: 1 to 64. 8.</summary>
    public int MaxParallelDials { get; init => field = Within(value, 1, 64, nameof(MaxParallelDials)); } = 8;

    /// <summary>How long peers that could not be reached are left alone.</summary>
    public BackoffOptions Backoff { get; init => field = value ?? throw new ArgumentNullException(nameof(Backoff)); } = new();

    /// <summary>How far <c>/dnsaddr</c> addresses are followed.</summary>
    public BootstrapOptions DnsAddr { get; init => field = value ?? throw new ArgumentNullException(nameof(DnsAddr)); } = new();

    /// <summary>How much the address book holds. It is kept in the data folder, or in memory where there is none.</summary>
    public AddressBookOptions AddressBook { get; init => field = value ?? throw new ArgumentNullException(nameof(AddressBook)); } = new();

    /// <summary>Asks others at which addresses they reach this node, and tells others. Null: neither.</summary>
    public ReachabilityOptions? Reachability { get; init; } = new();

    private const int MaxNamedCount = 64;

    private static IReadOnlyList<string> Addresses(IReadOnlyList<string> value, string name, string allowed, Func<Multiaddr, bool> fits)
    {
        ArgumentNullException.ThrowIfNull(value, name);
        if (value.Count > MaxNamedCount) throw new ArgumentException($"{value.Count} addresses are too many; {MaxNamedCount} are allowed.", name);
        foreach (string text in value)
            if (!Multiaddr.TryParse(text, out Multiaddr? address) || !fits(address)) throw new ArgumentException($"'{text}' is not {allowed}.", name);
        return value;
    }

    private static int Within(int value, int least, int most, string name) =>
        value >= least && value <= most ? value : throw new ArgumentOutOfRangeException(name, value, $"Must lie between {least} and {most}.");
}
