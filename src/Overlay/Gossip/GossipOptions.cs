using Overlay.Gossip.Messages;
using Overlay.Gossip.Scoring;
using Overlay.Gossip.Wire;
using Overlay.Transport.Identity;

namespace Overlay.Gossip;

/// <summary>How a node gossips. Immutable; change with <c>with</c>. Names of parameters are those of the gossipsub specifications v1.0, v1.1 and v1.2.</summary>
/// <remarks>That <see cref="DegreeLow"/> ≤ <see cref="Degree"/> ≤ <see cref="DegreeHigh"/>, and what else concerns several values, is checked when a node is made.</remarks>
public sealed record GossipOptions
{
    private const int MaxDirectPeers = 64;

    /// <summary>D: peers in the mesh of a topic. 8, as Ethereum's consensus network has; the specification suggests 6. 0 to 64; 0 for a node that only helps others to find peers.</summary>
    public int Degree { get; init => field = OptionChecks.InRange(value, 0, 64); } = 8;

    /// <summary>D_lo: with fewer, peers are grafted. 6; the specification suggests 4 where D is 6. 0 to 64.</summary>
    public int DegreeLow { get; init => field = OptionChecks.InRange(value, 0, 64); } = 6;

    /// <summary>D_hi: with more, peers are pruned. 12, as in the specification. 0 to 256.</summary>
    public int DegreeHigh { get; init => field = OptionChecks.InRange(value, 0, 256); } = 12;

    /// <summary>D_score: how many of the best by score survive a pruning. 4, as in gossipsub v1.1. 0 to 64.</summary>
    public int DegreeScore { get; init => field = OptionChecks.InRange(value, 0, 64); } = 4;

    /// <summary>D_out: peers of the mesh that this node dialled, at least. 2, as in gossipsub v1.1; below D_lo and at most D / 2. 0 to 32.</summary>
    public int DegreeOut { get; init => field = OptionChecks.InRange(value, 0, 32); } = 2;

    /// <summary>D_lazy: peers outside the mesh that are told of messages at each heartbeat, at least. 6, as in the specification. 0 to 64.</summary>
    public int DegreeLazy { get; init => field = OptionChecks.InRange(value, 0, 64); } = 6;

    /// <summary>Gossip factor: the share of the peers outside the mesh that are told of messages. 0.25, as in gossipsub v1.1. 0 to 1.</summary>
    public double GossipFactor
    {
        get;
        init => field = value is >= 0 and <= 1 ? value : throw new ArgumentOutOfRangeException(nameof(GossipFactor), value, "GossipFactor must be 0 to 1.");
    } = 0.25;

    /// <summary>Time between heartbeats. 1 s, as in the specification. 50 ms to 1 min.</summary>
    public TimeSpan HeartbeatInterval
    {
        get;
        init => field = OptionChecks.InRange(value, TimeSpan.FromMilliseconds(50), TimeSpan.FromMinutes(1));
    } = TimeSpan.FromSeconds(1);

    /// <summary>How long the peers are kept to which messages of a topic without subscription are sent. 60 s, as in the specification. Up to 1 h.</summary>
    public TimeSpan FanoutTime { get; init => field = OptionChecks.InRange(value, TimeSpan.Zero, TimeSpan.FromHours(1)); } = TimeSpan.FromSeconds(60);

    /// <summary>How long a pruned peer must not be grafted again. 1 min, as in gossipsub v1.1. 1 s to 1 h.</summary>
    public TimeSpan PruneBackoff { get; init => field = OptionChecks.InRange(value, TimeSpan.FromSeconds(1), TimeSpan.FromHours(1)); } = TimeSpan.FromMinutes(1);

    /// <summary>The same after the own unsubscribing. 10 s, as in gossipsub v1.1. 1 s to 1 h.</summary>
    public TimeSpan UnsubscribeBackoff
    {
        get;
        init => field = OptionChecks.InRange(value, TimeSpan.FromSeconds(1), TimeSpan.FromHours(1));
    } = TimeSpan.FromSeconds(10);

    /// <summary>A GRAFT this soon after a PRUNE costs its sender twice. 10 s, as go-libp2p-pubsub has. Up to 1 h.</summary>
    public TimeSpan GraftFloodTime { get; init => field = OptionChecks.InRange(value, TimeSpan.Zero, TimeSpan.FromHours(1)); } = TimeSpan.FromSeconds(10);

    /// <summary>Heartbeats whose messages are kept for those that ask. 5, as in the specification. 1 to 120.</summary>
    public int HistoryLength { get; init => field = OptionChecks.InRange(value, 1, 120); } = 5;

    /// <summary>Heartbeats whose messages are told of; at most <see cref="HistoryLength"/>. 3, as in the specification. 1 to 120.</summary>
    public int HistoryGossip { get; init => field = OptionChecks.InRange(value, 1, 120); } = 3;

    /// <summary>How long a message's id is remembered. 2 min, as in the specification. 1 s to 1 h.</summary>
    public TimeSpan SeenTime { get; init => field = OptionChecks.InRange(value, TimeSpan.FromSeconds(1), TimeSpan.FromHours(1)); } = TimeSpan.FromMinutes(2);

    /// <summary>How long a peer has to send a message that it told of and was asked for. 3 s, as in gossipsub v1.1. 100 ms to 5 min.</summary>
    public TimeSpan IWantFollowupTime
    {
        get;
        init => field = OptionChecks.InRange(value, TimeSpan.FromMilliseconds(100), TimeSpan.FromMinutes(5));
    } = TimeSpan.FromSeconds(3);

    /// <summary>How often one message is given to one peer that asks. 3, as go-libp2p-pubsub has. 1 to 100.</summary>
    public int GossipRetransmission { get; init => field = OptionChecks.InRange(value, 1, 100); } = 3;

    /// <summary>Heartbeats between opportunistic graftings. 10; gossipsub v1.1 suggests 60, with which a mesh that Sybils have filled takes minutes to recover. 1 to 86,400.</summary>
    public int OpportunisticGraftTicks { get; init => field = OptionChecks.InRange(value, 1, 86_400); } = 10;

    /// <summary>Peers grafted at such an opportunity. 2, as in gossipsub v1.1. 0 to 32.</summary>
    public int OpportunisticGraftPeers { get; init => field = OptionChecks.InRange(value, 0, 32); } = 2;

    /// <summary>Whether own messages go to every peer of the topic that scores well enough, not to the mesh alone. True, as gossipsub v1.1 suggests.</summary>
    public bool FloodPublish { get; init; } = true;

    /// <summary>Messages of this size and more are announced to the mesh by IDONTWANT as soon as their signature holds, in bytes. 512, as js-libp2p has. 0 to 4 MiB.</summary>
    public int IDontWantThreshold { get; init => field = OptionChecks.InRange(value, 0, 4 << 20); } = 512;

    /// <summary>Of a message that is announced by IDONTWANT, so many peers of the mesh, those that have it already counted, get a copy at once; the rest only after <see cref="ForwardDelay"/>, unless it is known by then that
    /// they have it. 4: with all at once, most links of a mesh carry each message both ways. 1 to 64. Not in the specification, which leaves to the sender when it sends.</summary>
    public int ForwardFirst { get; init => field = OptionChecks.InRange(value, 1, 64); } = 4;

    /// <summary>How long the rest of the mesh waits for such a message. 250 ms: longer than most messages take to all of a large network. Up to 5 s; 0 for all at once.</summary>
    public TimeSpan ForwardDelay { get; init => field = OptionChecks.InRange(value, TimeSpan.Zero, TimeSpan.FromSeconds(5)); } = TimeSpan.FromMilliseconds(250);

    /// <summary>Heartbeats for which a peer's IDONTWANT is remembered. 3, as go-libp2p-pubsub has. 1 to 60.</summary>
    public int IDontWantTicks { get; init => field = OptionChecks.InRange(value, 1, 60); } = 3;

    /// <summary>Whether pruned peers are told of others. False, as go-libp2p-pubsub has: only a node that its network trusts to introduce peers should. Records that others send are used by <see cref="PeerScoreOptions.AcceptPeerExchangeThreshold"/>.</summary>
    public bool PeerExchange { get; init; }

    /// <summary>Whether messages carry their author and signature. Every node of a topic must have the same.</summary>
    public GossipSigning Signing
    {
        get;
        init => field = Enum.IsDefined(value) ? value : throw new ArgumentOutOfRangeException(nameof(Signing), value, "Signing must be one of the two policies.");
    } = GossipSigning.StrictSign;

    /// <summary>Of what a message's id is made. Every node of a topic must have the same. As the specification has it; peers of js-libp2p with its default need
    /// <see cref="GossipMessageIds.KeyAndSequence"/>.</summary>
    public GossipMessageIds MessageIds
    {
        get;
        init => field = Enum.IsDefined(value) ? value : throw new ArgumentOutOfRangeException(nameof(MessageIds), value, "MessageIds must be one of the three rules.");
    } = GossipMessageIds.FromAndSequence;

    /// <summary>The topics that peers can speak of here: whole names, or beginnings that end in <c>*</c>. What concerns others is passed over before it takes memory. Null for all.</summary>
    public IReadOnlyList<string>? AllowedTopics
    {
        get;
        init => field = value is null || value.All(topic => !string.IsNullOrEmpty(topic)) ? value : throw new ArgumentException("AllowedTopics must not hold an empty name.", nameof(AllowedTopics));
    }

    /// <summary>Peers that the owner trusts, each address ending in <c>/p2p/…</c>; several of one peer may be given, at most 64 in all. They are kept
    /// connected, get every message of the topics that they take, stand outside of meshes and are not scored. As go-libp2p-pubsub's direct peers: both
    /// sides should name each other, or one of them grafts in vain.</summary>
    public IReadOnlyList<string> DirectPeers
    {
        get;
        init
        {
            ArgumentNullException.ThrowIfNull(value, nameof(DirectPeers));
            if (value.Count > MaxDirectPeers) throw new ArgumentOutOfRangeException(nameof(DirectPeers), value.Count, $"DirectPeers has at most {MaxDirectPeers} addresses.");
            foreach (string address in value)
            {
                if (!Multiaddr.TryParse(address, out Multiaddr? parsed) || parsed.PeerId is null)
                    throw new ArgumentException($"'{address}' is not a peer's address such as /ip4/203.0.113.7/tcp/4001/p2p/12D3Koo….", nameof(DirectPeers));
            }

            field = value;
        }
    } = [];

    /// <summary>How often those of <see cref="DirectPeers"/> are dialled to whom there is no connection. 10 s. 100 ms to 1 h.</summary>
    public TimeSpan DirectPeerInterval
    {
        get;
        init => field = OptionChecks.InRange(value, TimeSpan.FromMilliseconds(100), TimeSpan.FromHours(1));
    } = TimeSpan.FromSeconds(10);

    /// <summary>Whether own messages come to the own subscriptions too. False.</summary>
    public bool DeliversOwn { get; init; }

    /// <summary>What a peer may take of memory and work.</summary>
    public GossipLimits Limits { get; init => field = value ?? throw new ArgumentNullException(nameof(Limits)); } = new();

    /// <summary>How peers are judged.</summary>
    public PeerScoreOptions Score { get; init => field = value ?? throw new ArgumentNullException(nameof(Score)); } = new();

    /// <summary>Longest message id by the rule in use, in bytes. Longer ones name no message of this network and are passed over.</summary>
    internal int MaxMessageIdSize => MessageIdRule.MaxSizeOf(MessageIds);

    /// <summary>The direct peers and where they are.</summary>
    internal IReadOnlyList<IGrouping<PeerId, Multiaddr>> DirectPeerAddresses => [.. DirectPeers.Select(Multiaddr.Parse).GroupBy(address => address.PeerId!)];

    internal bool Allows(string topic)
    {
        if (AllowedTopics is null) return true;
        foreach (string allowed in AllowedTopics)
            if (allowed[^1] == '*' ? topic.AsSpan().StartsWith(allowed.AsSpan(0, allowed.Length - 1), StringComparison.Ordinal) : topic == allowed) return true;
        return false;
    }

    /// <summary>Checks what concerns several values.</summary>
    /// <exception cref="ArgumentException">Two of them contradict each other.</exception>
    internal void CheckTogether()
    {
        if (DegreeLow > Degree || Degree > DegreeHigh) throw new ArgumentException($"D_lo {DegreeLow}, D {Degree} and D_hi {DegreeHigh} must not fall.", nameof(Degree));
        if (DegreeScore > DegreeHigh) throw new ArgumentException($"D_score {DegreeScore} must be at most D_hi {DegreeHigh}.", nameof(DegreeScore));
        if (Degree > 0 && (DegreeOut >= DegreeLow || DegreeOut > Degree / 2))
            throw new ArgumentException($"D_out {DegreeOut} must be below D_lo {DegreeLow} and at most half of D {Degree}.", nameof(DegreeOut));
        if (HistoryGossip > HistoryLength) throw new ArgumentException($"HistoryGossip {HistoryGossip} must be at most HistoryLength {HistoryLength}.", nameof(HistoryGossip));
        if (Signing == GossipSigning.StrictNoSign && MessageIds != GossipMessageIds.Content)
            throw new ArgumentException("Without authors a message's id can only be made of its content.", nameof(MessageIds));
        if (Limits.MaxMessageSize > Limits.MaxRpcSize - 8)
            throw new ArgumentException("MaxMessageSize must be at least 8 bytes below MaxRpcSize.", nameof(Limits));
        if (Limits.MaxTopicSize > Limits.MaxRpcSize / 2) throw new ArgumentException("MaxTopicSize must be at most half of MaxRpcSize.", nameof(Limits));
        if (Limits.MaxMessagesPerRpc < Limits.MaxIHaveIds)
            throw new ArgumentException("MaxMessagesPerRpc must be at least MaxIHaveIds: all that a peer is asked for may come at once.", nameof(Limits));
        Score.CheckTogether();
    }
}

/// <summary>The two signature policies of the pubsub specification that are not discouraged.</summary>
public enum GossipSigning
{
    /// <summary>Every message has author, sequence number and signature, and is refused without.</summary>
    StrictSign = 1,

    /// <summary>No message has any of them, and is refused with one.</summary>
    StrictNoSign = 2,
}

/// <summary>Of what a message's id is made.</summary>
public enum GossipMessageIds
{
    /// <summary>The author's PeerId and the sequence number: the specification's default, and that of go-libp2p and rust-libp2p.</summary>
    FromAndSequence = 1,

    /// <summary>The author's public key in protobuf and the sequence number: js-libp2p's default.</summary>
    KeyAndSequence = 2,

    /// <summary>SHA-256 of topic and data: the same content is one message, whoever sends it.</summary>
    Content = 3,
}
