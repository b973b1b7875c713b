using Overlay.Transport.Identity;

namespace Overlay.Gossip.Scoring;

/// <summary>How peers are judged (gossipsub v1.1, "Peer Scoring"). Immutable; change with <c>with</c>. docs/protocols/gossip.md gives the formula.</summary>
/// <remarks>Defaults are near those of Filecoin's network, which has, as this one, topics without a steady rate of messages: P3 and P3b are switched off.</remarks>
public sealed record PeerScoreOptions
{
    /// <summary>Below it a peer is neither told of messages nor listened to when it tells of some. −500. Zero or below.</summary>
    public double GossipThreshold { get; init => field = OptionChecks.NotPositive(value); } = -500;

    /// <summary>Below it own messages are not sent to a peer outside the mesh. −1,000. At most <see cref="GossipThreshold"/>.</summary>
    public double PublishThreshold { get; init => field = OptionChecks.NotPositive(value); } = -1000;

    /// <summary>Below it everything that a peer sends is passed over but its subscriptions. −2,500. At most <see cref="PublishThreshold"/>.</summary>
    public double GraylistThreshold { get; init => field = OptionChecks.NotPositive(value); } = -2500;

    /// <summary>From it on the peers are dialled that a PRUNE names. 1,000: only for peers that <see cref="AppSpecificScore"/> raises. Zero or above.</summary>
    public double AcceptPeerExchangeThreshold { get; init => field = OptionChecks.NotNegative(value); } = 1000;

    /// <summary>With a median score of the mesh below it, better peers are grafted. 3.5. Zero or above.</summary>
    public double OpportunisticGraftThreshold { get; init => field = OptionChecks.NotNegative(value); } = 3.5;

    /// <summary>What each topic contributes where <see cref="Topics"/> has nothing for it; null for nothing.</summary>
    public TopicScoreOptions? DefaultTopic { get; init; } = new();

    /// <summary>What single topics contribute.</summary>
    public IReadOnlyDictionary<string, TopicScoreOptions> Topics { get; init => field = value ?? throw new ArgumentNullException(nameof(Topics)); } =
        new Dictionary<string, TopicScoreOptions>();

    /// <summary>Most that all topics together can contribute. 0 for no limit. 0.</summary>
    public double TopicScoreCap { get; init => field = OptionChecks.NotNegative(value); }

    /// <summary>P5: the host application's own judgement of a peer; null for none. Called often and under a lock: it must be quick and must not call the node.</summary>
    public Func<PeerId, double>? AppSpecificScore { get; init; }

    /// <summary>Weight of P5. 1. Zero or above.</summary>
    public double AppSpecificWeight { get; init => field = OptionChecks.NotNegative(value); } = 1;

    /// <summary>Weight of P6, the square of how many peers beyond the threshold share one address. −100. Zero or below.</summary>
    public double IPColocationFactorWeight { get; init => field = OptionChecks.NotPositive(value); } = -100;

    /// <summary>So many peers may share one address. 10. 1 to 10,000. IPv6 addresses count by their /64; loopback and private addresses not at all.</summary>
    public int IPColocationFactorThreshold { get; init => field = OptionChecks.InRange(value, 1, 10_000); } = 10;

    /// <summary>Weight of P7, the square of misdeeds beyond the threshold: GRAFT during back-off, broken promises, malformed RPCs. −10. Zero or below.</summary>
    public double BehaviourPenaltyWeight { get; init => field = OptionChecks.NotPositive(value); } = -10;

    /// <summary>So many misdeeds cost nothing. 6: the honest break a promise now and then. Zero or above.</summary>
    public double BehaviourPenaltyThreshold { get; init => field = OptionChecks.NotNegative(value); } = 6;

    /// <summary>What is left of P7's counter after a decay. 0.9987: a hundredth after an hour. Above 0, below 1.</summary>
    public double BehaviourPenaltyDecay { get; init => field = OptionChecks.Between(value, 0, 1); } = 0.9987;

    /// <summary>Weight of the messages that were dropped because a peer took them too slowly, beyond the threshold. −0.2. Zero or below. Not in the specification.</summary>
    public double SlowPeerWeight { get; init => field = OptionChecks.NotPositive(value); } = -0.2;

    /// <summary>So many dropped messages cost nothing. 10. Zero or above.</summary>
    public double SlowPeerThreshold { get; init => field = OptionChecks.NotNegative(value); } = 10;

    /// <summary>What is left of that counter after a decay. 0.955: a hundredth after 100 s. Above 0, below 1.</summary>
    public double SlowPeerDecay { get; init => field = OptionChecks.Between(value, 0, 1); } = 0.955;

    /// <summary>Time between decays. 1 s. 100 ms to 1 h.</summary>
    public TimeSpan DecayInterval
    {
        get;
        init => field = OptionChecks.InRange(value, TimeSpan.FromMilliseconds(100), TimeSpan.FromHours(1));
    } = TimeSpan.FromSeconds(1);

    /// <summary>Counters below it are zero. 0.01. Above 0, below 1.</summary>
    public double DecayToZero { get; init => field = OptionChecks.Between(value, 0, 1); } = 0.01;

    /// <summary>How long the score of a peer without connection is remembered. 6 h. Up to 7 days.</summary>
    public TimeSpan RetainScore { get; init => field = OptionChecks.InRange(value, TimeSpan.Zero, TimeSpan.FromDays(7)); } = TimeSpan.FromHours(6);

    internal TopicScoreOptions? ForTopic(string topic) => Topics.TryGetValue(topic, out TopicScoreOptions? own) ? own : DefaultTopic;

    internal void CheckTogether()
    {
        if (PublishThreshold > GossipThreshold || GraylistThreshold > PublishThreshold)
            throw new ArgumentException("The thresholds of gossip, publishing and graylist must not rise.", nameof(GraylistThreshold));
        foreach (TopicScoreOptions topic in Topics.Values) topic.CheckTogether();
        DefaultTopic?.CheckTogether();
    }
}
