using CsCheck;
using Overlay.Gossip;
using Overlay.Gossip.Messages;
using Overlay.Gossip.Wire;
using Overlay.Transport.Identity;

namespace Overlay.Tests.Gossip;

/// <summary>RPCs to bytes and back, and bytes that are none.</summary>
public sealed class WireTests
{
    private static readonly GossipOptions s_options = new();

    [Fact]
    public void Rpc_EncodedAndDecoded_IsTheSame()
    {
        using PeerIdentity author = PeerIdentity.FromSeed(new byte[32]);
        Rpc rpc = Rpc.Of(Parse(new MessageSigner(author, GossipSigning.StrictSign, 7).Make("news", "hello"u8)));
        rpc.Subscriptions.Add(new SubscriptionChange("news", true));
        rpc.Subscriptions.Add(new SubscriptionChange("old", false));
        rpc.IHave.Add(new IHave("news", [RouterBench.SomeId(1), RouterBench.SomeId(2)]));
        rpc.IWant.Add(RouterBench.SomeId(3));
        rpc.Graft.Add("news");
        rpc.Prune.Add(new Prune("old", 60, [new ExchangedPeer(author.PeerId.Bytes.ToArray(), new byte[] { 1, 2, 3 })]));
        rpc.IDontWant.Add(RouterBench.SomeId(4));

        Rpc decoded = Decode(Encode(rpc));

        Assert.Equal(rpc.Subscriptions, decoded.Subscriptions);
        Assert.Equal(rpc.Messages[0].Encoded.ToArray(), decoded.Messages[0].Encoded.ToArray());
        Assert.Equal(rpc.IHave[0].Ids, decoded.IHave[0].Ids);
        Assert.Equal(rpc.IWant, decoded.IWant);
        Assert.Equal(rpc.Graft, decoded.Graft);
        Assert.Equal(("old", 60UL), (decoded.Prune[0].Topic, decoded.Prune[0].BackoffSeconds));
        Assert.Equal(new byte[] { 1, 2, 3 }, decoded.Prune[0].Peers[0].SignedRecord.ToArray());
        Assert.Equal(rpc.IDontWant, decoded.IDontWant);
        Assert.Equal(1, decoded.IDontWantCount);
        Assert.Equal(Encode(rpc), Encode(decoded));
    }

    // Laid out by hand from the field numbers of the specification.
    [Fact]
    public void Rpc_Encoded_HasTheSpecificationsBytes()
    {
        var rpc = new Rpc();
        rpc.Subscriptions.Add(new SubscriptionChange("t", true));
        rpc.IHave.Add(new IHave("t", [new MessageId([0xAA])]));
        rpc.IWant.Add(new MessageId([0xBB]));
        rpc.Graft.Add("t");
        rpc.Prune.Add(new Prune("t", 60, [new ExchangedPeer(new byte[] { 1 }, new byte[] { 2 })]));
        rpc.IDontWant.Add(new MessageId([0xCC]));

        Assert.Equal(
            "0A050801120174" + "1A26" + "0A060A01741201AA" + "12030A01BB" + "1A030A0174" + "220D0A017412060A0101120102183C" + "2A030A01CC",
            Convert.ToHexString(Encode(rpc)));
    }

    [Fact]
    public void Rpc_CutOffAnywhere_IsMalformedOrShorterButNeverThrows()
    {
        var rpc = new Rpc();
        rpc.IHave.Add(new IHave("news", [RouterBench.SomeId(1)]));
        rpc.Prune.Add(new Prune("news", 1000, [new ExchangedPeer(new byte[] { 1 }, default)]));
        byte[] bytes = Encode(rpc);

        for (int size = 1; size < bytes.Length; size++) Assert.Equal(RpcFault.Malformed, RpcDecoder.TryDecode(bytes.AsMemory(0, size), s_options, out _));
    }

    [Fact]
    public void Rpc_AnyBytes_NeverThrow() =>
        Gen.Byte.Array[0, 200].Sample(bytes => _ = RpcDecoder.TryDecode(bytes, s_options, out _), iter: 20_000);

    [Fact]
    public void Rpc_ChangedBytes_NeverThrow()
    {
        using PeerIdentity author = PeerIdentity.FromSeed(new byte[32]);
        Rpc rpc = Rpc.Of(Parse(new MessageSigner(author, GossipSigning.StrictSign, 7).Make("news", "hello"u8)));
        rpc.IHave.Add(new IHave("news", [RouterBench.SomeId(1)]));
        rpc.Prune.Add(new Prune("news", 1000, [new ExchangedPeer(new byte[] { 1 }, default)]));
        byte[] good = Encode(rpc);

        Gen.Select(Gen.Int[0, good.Length - 1], Gen.Byte, Gen.Int[0, good.Length - 1], Gen.Byte).Sample((i, x, j, y) =>
        {
            byte[] bytes = [.. good];
            bytes[i] ^= x;
            bytes[j] ^= y;
            if (RpcDecoder.TryDecode(bytes, s_options, out Rpc decoded) != RpcFault.None) return;
            foreach (WireMessage message in decoded.Messages) MessageForm.Check(message, GossipSigning.StrictSign, out _, out _);
        }, iter: 20_000);
    }

    [Theory]
    [InlineData(nameof(RpcFault.TooManySubscriptions))]
    [InlineData(nameof(RpcFault.TooManyMessages))]
    [InlineData(nameof(RpcFault.MessageTooLong))]
    [InlineData(nameof(RpcFault.TooManyControlMessages))]
    [InlineData(nameof(RpcFault.BadTopicSize))]
    [InlineData(nameof(RpcFault.TooManyExchangedPeers))]
    [InlineData(nameof(RpcFault.Oversized))]
    public void Rpc_OneBeyondALimit_IsRefusedByItsName(string name)
    {
        RpcFault fault = Enum.Parse<RpcFault>(name);
        var limits = new GossipLimits
        {
            MaxRpcSize = 4096,
            MaxMessageSize = 1024,
            MaxSubscriptionsPerRpc = 10,
            MaxMessagesPerRpc = 10,
            MaxControlPerRpc = 10,
            MaxExchangedPeers = 2,
        };
        var unsigned = new MessageSigner(null!, GossipSigning.StrictNoSign, 0);
        var rpc = new Rpc();
        switch (fault)
        {
            case RpcFault.TooManySubscriptions:
                for (int i = 0; i < 11; i++) rpc.Subscriptions.Add(new SubscriptionChange("t", true));
                break;
            case RpcFault.TooManyMessages:
                for (int i = 0; i < 11; i++) rpc.Messages.Add(Parse(unsigned.Make("t", "x"u8)));
                break;
            case RpcFault.MessageTooLong:
                rpc.Messages.Add(Parse(unsigned.Make("t", new byte[1024])));
                break;
            case RpcFault.TooManyControlMessages:
                for (int i = 0; i < 11; i++) rpc.Graft.Add("t");
                break;
            case RpcFault.BadTopicSize:
                rpc.Graft.Add(new string('t', 257));
                break;
            case RpcFault.TooManyExchangedPeers:
                rpc.Prune.Add(new Prune("t", 1, [.. Enumerable.Repeat(new ExchangedPeer(new byte[] { 1 }, default), 3)]));
                break;
            default:
                for (int i = 0; i < 5; i++) rpc.Messages.Add(Parse(unsigned.Make("t", new byte[1000])));
                break;
        }

        Assert.Equal(fault, RpcDecoder.TryDecode(Encode(rpc), new GossipOptions { Limits = limits }, out Rpc decoded));
        Assert.True(decoded.IsEmpty);
    }

    // Whoever makes ids by another rule is no enemy.
    [Theory]
    [InlineData(GossipMessageIds.FromAndSequence, 52)]
    [InlineData(GossipMessageIds.KeyAndSequence, 2056)]
    [InlineData(GossipMessageIds.Content, 32)]
    public void Ids_LongerThanTheRuleMakesOrEmpty_ArePassedOver(GossipMessageIds rule, int maxSize)
    {
        MessageId longest = new(new byte[maxSize]), tooLong = new(new byte[maxSize + 1]), empty = new([]);
        var rpc = new Rpc();
        rpc.IHave.Add(new IHave("news", [tooLong, longest, empty]));
        rpc.IHave.Add(new IHave("news", [tooLong]));
        rpc.IWant.AddRange([empty, tooLong, longest]);
        rpc.IDontWant.AddRange([longest, tooLong]);

        Assert.Equal(RpcFault.None, RpcDecoder.TryDecode(Encode(rpc), s_options with { MessageIds = rule }, out Rpc decoded));

        Assert.Equal([longest], Assert.Single(decoded.IHave).Ids);
        Assert.Equal([longest], decoded.IWant);
        Assert.Equal([longest], decoded.IDontWant);
    }

    [Fact]
    public void Ids_MoreThanAreLookedAt_ArePassedOver()
    {
        var rpc = new Rpc();
        rpc.IHave.Add(new IHave("news", [.. Enumerable.Range(0, 8).Select(RouterBench.SomeId)]));
        rpc.IWant.AddRange(Enumerable.Range(0, 8).Select(RouterBench.SomeId));
        rpc.Graft.Add("news");

        Assert.Equal(RpcFault.None, RpcDecoder.TryDecode(Encode(rpc), s_options with { Limits = new GossipLimits { MaxIdsPerRpc = 10 } }, out Rpc decoded));

        Assert.Equal(8, decoded.IHave[0].Ids.Count);
        Assert.Equal([RouterBench.SomeId(0), RouterBench.SomeId(1)], decoded.IWant);
        Assert.Equal("news", Assert.Single(decoded.Graft));
    }

    // One peer is asked for so many messages at once, and may send them all at once.
    [Fact]
    public void Rpc_WithAllMessagesThatWereAskedFor_IsTaken()
    {
        var unsigned = new MessageSigner(null!, GossipSigning.StrictNoSign, 0);
        var rpc = new Rpc();
        for (int i = 0; i < s_options.Limits.MaxIHaveIds; i++) rpc.Messages.Add(Parse(unsigned.Make("t", "x"u8)));

        Assert.Equal(s_options.Limits.MaxIHaveIds, Decode(Encode(rpc)).Messages.Count);
    }

    [Fact]
    public void Split_LittleToSay_IsOneRpc()
    {
        var rpc = new Rpc();
        rpc.Graft.Add("news");
        rpc.IWant.Add(RouterBench.SomeId(1));

        Assert.Same(rpc, Assert.Single(RpcSplitter.Split(rpc, s_options)));
    }

    [Theory]
    [InlineData(1 << 20, 1000, 5000, 2056)]
    [InlineData(4096, 1000, 5000, 52)]
    [InlineData(4096, 1, 1, 52)]
    [InlineData(1 << 20, 50, 100, 52)]
    public void Split_MuchToSay_IsSeveralRpcsThatOthersTakeAndLosesNothing(int maxRpcSize, int maxCount, int maxIds, int idSize)
    {
        GossipOptions options = s_options with
        {
            MessageIds = GossipMessageIds.KeyAndSequence,
            Limits = new GossipLimits { MaxRpcSize = maxRpcSize, MaxSubscriptionsPerRpc = maxCount, MaxControlPerRpc = maxCount, MaxIdsPerRpc = maxIds },
        };
        int number = 0;
        MessageId NextId() => new([.. BitConverter.GetBytes(number++), .. new byte[idSize - 4]]);
        List<MessageId> Ids(int count) => [.. Enumerable.Range(0, count).Select(_ => NextId())];
        string[] topics = [.. Enumerable.Range(0, 300).Select(i => $"{i:D4}{new string('t', 200)}")];
        var rpc = new Rpc();
        foreach (string topic in topics) rpc.Subscriptions.Add(new SubscriptionChange(topic, true));
        rpc.IHave.AddRange([new IHave("a", Ids(300)), new IHave(topics[0], Ids(400))]);
        rpc.IWant.AddRange(Ids(300));
        rpc.Graft.AddRange(topics);
        var exchanged = new ExchangedPeer(new byte[40], new byte[1000]);
        foreach (string topic in topics) rpc.Prune.Add(new Prune(topic, 60, [exchanged]));
        rpc.IDontWant.AddRange(Ids(300));

        IReadOnlyList<Rpc> parts = RpcSplitter.Split(rpc, options);

        List<Rpc> decoded = [];
        foreach (Rpc part in parts)
        {
            byte[] bytes = Encode(part);
            Assert.InRange(bytes.Length, 1, maxRpcSize);
            Assert.Equal(RpcFault.None, RpcDecoder.TryDecode(bytes, options, out Rpc one));
            decoded.Add(one);
        }

        Assert.Equal(rpc.Subscriptions, decoded.SelectMany(part => part.Subscriptions));
        Assert.Equal(TopicsAndIds(rpc), decoded.SelectMany(TopicsAndIds));
        Assert.Equal(rpc.IWant, decoded.SelectMany(part => part.IWant));
        Assert.Equal(rpc.Graft, decoded.SelectMany(part => part.Graft));
        Assert.Equal(
            topics.Select(topic => (topic, 60UL, 1)),
            decoded.SelectMany(part => part.Prune).Select(prune => (prune.Topic, prune.BackoffSeconds, prune.Peers.Count)));
        Assert.Equal(rpc.IDontWant, decoded.SelectMany(part => part.IDontWant));
    }

    [Fact]
    public void Split_PeersThatFitIntoNoRpc_AreLeftOut()
    {
        GossipOptions options = s_options with { Limits = new GossipLimits { MaxRpcSize = 4096 } };
        var rpc = new Rpc();
        rpc.Prune.Add(new Prune("news", 60, [.. Enumerable.Repeat(new ExchangedPeer(new byte[40], new byte[1000]), 16)]));

        Rpc part = Assert.Single(RpcSplitter.Split(rpc, options));

        Assert.InRange(Encode(part).Length, 3000, 4096);
        Assert.Equal(3, Assert.Single(part.Prune).Peers.Count);
    }

    [Fact]
    public void Rpc_FieldsOfLaterVersions_ArePassedOver()
    {
        // Field 10, and field 6 of a control message, hold three bytes each.
        byte[] bytes = [0x52, 3, 1, 2, 3, 0x1A, 10, 0x32, 3, 1, 2, 3, 0x1A, 3, 0x0A, 1, (byte)'t'];

        Assert.Equal("t", Assert.Single(Decode(bytes).Graft));
    }

    [Theory]
    [InlineData("0FFFFFFFFF")] // wire type 7
    [InlineData("0B")] // a group
    [InlineData("0AFFFFFFFFFFFFFFFFFF01")] // a length of 2^64 - 1
    [InlineData("0AFFFFFFFFFFFFFFFFFF7F")] // a number beyond 64 bits
    [InlineData("1801")] // control as a number
    [InlineData("1A041A020A05")] // a length beyond its message
    [InlineData("1A051A030A01FF")] // a topic that is no UTF-8
    public void Rpc_NoProtobufOfItsKind_IsMalformed(string hex) =>
        Assert.Equal(RpcFault.Malformed, RpcDecoder.TryDecode(Convert.FromHexString(hex), s_options, out _));

    [Theory]
    [InlineData("2201741A0101", false)] // topic before sequence number
    [InlineData("1A0101220174", true)]
    [InlineData("1A01011A0101220174", false)] // twice
    [InlineData("1A01012201743A0100", false)] // an unknown field
    [InlineData("1A810001220174", false)] // a length in two bytes where one does
    public void Message_Encoding_IsCanonicalOnlyInOneForm(string hex, bool isCanonical)
    {
        Assert.True(WireMessage.TryParse(Convert.FromHexString(hex), s_options.Limits, out WireMessage? message));
        Assert.Equal(isCanonical, message.IsCanonical);
    }

    [Fact]
    public void Message_Signed_HoldsAndEveryChangedBitIsNoticed()
    {
        using PeerIdentity author = PeerIdentity.FromSeed(new byte[32]);
        byte[] good = new MessageSigner(author, GossipSigning.StrictSign, 7).Make("news", "hello"u8);

        Assert.True(IsGood(good));
        for (int bit = 0; bit < good.Length * 8; bit++)
        {
            byte[] bad = [.. good];
            bad[bit / 8] ^= (byte)(1 << (bit % 8));
            Assert.False(IsGood(bad), $"bit {bit}");
        }
    }

    // js-libp2p adds the key always, and as every implementation outside the signature.
    [Fact]
    public void Message_WithItsAuthorsKeyBehindTheSignature_Holds()
    {
        using PeerIdentity author = PeerIdentity.FromSeed(new byte[32]);
        byte[] good = new MessageSigner(author, GossipSigning.StrictSign, 7).Make("news", "hello"u8);
        var key = new ProtoWriter();
        key.Bytes(6, author.PublicKey.Encoded.Span);

        Assert.True(IsGood([.. good, .. key.Written]));
    }

    [Fact]
    public void Message_KeyOfSomebodyElse_IsRefusedBeforeItsSignatureIsLookedAt()
    {
        using PeerIdentity author = PeerIdentity.FromSeed(new byte[32]), other = PeerIdentity.Generate();
        var writer = new ProtoWriter();
        writer.Bytes(1, author.PeerId.Bytes);
        writer.Bytes(2, "x"u8);
        writer.Bytes(3, new byte[8]);
        writer.Text(4, "news");
        byte[] signature = new byte[64];
        other.Sign(SignedBytes.Of(writer.Written), signature);
        writer.Bytes(5, signature);
        writer.Bytes(6, other.PublicKey.Encoded.Span);

        Assert.Equal(FormFault.BadFields, MessageForm.Check(Parse(writer.Written.ToArray()), GossipSigning.StrictSign, out _, out _));
    }

    [Fact]
    public void MessageIds_EachRule_IsMadeAsDocumented()
    {
        using PeerIdentity author = PeerIdentity.FromSeed(new byte[32]);
        WireMessage message = Parse(new MessageSigner(author, GossipSigning.StrictSign, 0x0102).Make("news", "hello"u8));

        Assert.Equal([.. author.PeerId.Bytes, 0, 0, 0, 0, 0, 0, 1, 2], MessageIdRule.Of(GossipMessageIds.FromAndSequence, message, author.PublicKey).Bytes.ToArray());
        Assert.Equal([.. author.PublicKey.Encoded.Span, 0, 0, 0, 0, 0, 0, 1, 2], MessageIdRule.Of(GossipMessageIds.KeyAndSequence, message, author.PublicKey).Bytes.ToArray());
        Assert.Equal(
            System.Security.Cryptography.SHA256.HashData([0, 0, 0, 4, .. "news"u8, .. "hello"u8]),
            MessageIdRule.Of(GossipMessageIds.Content, message, null).Bytes.ToArray());
    }

    [Fact]
    public void NoSign_MessageWithAuthor_IsRefused()
    {
        using PeerIdentity author = PeerIdentity.FromSeed(new byte[32]);
        WireMessage signed = Parse(new MessageSigner(author, GossipSigning.StrictSign, 1).Make("news", "x"u8));
        WireMessage unsigned = Parse(new MessageSigner(author, GossipSigning.StrictNoSign, 1).Make("news", "x"u8));

        Assert.Equal(FormFault.BadFields, MessageForm.Check(signed, GossipSigning.StrictNoSign, out _, out _));
        Assert.Equal(FormFault.None, MessageForm.Check(unsigned, GossipSigning.StrictNoSign, out _, out _));
        Assert.Equal(FormFault.BadFields, MessageForm.Check(unsigned, GossipSigning.StrictSign, out _, out _));
    }

    private static IEnumerable<(string, MessageId)> TopicsAndIds(Rpc rpc) => rpc.IHave.SelectMany(have => have.Ids.Select(id => (have.Topic, id)));

    private static bool IsGood(byte[] encoded)
    {
        if (!WireMessage.TryParse(encoded, s_options.Limits, out WireMessage? message)) return false;
        if (MessageForm.Check(message, GossipSigning.StrictSign, out PeerId? author, out PeerPublicKey? key) != FormFault.None) return false;
        return SignatureCheck.HoldVarTime([new PendingMessage(default, message, author, key, new(1, author!, Overlay.Gossip.Routing.GossipVersion.V12, false, new()))])[0];
    }

    private static WireMessage Parse(byte[] encoded)
    {
        Assert.True(WireMessage.TryParse(encoded, new GossipLimits(), out WireMessage? message));
        return message;
    }

    private static byte[] Encode(Rpc rpc) => new RpcEncoder().Encode(rpc).ToArray();

    private static Rpc Decode(byte[] bytes)
    {
        Assert.Equal(RpcFault.None, RpcDecoder.TryDecode(bytes, s_options, out Rpc rpc));
        return rpc;
    }
}
