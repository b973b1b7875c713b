using System.Net;
using System.Net.Sockets;

namespace Overlay.Transport.Resources;

/// <summary>How much the addresses of a network may use, counted for each prefix within it. Immutable; change with <c>with</c>.</summary>
/// <remarks>
/// For an address only the rules of the most specific network that contains it hold, all of them. So two rules for <c>::/0</c> limit a /56 and the /48
/// around it at once, and a rule for <c>192.0.2.0/24</c> replaces what <c>0.0.0.0/0</c> says. An IPv4 address mapped into IPv6 counts as the IPv4 address.
/// </remarks>
public sealed record PrefixRule
{
    private static readonly ResourceLimits s_none = new();

    /// <summary>Makes a rule that limits nothing yet.</summary>
    /// <param name="network">Whose addresses.</param>
    /// <param name="prefixLength">Addresses that share this many leading bits are counted together: from the network's own length (the network as one) to
    /// 32 for IPv4 or 128 for IPv6 (each address by itself).</param>
    /// <exception cref="ArgumentOutOfRangeException">The length lies outside that range.</exception>
    public PrefixRule(IPNetwork network, int prefixLength)
    {
        int longest = network.BaseAddress.AddressFamily == AddressFamily.InterNetwork ? 32 : 128;
        if (prefixLength < network.PrefixLength || prefixLength > longest)
            throw new ArgumentOutOfRangeException(nameof(prefixLength), prefixLength, $"Must lie between {network.PrefixLength} and {longest}.");
        Network = network;
        PrefixLength = prefixLength;
    }

    /// <summary>The rules for addresses in general: IPv4 by /32, IPv6 by /56 and by /48.</summary>
    /// <remarks>Connections are counted as go-libp2p does (its resource manager's conn_limiter.go and conn_rate_limiter.go): 8 of one IPv4 address or one
    /// /56, 64 of one /48; 1 new inbound connection in 5 s after the first 16, and for a /48 in 2 s after the first 80. All peers of one
    /// address, or one /56, hold together 1,024 streams, as many as one peer, and 24 MiB, which garbage may double;
    /// those of a /48 1,536 streams and 72 MiB. Of memory, windows that grow may take half.</remarks>
    public static IReadOnlyList<PrefixRule> General { get; } =
    [
        new PrefixRule(IPNetwork.Parse("0.0.0.0/0"), 32) { Limits = Household, InboundPerSecond = 0.2, InboundBurst = 16 },
        new PrefixRule(IPNetwork.Parse("::/0"), 56) { Limits = Household, InboundPerSecond = 0.2, InboundBurst = 16 },
        new PrefixRule(IPNetwork.Parse("::/0"), 48) { Limits = Site, InboundPerSecond = 0.5, InboundBurst = 80 },
    ];

    /// <summary>The rules that exempt this host itself, 127.0.0.0/8 and ::1/128, as go-libp2p does. Leave them out and loopback is treated as any address.</summary>
    public static IReadOnlyList<PrefixRule> LoopbackExempt { get; } =
        [new PrefixRule(IPNetwork.Parse("127.0.0.0/8"), 8), new PrefixRule(IPNetwork.Parse("::1/128"), 128)];

    /// <summary>Whose addresses.</summary>
    public IPNetwork Network { get; }

    /// <summary>How many leading bits an address shares with those that it is counted with.</summary>
    public int PrefixLength { get; }

    /// <summary>What the connections with one prefix may hold together, of both directions and in all states, whoever the peers behind it are. Nothing is limited unless set.</summary>
    /// <exception cref="ArgumentNullException">The value is null.</exception>
    public ResourceLimits Limits { get; init => field = value ?? throw new ArgumentNullException(nameof(Limits)); } = s_none;

    /// <summary>New inbound connections a second from one prefix, in the long run; at least 0.001. Infinite unless set.</summary>
    public double InboundPerSecond
    {
        get;
        init => field = value >= 0.001 ? value : throw new ArgumentOutOfRangeException(nameof(InboundPerSecond), value, "Must be at least 0.001.");
    } = double.PositiveInfinity;

    /// <summary>New inbound connections from one prefix at once, after a rest: 1 to 1,000,000. 1 unless set.</summary>
    public int InboundBurst
    {
        get;
        init => field = value is >= 1 and <= 1_000_000
            ? value
            : throw new ArgumentOutOfRangeException(nameof(InboundBurst), value, "Must lie between 1 and 1,000,000.");
    } = 1;

    /// <summary>Whether the rule limits anything; one that does not exempts its network.</summary>
    internal bool IsLimiting => Limits != s_none || !double.IsPositiveInfinity(InboundPerSecond);

    private static ResourceLimits Household => new() { MaxConnectionCount = 8, MaxStreamCount = 1024, MaxMemorySize = 24L << 20 };

    private static ResourceLimits Site => new() { MaxConnectionCount = 64, MaxStreamCount = 1536, MaxMemorySize = 72L << 20 };
}
