using System.Text;

namespace Overlay.Gossip.Wire;

/// <summary>Bytes to an <see cref="Rpc"/>. Limits come first: see <see cref="RpcCensus"/>.</summary>
internal static class RpcDecoder
{
    private static readonly UTF8Encoding s_strict = new(false, throwOnInvalidBytes: true);

    /// <summary>Decodes one RPC, without its length prefix. Messages keep pointing into <paramref name="bytes"/>. Ids longer than the rule in use
    /// can make, and ids beyond <see cref="GossipLimits.MaxIdsPerRpc"/>, are left out.</summary>
    /// <param name="bytes">The RPC.</param>
    /// <param name="options">The limits.</param>
    /// <param name="rpc">What it says; nothing in it when it is refused for a limit.</param>
    /// <param name="onlySubscriptions">Whether the rest is passed over, though limits are held against it.</param>
    internal static RpcFault TryDecode(ReadOnlyMemory<byte> bytes, GossipOptions options, out Rpc rpc, bool onlySubscriptions = false)
    {
        rpc = new Rpc();
        RpcFault fault = new RpcCensus(bytes.Span, options.Limits).Take();
        if (fault != RpcFault.None) return fault;
        var idLimits = new IdLimits(options.MaxMessageIdSize, options.Limits.MaxIdsPerRpc);
        try
        {
            var reader = new ProtoReader(bytes.Span);
            while (!reader.IsAtEnd && reader.TryRead(out ProtoField field))
            {
                if (field.Name is < 1 or > 3 || (onlySubscriptions && field.Name != 1)) continue;
                ReadOnlyMemory<byte> inner = bytes.Slice(field.Start, field.Size);
                if (field.Name == 1) AddSubscription(rpc, inner);
                else if (field.Name == 3) AddControl(rpc, inner, ref idLimits);
                else if (WireMessage.TryParse(inner, options.Limits, out WireMessage? message)) rpc.Messages.Add(message);
                else return RpcFault.Malformed;
            }

            return RpcFault.None;
        }
        catch (DecoderFallbackException)
        {
            return RpcFault.Malformed;
        }
    }

    internal static bool TryReadTopic(ReadOnlySpan<byte> bytes, out string topic)
    {
        try
        {
            topic = s_strict.GetString(bytes);
            return true;
        }
        catch (DecoderFallbackException)
        {
            topic = "";
            return false;
        }
    }

    private static void AddSubscription(Rpc rpc, ReadOnlyMemory<byte> bytes)
    {
        string topic = "";
        bool subscribes = false;
        var reader = new ProtoReader(bytes.Span);
        while (!reader.IsAtEnd && reader.TryRead(out ProtoField field))
        {
            if (field.Name == 1 && field.Kind == ProtoKind.Varint) subscribes = field.Number != 0;
            else if (field.IsBytes(2)) topic = Text(bytes, field);
        }

        if (topic.Length != 0) rpc.Subscriptions.Add(new SubscriptionChange(topic, subscribes));
    }

    private static void AddControl(Rpc rpc, ReadOnlyMemory<byte> bytes, ref IdLimits limits)
    {
        var reader = new ProtoReader(bytes.Span);
        while (!reader.IsAtEnd && reader.TryRead(out ProtoField field))
        {
            if (field.Kind != ProtoKind.Bytes) continue;
            ReadOnlyMemory<byte> inner = bytes.Slice(field.Start, field.Size);
            switch (field.Name)
            {
                case 1:
                    var have = new List<MessageId>();
                    string topic = ReadControl(inner, topicName: 1, idName: 2, have, ref limits);
                    if (topic.Length != 0 && have.Count != 0) rpc.IHave.Add(new IHave(topic, have));
                    break;
                case 2:
                    ReadControl(inner, topicName: 0, idName: 1, rpc.IWant, ref limits);
                    break;
                case 3:
                    string graft = ReadControl(inner, topicName: 1, idName: 0, rpc.IWant, ref limits);
                    if (graft.Length != 0) rpc.Graft.Add(graft);
                    break;
                case 4:
                    AddPrune(rpc, inner);
                    break;
                case 5:
                    rpc.IDontWantCount++;
                    ReadControl(inner, topicName: 0, idName: 1, rpc.IDontWant, ref limits);
                    break;
            }
        }
    }

    private static string ReadControl(ReadOnlyMemory<byte> bytes, int topicName, int idName, List<MessageId> ids, ref IdLimits limits)
    {
        string topic = "";
        var reader = new ProtoReader(bytes.Span);
        while (!reader.IsAtEnd && reader.TryRead(out ProtoField field))
        {
            if (field.IsBytes(topicName)) topic = Text(bytes, field);
            else if (field.IsBytes(idName) && limits.Allow(field.Size)) ids.Add(new MessageId(bytes.Slice(field.Start, field.Size).ToArray()));
        }

        return topic;
    }

    private static void AddPrune(Rpc rpc, ReadOnlyMemory<byte> bytes)
    {
        string topic = "";
        ulong backoff = 0;
        var peers = new List<ExchangedPeer>();
        var reader = new ProtoReader(bytes.Span);
        while (!reader.IsAtEnd && reader.TryRead(out ProtoField field))
        {
            if (field.IsBytes(1)) topic = Text(bytes, field);
            else if (field.IsBytes(2)) peers.Add(ReadPeer(bytes.Slice(field.Start, field.Size)));
            else if (field.Name == 3 && field.Kind == ProtoKind.Varint) backoff = field.Number;
        }

        if (topic.Length != 0) rpc.Prune.Add(new Prune(topic, backoff, peers));
    }

    private static ExchangedPeer ReadPeer(ReadOnlyMemory<byte> bytes)
    {
        ReadOnlyMemory<byte> id = default, record = default;
        var reader = new ProtoReader(bytes.Span);
        while (!reader.IsAtEnd && reader.TryRead(out ProtoField field))
        {
            if (field.IsBytes(1)) id = bytes.Slice(field.Start, field.Size).ToArray();
            else if (field.IsBytes(2)) record = bytes.Slice(field.Start, field.Size).ToArray();
        }

        return new ExchangedPeer(id, record);
    }

    private static string Text(ReadOnlyMemory<byte> bytes, ProtoField field) => s_strict.GetString(bytes.Span.Slice(field.Start, field.Size));

    private struct IdLimits(int maxSize, int room)
    {
        private int _room = room;

        internal bool Allow(int size) => size > 0 && size <= maxSize && --_room >= 0;
    }
}
