namespace Overlay.Gossip.Wire;

/// <summary>Why an RPC is not taken. Each ends the stream that brought it and costs its sender score (P7).</summary>
internal enum RpcFault
{
    None = 0,

    /// <summary>The bytes are no protobuf of this kind, or a topic is no UTF-8.</summary>
    Malformed,

    /// <summary>The whole is longer than <see cref="GossipLimits.MaxRpcSize"/>.</summary>
    Oversized,

    /// <summary>More subscription changes than <see cref="GossipLimits.MaxSubscriptionsPerRpc"/>.</summary>
    TooManySubscriptions,

    /// <summary>More messages than <see cref="GossipLimits.MaxMessagesPerRpc"/>.</summary>
    TooManyMessages,

    /// <summary>A message longer than <see cref="GossipLimits.MaxMessageSize"/>.</summary>
    MessageTooLong,

    /// <summary>More control messages than <see cref="GossipLimits.MaxControlPerRpc"/>.</summary>
    TooManyControlMessages,

    /// <summary>A topic that is empty or longer than <see cref="GossipLimits.MaxTopicSize"/>.</summary>
    BadTopicSize,

    /// <summary>More peers in a PRUNE than <see cref="GossipLimits.MaxExchangedPeers"/>, or one that is too long.</summary>
    TooManyExchangedPeers,
}
