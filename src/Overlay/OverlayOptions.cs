using Overlay.Discovery;
using Overlay.Gossip;
using Overlay.Market;
using Overlay.Transport;
using Overlay.Transport.Identity;
using Overlay.Using;

namespace Overlay;

/// <summary>Everything a node can be told. Immutable; change with <c>with</c>. Defaults work; a wrong value throws when it is set and says what is allowed.</summary>
public sealed record OverlayOptions
{
    /// <summary>The folder of the node's key and ledger, made if it is missing, readable by its owner alone. Null keeps both in memory: a new identity at each start, receipts gone at the end.</summary>
    public string? DataDirectory { get; init; }

    /// <summary>Addresses to listen on, such as <c>/ip4/0.0.0.0/tcp/4001</c>. Port 0 takes a free one. None: the node only dials.</summary>
    public IReadOnlyList<string> Listen
    {
        get;
        init
        {
            ArgumentNullException.ThrowIfNull(value, nameof(Listen));
            foreach (string address in value)
                if (!Multiaddr.TryParse(address, out _)) throw new ArgumentException($"'{address}' is not a multiaddr such as /ip4/0.0.0.0/tcp/4001.", nameof(Listen));
            field = value;
        }
    } = [];

    /// <summary>Providers known by address, each ending in <c>/p2p/…</c>: with any, these are used in this order and nobody else. None: they are searched for, as <see cref="Market"/> says.</summary>
    public IReadOnlyList<string> Providers
    {
        get;
        init
        {
            ArgumentNullException.ThrowIfNull(value, nameof(Providers));
            foreach (string address in value)
                if (!Multiaddr.TryParse(address, out Multiaddr? parsed) || parsed.PeerId is null)
                    throw new ArgumentException($"'{address}' is not a provider's address such as /ip4/203.0.113.7/tcp/4001/p2p/12D3Koo….", nameof(Providers));
            field = value;
        }
    } = [];

    /// <summary>Gives service to others as an exit. Null: it does not.</summary>
    public SharingOptions? Sharing { get; init; }

    /// <summary>Where to take SOCKS5 clients, and which. Null: nowhere.</summary>
    public Socks5Options? Socks { get; init; }

    /// <summary>Where to take HTTP proxy clients, and which. Null: nowhere.</summary>
    public HttpProxyOptions? HttpProxy { get; init; }

    /// <summary>What the local proxies ask of a provider.</summary>
    public ExitWish Wish { get; init => field = value ?? throw new ArgumentNullException(nameof(Wish)); } = new();

    /// <summary>Takes part in gossip, as these say. Null: it does not.</summary>
    public GossipOptions? Gossip { get; init; }

    /// <summary>How the node finds providers, and consumers. Without <see cref="Gossip"/> only by the DHT.</summary>
    public MarketOptions Market { get; init => field = value ?? throw new ArgumentNullException(nameof(Market)); } = new();

    /// <summary>Limits and deadlines of connections.</summary>
    public TransportOptions Transport { get; init => field = value ?? throw new ArgumentNullException(nameof(Transport)); } = new();

    /// <summary>How the node finds others on the local network and beyond.</summary>
    public DiscoveryOptions Discovery { get; init => field = value ?? throw new ArgumentNullException(nameof(Discovery)); } = new();

    /// <summary>How long stopping waits for open transfers' last receipts. 5 s.</summary>
    public TimeSpan CloseTimeout
    {
        get;
        init => field = value > TimeSpan.Zero ? value : throw new ArgumentOutOfRangeException(nameof(CloseTimeout), value, "Must be positive.");
    } = TimeSpan.FromSeconds(5);
}
