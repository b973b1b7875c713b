using Overlay.Discovery.Kademlia;
using Overlay.Discovery.Kademlia.Lookups;
using Overlay.Discovery.Kademlia.Wire;
using Overlay.Transport.Identity;

namespace Overlay.Tests.Discovery.Kademlia;

public sealed class KademliaCodecTests
{
    private static readonly KademliaOptions s_options = new();

    // Put together by hand from the specification's field numbers: type FIND_NODE (4), key "k", one closer peer with one address /ip4/1.2.3.4/tcp/5.
    private static readonly byte[] s_byHand =
    [
        0x08, 0x04, 0x12, 0x01, (byte)'k', 0x42, 0x2E, 0x0A, 0x22, 0x12, 0x20, .. new byte[32], 0x12, 0x08, 0x04, 1, 2, 3, 4, 0x06, 0, 5,
    ];

    [Fact]
    public void Decode_MessageMadeByHand_HasItsParts()
    {
        Assert.True(KademliaCodec.TryDecode(s_byHand, s_options, out KademliaMessage? message));

        Assert.Equal(KademliaMessageType.FindNode, message.Type);
        Assert.Equal("k"u8.ToArray(), message.Key.ToArray());
        Contact peer = Assert.Single(message.CloserPeers);
        Assert.Equal([Multiaddr.Parse("/ip4/1.2.3.4/tcp/5")], peer.Addresses);
        Assert.Equal(s_byHand, KademliaCodec.Encode(message));
    }

    [Fact]
    public void Decode_EveryPartOfAMessage_IsNoneOrAMessage()
    {
        for (int size = 0; size < s_byHand.Length; size++) KademliaCodec.TryDecode(s_byHand.AsSpan(0, size), s_options, out _);
        for (int i = 0; i < s_byHand.Length; i++)
        {
            byte[] changed = [.. s_byHand];
            changed[i] ^= 0xFF;
            KademliaCodec.TryDecode(changed, s_options, out _);
        }
    }

    [Fact]
    public void Decode_RecordAndProviders_ComeBackAsTheyWere()
    {
        Contact peer = Peer(1, "/ip4/9.8.7.6/tcp/4001");
        var sent = new KademliaMessage(KademliaMessageType.GetValue, "/pk/x"u8.ToArray())
        {
            Record = new KademliaRecord("/pk/x"u8.ToArray(), new byte[] { 1, 2 }, "2026-01-01T00:00:00.000Z"),
            ProviderPeers = [peer],
        };

        Assert.True(KademliaCodec.TryDecode(KademliaCodec.Encode(sent), s_options, out KademliaMessage? got));

        Assert.Equal(sent.Record.Value.ToArray(), got.Record!.Value.ToArray());
        Assert.Equal(sent.Record.TimeReceived, got.Record.TimeReceived);
        Assert.Equal(peer.Id, Assert.Single(got.ProviderPeers).Id);
    }

    [Theory]
    [InlineData(256, true)]
    [InlineData(257, false)]
    public void Decode_ManyPeers_AreTakenUpToTheLimit(int count, bool taken)
    {
        var message = new KademliaMessage(KademliaMessageType.FindNode, "k"u8.ToArray()) { CloserPeers = [.. Enumerable.Range(0, count).Select(i => Peer(i))] };

        Assert.Equal(taken, KademliaCodec.TryDecode(KademliaCodec.Encode(message), s_options, out _));
    }

    [Theory]
    [InlineData(16, true)]
    [InlineData(128, true)]
    [InlineData(129, false)]
    [InlineData(3000, false)]
    public void Decode_ManyAddressesOfOnePeer_AreCutOrRefused(int count, bool taken)
    {
        Contact peer = Peer(1, [.. Enumerable.Range(0, count).Select(i => $"/ip4/1.2.{i >> 8}.{i & 255}/tcp/4001")]);
        var message = new KademliaMessage(KademliaMessageType.FindNode, "k"u8.ToArray()) { CloserPeers = [peer] };

        Assert.Equal(taken, KademliaCodec.TryDecode(KademliaCodec.Encode(message), s_options, out KademliaMessage? decoded));
        if (taken) Assert.Equal(16, decoded!.CloserPeers[0].Addresses.Count);
    }

    [Fact]
    public void Decode_LongAddressesOfOnePeer_AreCutToTheBytesAllowed()
    {
        string name = string.Join('.', Enumerable.Repeat(new string('a', 60), 4));
        Contact peer = Peer(1, [.. Enumerable.Range(1, 16).Select(i => $"/dns4/{name}/tcp/{i}")]);
        var message = new KademliaMessage(KademliaMessageType.FindNode, "k"u8.ToArray()) { CloserPeers = [peer], ProviderPeers = [peer] };

        Assert.True(KademliaCodec.TryDecode(KademliaCodec.Encode(message), s_options, out KademliaMessage? decoded));

        Assert.All(
            [decoded.CloserPeers[0], decoded.ProviderPeers[0], new Contact(peer.Id, new AddressPolicy(s_options).Dialable(peer.Addresses))],
            contact => Assert.InRange(contact.Addresses.Sum(address => address.Bytes.Length), 1, s_options.MaxAddressBytesPerPeer));
    }

    [Fact]
    public void Decode_AddressesOfOtherTransportsFirst_DoNotPushOutTheRest()
    {
        Contact peer = Peer(1, [.. Enumerable.Range(1, 20).Select(i => $"/ip4/20.1.1.1/udp/{i}/quic-v1"), "/ip4/20.1.1.1/tcp/1/ws", "/ip4/20.1.1.1/tcp/1"]);
        var message = new KademliaMessage(KademliaMessageType.FindNode, "k"u8.ToArray()) { CloserPeers = [peer] };

        Assert.True(KademliaCodec.TryDecode(KademliaCodec.Encode(message), s_options, out KademliaMessage? decoded));

        Assert.Equal([Multiaddr.Parse("/ip4/20.1.1.1/tcp/1")], decoded.CloserPeers[0].Addresses);
        Assert.False(new AddressPolicy(s_options).IsDialable(Multiaddr.Parse("/ip4/20.1.1.1/tcp/1/ws")));
    }

    [Fact]
    public void Decode_ValueOverTheLimit_IsRefused()
    {
        var message = new KademliaMessage(KademliaMessageType.PutValue, "/a/b"u8.ToArray()) { Record = new KademliaRecord("/a/b"u8.ToArray(), new byte[s_options.MaxValueSize + 1]) };

        Assert.False(KademliaCodec.TryDecode(KademliaCodec.Encode(message), s_options, out _));
    }

    [Fact]
    public void Decode_KindThatIsUnknown_IsRefused() => Assert.False(KademliaCodec.TryDecode([0x08, 0x06], s_options, out _));

    [Theory]
    [InlineData(0)]
    [InlineData(9)]
    [InlineData(13)]
    public void FindSibling_PrefixLength_IsSharedExactly(int prefixLength)
    {
        Key own = Peer(7).Key;

        byte[] key = KeyPreimage.FindSibling(own, prefixLength, new Random(1));

        Assert.Equal(prefixLength, Key.Of(key).CommonPrefixLength(own));
        Assert.True(PeerId.TryFromBytes(key, out _));
    }

    internal static Contact Peer(int number, params string[] addresses)
    {
        byte[] bytes = [0x12, 0x20, .. System.Security.Cryptography.SHA256.HashData(BitConverter.GetBytes(number))];
        Assert.True(PeerId.TryFromBytes(bytes, out PeerId? id));
        return new Contact(id, [.. addresses.Select(Multiaddr.Parse)]);
    }
}
