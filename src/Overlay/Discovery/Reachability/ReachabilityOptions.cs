namespace Overlay.Discovery.Reachability;

/// <summary>How a node learns at which of its addresses others reach it, and what it does for others to learn that (libp2p AutoNAT v2). Immutable; change
/// with <c>with</c>.</summary>
public sealed record ReachabilityOptions
{
    /// <summary>Peers, each in an IP group of its own (/16, or /32 for IPv6), that must see this node at an address before it is a candidate: 1 to 16.
    /// 3.</summary>
    public int MinObservers { get; init => field = Within(value, 1, 16, nameof(MinObservers)); } = 3;

    /// <summary>Servers, each in an IP group of its own, that must have reached an address, or failed to, before that counts: 1 to 16. 3; the specification
    /// suggests "more than 3".</summary>
    public int MinConfirmations { get; init => field = Within(value, 1, 16, nameof(MinConfirmations)); } = 3;

    /// <summary>How long what a peer saw counts. 40 min, as in go-libp2p.</summary>
    public TimeSpan ObservationLifetime { get; init => field = Positive(value, nameof(ObservationLifetime)); } = TimeSpan.FromMinutes(40);

    /// <summary>How often an address whose case is decided is tried again. 30 min.</summary>
    public TimeSpan RecheckInterval { get; init => field = Positive(value, nameof(RecheckInterval)); } = TimeSpan.FromMinutes(30);

    /// <summary>From one question to the next. 10 s.</summary>
    public TimeSpan QuestionInterval { get; init => field = Positive(value, nameof(QuestionInterval)); } = TimeSpan.FromSeconds(10);

    /// <summary>How long one question may take, the dial and the bytes that pay for it included. 30 s.</summary>
    public TimeSpan QuestionTimeout { get; init => field = Positive(value, nameof(QuestionTimeout)); } = TimeSpan.FromSeconds(30);

    /// <summary>Most of this node's addresses that are asked about: 1 to 50. 16.</summary>
    public int MaxCandidateCount { get; init => field = Within(value, 1, 50, nameof(MaxCandidateCount)); } = 16;

    /// <summary>The most bytes that this node sends to have one address dialled: 0 to 1 MiB. 100,000, the most that servers should ask for.</summary>
    public int MaxDialData { get; init => field = Within(value, 0, 1 << 20, nameof(MaxDialData)); } = 100_000;

    /// <summary>Whether other nodes' addresses are dialled for them. True.</summary>
    public bool Serve { get; init; } = true;

    /// <summary>Requests served per minute, of all peers: 1 to 10,000. 60.</summary>
    public int RequestsPerMinute { get; init => field = Within(value, 1, 10_000, nameof(RequestsPerMinute)); } = 60;

    /// <summary>Requests served per minute of one peer: 1 to 1,000. 12.</summary>
    public int RequestsPerMinuteAndPeer { get; init => field = Within(value, 1, 1000, nameof(RequestsPerMinuteAndPeer)); } = 12;

    /// <summary>Requests served per minute that pay with bytes for a dial to another host than the asker's: 0 to 1,000. 12.</summary>
    public int PaidRequestsPerMinute { get; init => field = Within(value, 0, 1000, nameof(PaidRequestsPerMinute)); } = 12;

    /// <summary>Requests served at once: 1 to 100. 4.</summary>
    public int MaxParallelRequests { get; init => field = Within(value, 1, 100, nameof(MaxParallelRequests)); } = 4;

    /// <summary>Most addresses of one request that are looked at: 1 to 1,000. 50.</summary>
    public int MaxAddressCount { get; init => field = Within(value, 1, 1000, nameof(MaxAddressCount)); } = 50;

    /// <summary>How long dialling back may take. 15 s.</summary>
    public TimeSpan DialBackTimeout { get; init => field = Positive(value, nameof(DialBackTimeout)); } = TimeSpan.FromSeconds(15);

    /// <summary>Whether private and loopback addresses are asked about and dialled for others. False; true is for tests and for networks without the
    /// Internet.</summary>
    public bool AllowPrivateAddresses { get; init; }

    private static int Within(int value, int least, int most, string name) =>
        value >= least && value <= most ? value : throw new ArgumentOutOfRangeException(name, value, $"Must lie between {least} and {most}.");

    private static TimeSpan Positive(TimeSpan value, string name) =>
        value > TimeSpan.Zero ? value : throw new ArgumentOutOfRangeException(name, value, "Must be positive.");
}
