using System.Net;
using System.Security.Cryptography;
using CsCheck;
using Overlay.Discovery.Kademlia;
using Overlay.Market.Witnessing;
using Overlay.Proofs;
using Overlay.TestKit.Proofs;
using Overlay.Transport.Identity;

namespace Overlay.Tests.Market.Witnessing;

public sealed class WitnessDutyTests
{
    private static readonly PeerId[] s_peers = [.. Enumerable.Range(10, 40).Select(Words.PeerOf)];

    [Fact]
    public void PlaceOf_IsTheHashOfTagEpochKeyAndBlock()
    {
        PublicKey provider = Words.Provider.PublicKey;
        var block = new Digest(SHA256.HashData("block"u8));
        byte[] input = [.. "overlay/witness/1"u8, 0, 0, 0, 0, 0, 7, 0xA1, 0x20, .. provider.Bytes, .. block.Bytes];
        Assert.Equal(Key.FromDigest(SHA256.HashData(input)), WitnessDuty.PlaceOf(500_000, provider, block));
        Assert.Equal(4, new[]
        {
            WitnessDuty.PlaceOf(1, provider, block), WitnessDuty.PlaceOf(2, provider, block), WitnessDuty.PlaceOf(1, provider, default),
                WitnessDuty.PlaceOf(1, new SeedSigner(2).PublicKey, block),
        }.Distinct().Count());
    }

    [Fact]
    public void Nearest_AnyRosterInAnyOrder_IsTheSameThreeThatNobodyIsNearerThan() =>
        Gen.Select(Gen.Shuffle(s_peers), Gen.Int[0, 40], Gen.ULong[0, 1_000_000]).Sample((shuffled, count, epoch) =>
    {
        Key place = WitnessDuty.PlaceOf(epoch, Words.Provider.PublicKey, default);
        PeerId provider = s_peers[0];
        PeerId[] roster = shuffled[..count];
        IReadOnlyList<PeerId> nearest = WitnessDuty.Nearest([.. roster, .. roster.Take(3), provider], provider, place);
        Assert.Equal(Math.Min(3, roster.Count(peer => peer != provider)), nearest.Count);
        Assert.DoesNotContain(provider, nearest);
        for (int i = 0; i < nearest.Count; i++) Assert.Equal(i, WitnessDuty.RankOf(nearest[i], roster, provider, place));
        foreach (PeerId other in roster.Except(nearest).Where(peer => peer != provider)) Assert.True(WitnessDuty.RankOf(other, roster, provider, place) >= 3);
    }, iter: 200);

    [Fact]
    public void Nearest_EachEpoch_IsAnotherThree()
    {
        HashSet<PeerId> ever = [];
        for (ulong epoch = 0; epoch < 60; epoch++) ever.UnionWith(WitnessDuty.Nearest(s_peers, Words.PeerOf(1),
            WitnessDuty.PlaceOf(epoch, Words.Provider.PublicKey, default)));
        Assert.InRange(ever.Count, 30, 40);
    }

    [Fact]
    public void MomentOf_LiesInItsEpochAndDiffersByWitness()
    {
        TimeSpan spread = TimeSpan.FromMinutes(45);
        DateTimeOffset start = DateTimeOffset.FromUnixTimeSeconds((long)Words.Epoch * 3600);
        DateTimeOffset[] moments = [.. s_peers.Select(peer => WitnessDuty.MomentOf(peer, Words.Provider.PublicKey, Words.Epoch, spread))];
        Assert.All(moments, moment => Assert.InRange(moment, start, start + spread));
        Assert.Equal(moments.Length, moments.Distinct().Count());
        Assert.True(moments.Max() - moments.Min() > spread / 2);
        Assert.Equal(start, WitnessDuty.MomentOf(s_peers[0], Words.Provider.PublicKey, Words.Epoch, TimeSpan.Zero));
    }

    [Theory]
    [InlineData("198.51.100.77", "198.51.100.0/24")]
    [InlineData("::ffff:198.51.100.77", "198.51.100.0/24")]
    [InlineData("2001:db8:1:2::3", "2001:db8:1::/48")]
    public void PrefixOf_NamesTheNetwork(string address, string prefix)
    {
        Assert.Equal(prefix, WitnessDuty.PrefixOf(IPAddress.Parse(address)));
        Assert.True(WitnessDuty.TryReadPrefix(prefix, out IPAddress first));
        Assert.Equal(prefix, WitnessDuty.PrefixOf(first));
    }

    [Theory]
    [InlineData("")]
    [InlineData("198.51.100.0")]
    [InlineData("198.51.100.7/24")]
    [InlineData("198.51.100.0/16")]
    [InlineData("198.51.100.0/024")]
    [InlineData("2001:DB8:1::/48")]
    [InlineData("2001:db8:1::/56")]
    [InlineData("::ffff:198.51.100.0/24")]
    [InlineData("here/24")]
    public void TryReadPrefix_AnyOtherForm_IsRefused(string text) => Assert.False(WitnessDuty.TryReadPrefix(text, out _));

    [Theory]
    [InlineData("203.0.113.7:443", true)]
    [InlineData("[2001:db8::7]:443", true)]
    [InlineData("witness.example.org:80", true)]
    [InlineData(null, false)]
    [InlineData("", false)]
    [InlineData(":443", false)]
    [InlineData("203.0.113.7", false)]
    [InlineData("203.0.113.7:0", false)]
    [InlineData("203.0.113.7:65536", false)]
    [InlineData("203.0.113.7:+80", false)]
    [InlineData("2001:db8::7:443", false)]
    [InlineData("[here]:443", false)]
    [InlineData("a host:443", false)]
    public void Target_IsAHostAndAPort(string? text, bool valid)
    {
        Assert.Equal(valid, WitnessOptions.IsTarget(text));
        if (!valid) Assert.Throws<ArgumentException>(() => new WitnessOptions { Target = text! });
    }
}
