using Overlay.Market.Messages;
using Overlay.Proofs;
using Overlay.Proofs.Encoding;
using Overlay.Sessions.Messages;
using Overlay.Transport.Identity;

namespace Overlay.Tests.Market;

public sealed class DemandTests
{
    [Fact]
    public void Open_WhatWasMade_HasEveryField()
    {
        using var consumer = PeerIdentity.Generate();
        Demand made = Demands.Make(consumer, "FR", 123, minMbps: 20, bytes: 50UL << 30, ports: [25, 443], addresses: 4);

        Assert.True(Demand.TryOpen(made.Envelope.Encode(), out Demand? read));
        Assert.Equal(("FR", 123UL, 20U, 50UL << 30), (read.Region, read.MaxPricePerGiB, read.MinMbps, read.BytesWanted));
        Assert.Equal(new ushort[] { 25, 443 }, read.ExitPorts);
        Assert.Equal(made.ReplyAddresses, read.ReplyAddresses);
        Assert.Equal((consumer.PeerId, made.Id, made.NotAfter), (read.Peer, read.Id, read.NotAfter));
    }

    [Fact]
    public void Open_AnyByteChangedOrCut_IsRefused()
    {
        byte[] whole = Demands.Make().Envelope.Encode();
        for (int i = 0; i < whole.Length; i++)
        {
            byte[] changed = [.. whole];
            changed[i] ^= 1;
            Assert.False(Demand.TryOpen(changed, out _));
            Assert.False(Demand.TryOpen(whole.AsSpan(0, i), out _));
        }

        Assert.False(Demand.TryOpen([.. whole, 0], out _));
    }

    [Theory]
    [InlineData("de")]
    [InlineData("D1")]
    [InlineData("DEU")]
    public void Make_RegionOutOfRange_IsRefused(string region) => Assert.Throws<ArgumentException>(() => Demands.Make(region: region));

    [Fact]
    public void Make_PortsOutOfOrderTooManyOrZero_AreRefused()
    {
        Assert.Throws<ArgumentException>(() => Demands.Make(ports: [443, 80]));
        Assert.Throws<ArgumentException>(() => Demands.Make(ports: [80, 80]));
        Assert.Throws<ArgumentException>(() => Demands.Make(ports: [0]));
        Assert.Throws<ArgumentException>(() => Demands.Make(ports: [.. Enumerable.Range(1, Demand.MaxPortCount + 1).Select(port => (ushort)port)]));
    }

    [Fact]
    public void Make_TooManyAddresses_AreRefused() => Assert.Throws<ArgumentException>(() => Demands.Make(addresses: Demand.MaxAddressCount + 1));

    [Fact]
    public void Make_FullInEveryField_FitsTheLimit() =>
        Assert.True(Demands.Make(ports: [.. Enumerable.Range(65_000, Demand.MaxPortCount).Select(port => (ushort)port)], addresses: Demand.MaxAddressCount).Envelope.Encode().Length <= Demand.MaxEnvelopeSize);

    [Fact]
    public void Push_RoundTripAndEveryCut()
    {
        using var provider = PeerIdentity.Generate();
        var push = new OfferPush(new Digest(Enumerable.Repeat((byte)7, 32).ToArray()), Demands.Offer(provider).Envelope, new byte[] { 1, 2, 3 });
        byte[] encoded = push.Encode();

        OfferPush? read = OfferPush.Decode(encoded);
        Assert.Equal(push.Demand, read!.Demand);
        Assert.Equal(push.SignedRecord, read.SignedRecord);
        Assert.True(Offer.TryOpen(read.Offer, new PublicKey(provider.PublicKey.Data.Span), out _));
        for (int i = 0; i < encoded.Length; i++) Assert.Null(OfferPush.Decode(encoded.AsSpan(0, i)));
        Assert.Null(OfferPush.Decode([.. encoded, 0]));
        Assert.Null(OfferPush.Decode(new CanonicalWriter(1).Write(1).ToArray()));
    }
}
