using System.Text;
using Overlay.Fuzzing.Engine;
using Overlay.Gossip;
using Overlay.Gossip.Messages;
using Overlay.Gossip.Routing;
using Overlay.Gossip.Scoring;
using Overlay.Gossip.Wire;
using Overlay.Transport.Identity;

namespace Overlay.Fuzzing.Targets;

/// <summary>RPCs of gossipsub, the messages in them, and what this node itself would send.</summary>
/// <remarks>Input: a byte for the kind, then an RPC under the default limits (0) or under narrow ones (1), or the fields of a message before its signature, to
/// be signed (2).</remarks>
internal sealed class GossipRpcTarget : FuzzTarget
{
    private static readonly GossipOptions s_default = new();

    private static readonly GossipOptions s_narrow = new()
    {
        MessageIds = GossipMessageIds.KeyAndSequence,
        Limits = new GossipLimits
        {
            MaxMessageSize = 1024,
            MaxMessagesPerRpc = 4,
            MaxSubscriptionsPerRpc = 4,
            MaxControlPerRpc = 6,
            MaxIdsPerRpc = 4,
            MaxIHaveIds = 4,
            MaxTopicSize = 16,
            MaxExchangedPeers = 2,
        },
    };

    internal override string Name => "gossip-rpc";

    // A signature's arithmetic, and an exception for a topic that is no text.
    internal override int FixedAllocation => 32 * 1024;

    // Three bytes are an id, and five a message or a PRUNE, each of which is objects and places in lists; the options limit how many there are.
    internal override int AllocationPerByte => 64;

    internal override IReadOnlyList<byte[]> Words => [FuzzKeys.Own.PeerId.Bytes.ToArray(), FuzzKeys.Own.PublicKey.Encoded.ToArray()];

    internal override IEnumerable<byte[]> Seeds
    {
        get
        {
            byte[] signed = new MessageSigner(FuzzKeys.Own, GossipSigning.StrictSign, 7).Make("news", "hello"u8);
            WireMessage.TryParse(signed, s_default.Limits, out WireMessage? message);
            Rpc news = Rpc.Of(message!);
            var key = new ProtoWriter();
            key.Bytes(6, FuzzKeys.Own.PublicKey.Encoded.Span);
            WireMessage.TryParse((byte[])[.. signed, .. key.Written], s_default.Limits, out WireMessage? withKey);
            var all = Rpc.Of(withKey!);
            var id = new MessageId([.. FuzzKeys.Own.PeerId.Bytes, .. message!.Sequence.Span]);
            all.Subscriptions.AddRange([new("news", true), new("old", false)]);
            all.IHave.Add(new IHave("news", [id, id]));
            all.IWant.Add(id);
            all.Graft.Add("news");
            byte[] record = SignedPeerRecord.Create(FuzzKeys.Peer, [Multiaddr.Parse(MultiaddrSamples.Texts[0])], 1);
            all.Prune.Add(new Prune("old", 60, [new ExchangedPeer(FuzzKeys.Peer.PeerId.Bytes.ToArray(), record)]));
            all.IDontWant.Add(id);
            return
            [
                [0, .. Encode(news)], [0, .. Encode(all)], [1, .. Encode(news)], [1, .. Encode(all)], [2, .. message.Signed.Span],
                [0, 0x0F, 0xFF, 0xFF], [0, 0x0A, 0xFF], [0, 0x52, 3, 1, 2, 3], [0, 0x1A, 5, 0x1A, 3, 0x0A, 1, 0xFF],
            ];
        }
    }

    internal override bool Run(ReadOnlySpan<byte> input, AllocationMeter meter)
    {
        var parts = new FuzzInput(input);
        return parts.TakeByte() switch
        {
            0 => RunRpc(parts.Rest.ToArray(), s_default, meter),
            1 => RunRpc(parts.Rest.ToArray(), s_narrow, meter),
            _ => RunSigned(parts.Rest, meter),
        };
    }

    private static bool RunRpc(byte[] bytes, GossipOptions options, AllocationMeter meter)
    {
        meter.Start();
        RpcFault fault = RpcDecoder.TryDecode(bytes, options, out Rpc rpc);
        foreach (WireMessage message in rpc.Messages) MessageForm.Check(message, options.Signing, out _, out _);
        meter.Stop();
        RpcFault alone = RpcDecoder.TryDecode(bytes, options, out Rpc subscriptions, onlySubscriptions: true);
        if (fault != RpcFault.None) return false;
        Invariant.Same(RpcFault.None, alone, "Subscriptions can be read alone");
        Invariant.Holds(subscriptions.Subscriptions.SequenceEqual(rpc.Subscriptions), "And are the same then.");
        Invariant.Holds(subscriptions.Messages.Count == 0 && !subscriptions.HasControl, "And nothing else is.");
        CheckLimits(rpc, options);
        foreach (WireMessage message in rpc.Messages) CheckMessage(message, options);
        bool saysSomething = !rpc.IsEmpty;
        CheckEncoding(rpc, options);
        return saysSomething;
    }

    private static void CheckLimits(Rpc rpc, GossipOptions options)
    {
        GossipLimits limits = options.Limits;
        MessageId[] ids = [.. rpc.IHave.SelectMany(have => have.Ids), .. rpc.IWant, .. rpc.IDontWant];
        Invariant.Holds(ids.Length <= limits.MaxIdsPerRpc && ids.All(id => id.Size > 0 && id.Size <= options.MaxMessageIdSize), "Ids keep to the limits.");
        int controlCount = rpc.IHave.Count + rpc.Graft.Count + rpc.Prune.Count + rpc.IDontWantCount;
        Invariant.Holds(controlCount <= limits.MaxControlPerRpc, "There are no more control messages than allowed.");
        Invariant.Holds(rpc.Messages.Count <= limits.MaxMessagesPerRpc, "There are no more messages than allowed.");
        Invariant.Holds(rpc.Subscriptions.Count <= limits.MaxSubscriptionsPerRpc, "There are no more subscriptions than allowed.");
        Invariant.Holds(rpc.Prune.All(prune => prune.Peers.Count <= limits.MaxExchangedPeers), "There are no more peers in a PRUNE than allowed.");
        string[] topics =
        [
            .. rpc.Subscriptions.Select(change => change.Topic), .. rpc.IHave.Select(have => have.Topic), .. rpc.Graft,
            .. rpc.Prune.Select(prune => prune.Topic), .. rpc.Messages.Select(message => message.Topic),
        ];
        foreach (string topic in topics)
            Invariant.Holds(topic.Length > 0 && Encoding.UTF8.GetByteCount(topic) <= limits.MaxTopicSize, "Topics have names of an allowed length.");
    }

    /// <summary>A message that is taken is what encoding its fields anew gives: with or without data and key that are empty, which some write.</summary>
    private static void CheckMessage(WireMessage message, GossipOptions options)
    {
        if (MessageForm.Check(message, options.Signing, out PeerId? author, out PeerPublicKey? key) != FormFault.None) return;
        Invariant.Holds(key!.ToPeerId() == author, "A message's key is its author's.");
        Invariant.Holds(MessageIdRule.Of(options.MessageIds, message, key).Size <= options.MaxMessageIdSize, "No id is longer than its rule says.");
        for (int variant = 0; variant < 4; variant++)
        {
            var writer = new ProtoWriter();
            writer.Bytes(1, message.From.Span);
            if ((variant & 1) != 0 || !message.Data.IsEmpty) writer.Bytes(2, message.Data.Span);
            writer.Bytes(3, message.Sequence.Span);
            writer.Text(4, message.Topic);
            int signedSize = writer.Size;
            writer.Bytes(5, message.Signature.Span);
            if ((variant & 2) != 0 || !message.Key.IsEmpty) writer.Bytes(6, message.Key.Span);
            if (!writer.Written.SequenceEqual(message.Encoded.Span)) continue;
            Invariant.Same(writer.Written[..signedSize], message.Signed.Span, "The signature is over the fields before it");
            return;
        }

        Invariant.Holds(false, "A message that is taken has one encoding.");
    }

    private static void CheckEncoding(Rpc rpc, GossipOptions options)
    {
        byte[] encoded = Encode(rpc);
        Invariant.Same(encoded.AsSpan(), Encode(Decode(encoded, options)), "An RPC that is told on says the same");
        rpc.Messages.Clear();
        if (rpc.IsEmpty) return;
        GossipOptions tight = options with { Limits = options.Limits with { MaxRpcSize = 4096 } };
        var joined = new Rpc();
        foreach (Rpc part in RpcSplitter.Split(rpc, tight))
        {
            Rpc again = Decode(Encode(part), tight);
            joined.Subscriptions.AddRange(again.Subscriptions);
            joined.IHave.AddRange(again.IHave);
            joined.IWant.AddRange(again.IWant);
            joined.Graft.AddRange(again.Graft);
            joined.Prune.AddRange(again.Prune);
            joined.IDontWant.AddRange(again.IDontWant);
        }

        Invariant.Holds(joined.Subscriptions.SequenceEqual(rpc.Subscriptions), "Parts subscribe together to what the whole does.");
        Invariant.Holds(joined.Graft.SequenceEqual(rpc.Graft), "Parts graft together what the whole does.");
        Invariant.Holds(joined.IWant.SequenceEqual(rpc.IWant) && joined.IDontWant.SequenceEqual(rpc.IDontWant), "Parts have together the whole's ids.");
        Invariant.Holds(TopicsAndIds(joined).SequenceEqual(TopicsAndIds(rpc)), "Parts tell together of the whole's messages.");
        Invariant.Holds(Prunes(joined).SequenceEqual(Prunes(rpc)), "Parts prune together what the whole does.");
    }

    private static bool RunSigned(ReadOnlySpan<byte> fields, AllocationMeter meter)
    {
        byte[] signature = new byte[64];
        FuzzKeys.Own.Sign(SignedBytes.Of(fields), signature);
        var field = new ProtoWriter();
        field.Bytes(5, signature);
        byte[] encoded = [.. fields, .. field.Written];
        if (!WireMessage.TryParse(encoded, s_default.Limits, out WireMessage? message)) return false;
        if (MessageForm.Check(message, GossipSigning.StrictSign, out PeerId? author, out PeerPublicKey? key) != FormFault.None) return false;
        CheckMessage(message, s_default);
        var pending = new PendingMessage(default, message, author, key, new GossipPeer(1, author!, GossipVersion.V12, isOutbound: false, new PeerStats()));
        meter.Start();
        bool holds = SignatureCheck.HoldVarTime([pending])[0];
        meter.Stop();
        Invariant.Same(author == FuzzKeys.Own.PeerId, holds, "A signature holds for its author and nobody else");
        return holds;
    }

    private static IEnumerable<(string, MessageId)> TopicsAndIds(Rpc rpc) => rpc.IHave.SelectMany(have => have.Ids.Select(id => (have.Topic, id)));

    private static IEnumerable<(string, ulong)> Prunes(Rpc rpc) => rpc.Prune.Select(prune => (prune.Topic, prune.BackoffSeconds));

    private static Rpc Decode(byte[] bytes, GossipOptions options)
    {
        Invariant.Same(RpcFault.None, RpcDecoder.TryDecode(bytes, options, out Rpc rpc), "What is encoded here can be decoded");
        return rpc;
    }

    private static byte[] Encode(Rpc rpc) => new RpcEncoder().Encode(rpc).ToArray();
}
