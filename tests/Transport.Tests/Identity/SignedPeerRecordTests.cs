using CsCheck;
using Google.Protobuf;
using Overlay.Transport.Identity;
using Overlay.Transport.Identity.Records;

namespace Overlay.Transport.Tests.Identity;

public sealed class SignedPeerRecordTests
{
    private static readonly Multiaddr[] s_addresses = [Multiaddr.Parse("/ip4/192.0.2.1/tcp/4001"), Multiaddr.Parse("/dns4/example.org/tcp/443")];

    [Fact]
    public void Record_MadeHere_OpensWithAllThatWasPutIn()
    {
        using var identity = PeerIdentity.Generate();
        byte[] envelope = SignedPeerRecord.Create(identity, s_addresses, ulong.MaxValue);
        Assert.True(SignedPeerRecord.TryOpen(envelope, out SignedPeerRecord? record));
        Assert.Equal((identity.PeerId, identity.PublicKey, ulong.MaxValue), (record.PeerId, record.PublicKey, record.Sequence));
        Assert.Equal(s_addresses, record.Addresses);
        Assert.Equal(envelope, record.Envelope.ToArray());
    }

    [Fact]
    public void Record_CutAnywhere_IsRefused()
    {
        using var identity = PeerIdentity.Generate();
        byte[] envelope = SignedPeerRecord.Create(identity, s_addresses, 1);
        for (int size = 0; size < envelope.Length; size++) Assert.False(SignedPeerRecord.TryOpen(envelope.AsSpan(0, size), out _));
    }

    [Fact]
    public void Record_AnyByteChanged_IsRefused()
    {
        using var identity = PeerIdentity.Generate();
        byte[] envelope = SignedPeerRecord.Create(identity, s_addresses, 1);
        for (int at = 0; at < envelope.Length; at++)
        {
            byte[] forged = [.. envelope];
            forged[at] ^= 0x01;
            Assert.False(SignedPeerRecord.TryOpen(forged, out _), $"byte {at}");
        }
    }

    [Fact]
    public void Garbage_OfAnyKind_IsRefusedWithoutThrowing() =>
        Gen.Byte.Array[0, 300].Sample(bytes => Assert.False(SignedPeerRecord.TryOpen(bytes, out _)));

    [Fact]
    public void Record_NamingAnotherPeerThanItsSigner_IsRefused()
    {
        using var identity = PeerIdentity.Generate();
        using var other = PeerIdentity.Generate();
        byte[] payload = new PeerRecordMessage { PeerId = ByteString.CopyFrom(other.PeerId.Bytes), Seq = 1 }.ToByteArray();
        Assert.False(SignedPeerRecord.TryOpen(SignedEnvelope.Seal(identity, "libp2p-peer-record", [0x03, 0x01], payload), out _));
    }

    [Fact]
    public void Record_SignedForAnotherDomainOrOfAnotherType_IsRefused()
    {
        using var identity = PeerIdentity.Generate();
        byte[] payload = new PeerRecordMessage { PeerId = ByteString.CopyFrom(identity.PeerId.Bytes), Seq = 1 }.ToByteArray();
        Assert.False(SignedPeerRecord.TryOpen(SignedEnvelope.Seal(identity, "libp2p-routing-state", [0x03, 0x01], payload), out _));
        Assert.False(SignedPeerRecord.TryOpen(SignedEnvelope.Seal(identity, "libp2p-peer-record", [0x03, 0x02], payload), out _));
        Assert.False(SignedPeerRecord.TryOpen(SignedEnvelope.Seal(identity, "libp2p-peer-record", [], payload), out _));
    }

    [Fact]
    public void Record_InTheProvisionalFormOfRfc0003_Opens()
    {
        using var identity = PeerIdentity.Generate();
        byte[] payload = new PeerRecordMessage { PeerId = ByteString.CopyFrom(identity.PeerId.Bytes), Seq = 7 }.ToByteArray();
        byte[] envelope = SignedEnvelope.Seal(identity, "libp2p-routing-state", "/libp2p/routing-state-record"u8, payload);
        Assert.True(SignedPeerRecord.TryOpen(envelope, out SignedPeerRecord? record));
        Assert.Equal(7UL, record.Sequence);
    }

    [Fact]
    public void Record_WithUnknownAddress_OpensWithoutIt()
    {
        using var identity = PeerIdentity.Generate();
        var message = new PeerRecordMessage { PeerId = ByteString.CopyFrom(identity.PeerId.Bytes), Seq = 1 };
        message.Addresses.Add(new PeerRecordMessage.Types.AddressInfo { Multiaddr = ByteString.CopyFrom(0x7F) });
        message.Addresses.Add(new PeerRecordMessage.Types.AddressInfo { Multiaddr = ByteString.CopyFrom(s_addresses[0].Bytes.Span) });
        byte[] envelope = SignedEnvelope.Seal(identity, "libp2p-peer-record", [0x03, 0x01], message.ToByteArray());
        Assert.True(SignedPeerRecord.TryOpen(envelope, out SignedPeerRecord? record));
        Assert.Equal([s_addresses[0]], record.Addresses);
    }

    [Fact]
    public void Record_BeyondTheLimits_IsNeitherMadeNorOpened()
    {
        using var identity = PeerIdentity.Generate();
        byte[] full = SignedPeerRecord.Create(identity, Enumerable.Repeat(s_addresses[0], 64), 1);
        Assert.True(SignedPeerRecord.TryOpen(full, out _));
        Assert.False(SignedPeerRecord.TryOpen(full, out _, new SignedPeerRecordLimits { MaxAddressCount = 63 }));
        Assert.False(SignedPeerRecord.TryOpen(full, out _, new SignedPeerRecordLimits { MaxSize = full.Length - 1 }));
        Assert.Throws<ArgumentException>(() => SignedPeerRecord.Create(identity, Enumerable.Repeat(s_addresses[0], 65), 1));
        var longest = Multiaddr.Parse("/memory/" + new string('x', 1000));
        Assert.Throws<ArgumentException>(() => SignedPeerRecord.Create(identity, Enumerable.Repeat(longest, 9), 1));
        Assert.Throws<ArgumentOutOfRangeException>(() => new SignedPeerRecordLimits { MaxSize = 0 });
        Assert.Throws<ArgumentOutOfRangeException>(() => new SignedPeerRecordLimits { MaxAddressCount = -1 });
    }
}
