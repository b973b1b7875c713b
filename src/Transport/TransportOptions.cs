using Overlay.Transport.Identify;
using Overlay.Transport.Multistream;
using Overlay.Transport.Noise;
using Overlay.Transport.Resources;
using Overlay.Transport.Yamux;

namespace Overlay.Transport;

/// <summary>Limits and deadlines of the transport. Immutable; change with <c>with</c>. A wrong value throws when it is set and says what is allowed.</summary>
public sealed record TransportOptions
{
    /// <summary>How long opening one transport connection may take. 10 s.</summary>
    public TimeSpan DialTimeout { get; init => field = Positive(value, nameof(DialTimeout)); } = TimeSpan.FromSeconds(10);

    /// <summary>How long after one address the next is tried, while none has answered. 250 ms, the "Connection Attempt Delay" of RFC 8305, section 8.</summary>
    public TimeSpan DialStagger { get; init => field = Positive(value, nameof(DialStagger)); } = TimeSpan.FromMilliseconds(250);

    /// <summary>How many addresses of one peer are tried in one dial. 16.</summary>
    public int MaxDialAddressCount { get; init => field = AtLeastOne(value, nameof(MaxDialAddressCount)); } = 16;

    /// <summary>How long a whole inbound or outbound upgrade (security, handshake, muxer) may take. 10 s, as js-libp2p allows.</summary>
    public TimeSpan UpgradeTimeout { get; init => field = Positive(value, nameof(UpgradeTimeout)); } = TimeSpan.FromSeconds(10);

    /// <summary>How long agreeing on a stream's protocol may take. 10 s, as js-libp2p allows.</summary>
    public TimeSpan NegotiationTimeout { get; init => field = Positive(value, nameof(NegotiationTimeout)); } = TimeSpan.FromSeconds(10);

    /// <summary>How long <see cref="PeerHost.DisposeAsync"/> lets open streams end. 5 s.</summary>
    public TimeSpan CloseTimeout { get; init => field = Positive(value, nameof(CloseTimeout)); } = TimeSpan.FromSeconds(5);

    /// <summary>How many connections, streams, sockets and bytes the node, a peer, an address or a protocol may use. What is too much is refused.</summary>
    public ResourceOptions Resources { get; init => field = value ?? throw new ArgumentNullException(nameof(Resources)); } = new();

    /// <summary>When connections that the node could do without are let go.</summary>
    public TrimOptions Trimming { get; init => field = value ?? throw new ArgumentNullException(nameof(Trimming)); } = new();

    /// <summary>Inbound streams of one connection that may come to nothing (no protocol agreed on, or too many of one) before they count as a flood. 100.</summary>
    public int RefusedStreamBurst { get; init => field = AtLeastOne(value, nameof(RefusedStreamBurst)); } = 100;

    /// <summary>How many such streams are forgiven per second. 10.</summary>
    public int RefusedStreamsPerSecond { get; init => field = AtLeastOne(value, nameof(RefusedStreamsPerSecond)); } = 10;

    /// <summary>Limits of protocol negotiation.</summary>
    public MultistreamOptions Multistream { get; init => field = value ?? throw new ArgumentNullException(nameof(Multistream)); } = new();

    /// <summary>Limits of the secure channel.</summary>
    public NoiseOptions Noise { get; init => field = value ?? throw new ArgumentNullException(nameof(Noise)); } = new();

    /// <summary>Limits and windows of the muxer.</summary>
    public YamuxOptions Yamux { get; init => field = value ?? throw new ArgumentNullException(nameof(Yamux)); } = new();

    /// <summary>What this node tells of itself, and how much it takes from a peer.</summary>
    public IdentifyOptions Identify { get; init => field = value ?? throw new ArgumentNullException(nameof(Identify)); } = new();

    /// <summary>Whether every new connection's peer is asked what it is. True, as libp2p peers expect.</summary>
    public bool IdentifyOnConnect { get; init; } = true;

    /// <summary>Whether the perf protocol is served. False: it lets any peer ask for work (perf specification, "Security Considerations").</summary>
    public bool ServePerf { get; init; }

    private static TimeSpan Positive(TimeSpan value, string name) =>
        value > TimeSpan.Zero ? value : throw new ArgumentOutOfRangeException(name, value, "Must be positive.");

    private static int AtLeastOne(int value, string name) =>
        value >= 1 ? value : throw new ArgumentOutOfRangeException(name, value, "Must be at least 1.");
}
