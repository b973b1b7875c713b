namespace Overlay.Gossip.Wire;

/// <summary>Counts what an RPC holds and holds it against the limits, on the raw bytes, before anything is made of them.
/// Ids are not counted: <see cref="RpcDecoder"/> passes over those that are too many or too long.</summary>
/// <remarks>Field names: RPC 1 subscriptions, 2 publish, 3 control; control 1 ihave, 2 iwant, 3 graft, 4 prune, 5 idontwant. Fields of later versions are passed over.</remarks>
internal ref struct RpcCensus(ReadOnlySpan<byte> rpc, GossipLimits limits)
{
    private readonly ReadOnlySpan<byte> _rpc = rpc;
    private int _subscriptions;
    private int _messages;
    private int _control;

    internal RpcFault Take()
    {
        if (_rpc.Length > limits.MaxRpcSize) return RpcFault.Oversized;
        var reader = new ProtoReader(_rpc);
        while (!reader.IsAtEnd)
        {
            if (!reader.TryRead(out ProtoField field)) return RpcFault.Malformed;
            RpcFault fault = field.Name switch
            {
                1 => ++_subscriptions > limits.MaxSubscriptionsPerRpc ? RpcFault.TooManySubscriptions : Topics(field, _rpc, topicName: 2),
                2 => Message(field),
                3 => Control(field),
                _ => RpcFault.None,
            };
            if (fault != RpcFault.None) return fault;
        }

        return RpcFault.None;
    }

    private RpcFault Message(ProtoField field)
    {
        if (field.Kind != ProtoKind.Bytes) return RpcFault.Malformed;
        if (++_messages > limits.MaxMessagesPerRpc) return RpcFault.TooManyMessages;
        return field.Size > limits.MaxMessageSize ? RpcFault.MessageTooLong : RpcFault.None;
    }

    private RpcFault Control(ProtoField field)
    {
        if (field.Kind != ProtoKind.Bytes) return RpcFault.Malformed;
        ReadOnlySpan<byte> control = _rpc.Slice(field.Start, field.Size);
        var reader = new ProtoReader(control);
        while (!reader.IsAtEnd)
        {
            if (!reader.TryRead(out ProtoField inner)) return RpcFault.Malformed;
            if (inner.Name is < 1 or > 5) continue;
            if (++_control > limits.MaxControlPerRpc) return RpcFault.TooManyControlMessages;
            RpcFault fault = inner.Name switch
            {
                1 => Topics(inner, control, topicName: 1, idName: 2),
                2 or 5 => Topics(inner, control, topicName: 0, idName: 1),
                3 => Topics(inner, control, topicName: 1),
                _ => Topics(inner, control, topicName: 1, peerName: 2),
            };
            if (fault != RpcFault.None) return fault;
        }

        return RpcFault.None;
    }

    /// <summary>Looks at one message that holds a topic, ids or exchanged peers under the given names; zero where it has none.</summary>
    private RpcFault Topics(ProtoField field, ReadOnlySpan<byte> outer, int topicName, int idName = 0, int peerName = 0)
    {
        if (field.Kind != ProtoKind.Bytes) return RpcFault.Malformed;
        int peers = 0;
        var reader = new ProtoReader(outer.Slice(field.Start, field.Size));
        while (!reader.IsAtEnd)
        {
            if (!reader.TryRead(out ProtoField inner)) return RpcFault.Malformed;
            bool isOurs = inner.Name != 0 && (inner.Name == topicName || inner.Name == idName || inner.Name == peerName);
            if (!isOurs) continue;
            if (inner.Kind != ProtoKind.Bytes) return RpcFault.Malformed;
            if (inner.Name == topicName && (inner.Size == 0 || inner.Size > limits.MaxTopicSize)) return RpcFault.BadTopicSize;
            if (inner.Name == peerName && (++peers > limits.MaxExchangedPeers || inner.Size > limits.MaxExchangedPeerSize)) return RpcFault.TooManyExchangedPeers;
        }

        return RpcFault.None;
    }
}
