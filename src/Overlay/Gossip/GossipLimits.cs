namespace Overlay.Gossip;

/// <summary>What peers may take of this node's memory and work by gossip. Immutable; change with <c>with</c>.</summary>
public sealed record GossipLimits
{
    /// <summary>Largest RPC taken or sent, in bytes; one announced as longer ends its stream before it is read. 1 MiB, as go-libp2p-pubsub has. 4 KiB to 16 MiB.</summary>
    public int MaxRpcSize { get; init => field = OptionChecks.InRange(value, 4096, 16 << 20); } = 1 << 20;

    /// <summary>Largest message with all its fields, in bytes; at least 8 below <see cref="MaxRpcSize"/>. 256 KiB. 1 KiB to 8 MiB.</summary>
    public int MaxMessageSize { get; init => field = OptionChecks.InRange(value, 1024, 8 << 20); } = 256 << 10;

    /// <summary>Most messages in one RPC; at least <see cref="MaxIHaveIds"/>, since all that were asked for may come at once. 5,000. 1 to 100,000.</summary>
    public int MaxMessagesPerRpc { get; init => field = OptionChecks.InRange(value, 1, 100_000); } = 5000;

    /// <summary>Most subscription changes in one RPC. 1,000. 1 to 100,000.</summary>
    public int MaxSubscriptionsPerRpc { get; init => field = OptionChecks.InRange(value, 1, 100_000); } = 1000;

    /// <summary>Most control messages in one RPC. 1,000. 1 to 100,000.</summary>
    public int MaxControlPerRpc { get; init => field = OptionChecks.InRange(value, 1, 100_000); } = 1000;

    /// <summary>Message ids of one RPC that are looked at; further ones are passed over. 5,000, what go-libp2p-pubsub tells of at once. 1 to 100,000.</summary>
    public int MaxIdsPerRpc { get; init => field = OptionChecks.InRange(value, 1, 100_000); } = 5000;

    /// <summary>Longest topic, in bytes of UTF-8; at most half of <see cref="MaxRpcSize"/>. 256. 1 to 4,096.</summary>
    public int MaxTopicSize { get; init => field = OptionChecks.InRange(value, 1, 4096); } = 256;

    /// <summary>Topics that one peer can be subscribed to here. 256. 1 to 100,000.</summary>
    public int MaxTopicsPerPeer { get; init => field = OptionChecks.InRange(value, 1, 100_000); } = 256;

    /// <summary>Topics known of, own ones and peers' together. 4,096. 1 to 1,000,000.</summary>
    public int MaxTopics { get; init => field = OptionChecks.InRange(value, 1, 1_000_000); } = 4096;

    /// <summary>RPCs with IHAVE that one peer is listened to between two heartbeats. 10, as go-libp2p-pubsub has. 1 to 1,000.</summary>
    public int MaxIHavePerHeartbeat { get; init => field = OptionChecks.InRange(value, 1, 1000); } = 10;

    /// <summary>Messages that one peer is asked for between two heartbeats, and ids told of in one IHAVE. 5,000, as go-libp2p-pubsub has. 1 to 100,000.</summary>
    public int MaxIHaveIds { get; init => field = OptionChecks.InRange(value, 1, 100_000); } = 5000;

    /// <summary>IDONTWANT messages of one peer that are listened to between two heartbeats. 1,000, as go-libp2p-pubsub has. 1 to 100,000.</summary>
    public int MaxIDontWantPerHeartbeat { get; init => field = OptionChecks.InRange(value, 1, 100_000); } = 1000;

    /// <summary>Ids of one peer's IDONTWANT that are remembered. 4,096. 1 to 100,000.</summary>
    public int MaxUnwantedIds { get; init => field = OptionChecks.InRange(value, 1, 100_000); } = 4096;

    /// <summary>Bytes given to one peer that asks by IWANT, between two heartbeats. 4 MiB. 64 KiB to 1 GiB.</summary>
    public int MaxIWantBytesPerHeartbeat { get; init => field = OptionChecks.InRange(value, 65536, 1 << 30); } = 4 << 20;

    /// <summary>Peers taken from or put into one PRUNE. 16, as go-libp2p-pubsub has. 0 to 256.</summary>
    public int MaxExchangedPeers { get; init => field = OptionChecks.InRange(value, 0, 256); } = 16;

    /// <summary>Longest exchanged peer with its signed record, in bytes. 8 KiB. 64 to 64 KiB.</summary>
    public int MaxExchangedPeerSize { get; init => field = OptionChecks.InRange(value, 64, 65536); } = 8192;

    /// <summary>Exchanged peers that are dialled at once. 8, as go-libp2p-pubsub has. 0 to 64.</summary>
    public int MaxExchangeDials { get; init => field = OptionChecks.InRange(value, 0, 64); } = 8;

    /// <summary>Longest back-off that a peer's PRUNE can ask for. 1 h. 1 min to 1 day.</summary>
    public TimeSpan MaxBackoff { get; init => field = OptionChecks.InRange(value, TimeSpan.FromMinutes(1), TimeSpan.FromDays(1)); } = TimeSpan.FromHours(1);

    /// <summary>Back-offs that are remembered per topic. 4,096. 64 to 1,000,000.</summary>
    public int MaxBackoffs { get; init => field = OptionChecks.InRange(value, 64, 1_000_000); } = 4096;

    /// <summary>Message ids that are remembered; beyond it the oldest are forgotten before their time. 131,072, some 20 MB when full. 1,024 to 16 M.</summary>
    public int MaxSeenIds { get; init => field = OptionChecks.InRange(value, 1024, 16 << 20); } = 131_072;

    /// <summary>Bytes of messages that are kept for those who ask; beyond it the oldest go before their time. 16 MiB. 64 KiB to 1 GiB.</summary>
    public int MaxHistorySize { get; init => field = OptionChecks.InRange(value, 65536, 1 << 30); } = 16 << 20;

    /// <summary>Messages that wait for their check, of all peers together; streams that bring more are read on when there is room. 4,096. 1 to 1 M.</summary>
    public int MaxPendingChecks { get; init => field = OptionChecks.InRange(value, 1, 1 << 20); } = 4096;

    /// <summary>Messages of one peer that wait for their check. 1,024. 1 to 1 M.</summary>
    public int MaxPendingChecksPerPeer { get; init => field = OptionChecks.InRange(value, 1, 1 << 20); } = 1024;

    /// <summary>Different messages with one id that wait for their check: a forged twin must not hide the real one. 4. 1 to 64.</summary>
    public int MaxTwins { get; init => field = OptionChecks.InRange(value, 1, 64); } = 4;

    /// <summary>Messages whose second half of recipients is still waited with; one more goes to all at once. 1,024. 0 to 100,000.</summary>
    public int MaxDelayedForwards { get; init => field = OptionChecks.InRange(value, 0, 100_000); } = 1024;

    /// <summary>Promises to send a message (IHAVE that was answered by IWANT) that are watched. 4,096. 1 to 1 M.</summary>
    public int MaxPromises { get; init => field = OptionChecks.InRange(value, 1, 1 << 20); } = 4096;

    /// <summary>Bytes that wait to be sent to one peer; messages beyond it are dropped and the peer counts as slow. 2 MiB. 64 KiB to 256 MiB.</summary>
    public int MaxSendQueueSize { get; init => field = OptionChecks.InRange(value, 65536, 256 << 20); } = 2 << 20;

    /// <summary>RPCs that wait to be sent to one peer. 4,096. 16 to 1 M.</summary>
    public int MaxSendQueueLength { get; init => field = OptionChecks.InRange(value, 16, 1 << 20); } = 4096;

    /// <summary>A peer that takes nothing for this long while something waits is let go of. 30 s. 1 s to 10 min.</summary>
    public TimeSpan MaxSendStall { get; init => field = OptionChecks.InRange(value, TimeSpan.FromSeconds(1), TimeSpan.FromMinutes(10)); } = TimeSpan.FromSeconds(30);

    /// <summary>Messages that wait for one subscription's reader; beyond it the oldest are dropped and counted. 1,024. 1 to 1 M.</summary>
    public int MaxSubscriptionQueue { get; init => field = OptionChecks.InRange(value, 1, 1 << 20); } = 1024;

    /// <summary>Bytes of message data that wait for one subscription's reader; beyond it the oldest are dropped and counted, but one message always fits.
    /// 16 MiB. 64 KiB to 1 GiB.</summary>
    public int MaxSubscriptionQueueSize { get; init => field = OptionChecks.InRange(value, 65536, 1 << 30); } = 16 << 20;

    /// <summary>Peers without connection whose score is remembered. 4,096. 0 to 1 M.</summary>
    public int MaxRetainedScores { get; init => field = OptionChecks.InRange(value, 0, 1 << 20); } = 4096;

    /// <summary>Peers that are gossiped with; what they subscribe to is remembered of twice as many with an open stream. 512. 1 to 100,000.</summary>
    public int MaxPeers { get; init => field = OptionChecks.InRange(value, 1, 100_000); } = 512;

    /// <summary>How long a validator of the host application may take; later counts as <see cref="GossipVerdict.Ignore"/>. 5 s. 10 ms to 5 min.</summary>
    public TimeSpan MaxValidationTime { get; init => field = OptionChecks.InRange(value, TimeSpan.FromMilliseconds(10), TimeSpan.FromMinutes(5)); } = TimeSpan.FromSeconds(5);
}
