using System.IO.Pipelines;
using Overlay.Transport.Connections;
using Overlay.Transport.Identify;
using Overlay.Transport.Identity;

namespace Overlay.Transport.Tests.Identify;

public sealed class IdentifyCodecTests : IDisposable
{
    private static readonly Multiaddr s_address = Multiaddr.Parse("/ip4/203.0.113.7/tcp/4001");

    private readonly PeerIdentity _peer = PeerIdentity.Generate(), _other = PeerIdentity.Generate();

    public void Dispose()
    {
        _peer.Dispose();
        _other.Dispose();
    }

    [Fact]
    public void Merge_WholeMessage_TellsWhatWasSent()
    {
        PeerInfo info = Merge(Message(_peer, [s_address], ["/a/1"]), new IdentifyOptions());

        Assert.Equal([s_address], info.ListenAddresses);
        Assert.Equal(["/a/1"], info.Protocols);
        Assert.False(info.SignedPeerRecord.IsEmpty);
    }

    [Fact]
    public void Merge_TruncatedAtEveryByte_IsTakenInPartOrAViolationAndNothingElse()
    {
        byte[] message = Message(_peer, [s_address], ["/a/1", "/b/1"]);
        for (int size = 0; size < message.Length; size++)
        {
            byte[] cut = message[..size];
            Exception? error = Record.Exception(() => Merge(cut, new IdentifyOptions()));
            if (error is not null) Assert.Equal(ConnectionError.ProtocolViolation, Assert.IsType<ConnectionException>(error).Reason);
        }
    }

    [Fact]
    public void Merge_AnotherPeersKey_IsAViolation() =>
        AssertViolation(() => Merge(Message(_other, [s_address], ["/a/1"]), new IdentifyOptions()));

    [Fact]
    public void Merge_MoreAddressesOrProtocolsThanAllowed_IsAViolation()
    {
        AssertViolation(() => Merge(Message(_peer, [s_address, s_address], []), new IdentifyOptions { MaxAddressCount = 1 }));
        AssertViolation(() => Merge(Message(_peer, [], ["/a/1", "/b/1"]), new IdentifyOptions { MaxProtocolCount = 1 }));
    }

    [Fact]
    public void Merge_RecordSignedByAnother_IsNotTaken()
    {
        byte[] message = Message(_peer, [s_address], [], SignedPeerRecord.Create(_other, [s_address], 1));

        Assert.True(Merge(message, new IdentifyOptions()).SignedPeerRecord.IsEmpty);
    }

    [Fact]
    public async Task Read_AnnouncedOverTheLimit_IsRefusedBeforeItIsWaitedFor()
    {
        var pipe = new Pipe();
        await pipe.Writer.WriteAsync(new byte[] { 0xFF, 0xFF, 0xFF, 0x7F }, TestContext.Current.CancellationToken);

        var error = await Assert.ThrowsAsync<ConnectionException>(
            async () => await LengthPrefixed.ReadAsync(pipe.Reader, 8192, TestContext.Current.CancellationToken));

        Assert.Equal(ConnectionError.LimitExceeded, error.Reason);
    }

    private static void AssertViolation(Action action) => Assert.Equal(ConnectionError.ProtocolViolation, Assert.Throws<ConnectionException>(action).Reason);

    private PeerInfo Merge(byte[] message, IdentifyOptions options) => IdentifyCodec.Merge(new PeerInfo { PeerId = _peer.PeerId }, message, options);

    /// <summary>A message without the length in front.</summary>
    private static byte[] Message(PeerIdentity identity, Multiaddr[] addresses, string[] protocols, byte[]? record = null)
    {
        var self = new PeerInfo
        {
            PeerId = identity.PeerId,
            AgentVersion = "test/1",
            ListenAddresses = addresses,
            Protocols = protocols,
            SignedPeerRecord = record ?? SignedPeerRecord.Create(identity, addresses, 1),
        };
        byte[] framed = IdentifyCodec.Encode(self, identity.PublicKey);
        Assert.Equal(VarintStatus.Done, Varint.TryRead(framed, out _, out int prefix));
        return framed[prefix..];
    }
}
