using System.Security.Cryptography;
using Overlay.Proofs.Crypto;

namespace Overlay.Proofs.Tests.Crypto;

public sealed class KeccakTests
{
    // FIPS 202's examples for the empty message.
    [Fact]
    public void Fips202_EmptyMessage()
    {
        Assert.Equal(
            "a69f73cca23a9ac5c8b567dc185a756e97c982164fe25859e0d1dcc1475c80a615b2123af1f5f94c11e3e9402c3ac558f500199d95b6d3e301758586281dcd26",
            Squeeze(KeccakSponge.Sha3512(), [], 64));
        Assert.Equal("46b9dd2b0ba88d13233b3feb743eeb243fcd52ea62b81b82b50c27646ed5762f", Squeeze(KeccakSponge.Shake256(), [], 32));
    }

    [Fact]
    public void Sponge_AnyLengthAcrossBlocks_AgreesWithTheFrameworks()
    {
        if (!SHA3_512.IsSupported || !Shake256.IsSupported) Assert.Skip("This platform's framework has no SHA-3 to compare with.");
        byte[] message = Enumerable.Range(0, 500).Select(i => (byte)(i * 7)).ToArray();
        foreach (int size in new[] { 0, 1, 71, 72, 73, 135, 136, 137, 144, 272, 500 })
        {
            byte[] data = message[..size];
            Assert.Equal(Convert.ToHexStringLower(SHA3_512.HashData(data)), Squeeze(KeccakSponge.Sha3512(), data, 64));
            Assert.Equal(Convert.ToHexStringLower(Shake256.HashData(data, 500)), Squeeze(KeccakSponge.Shake256(), data, 500));
        }
    }

    [Fact]
    public void Squeeze_InPieces_IsOneStream()
    {
        KeccakSponge whole = KeccakSponge.Shake256(), pieces = KeccakSponge.Shake256();
        byte[] expected = new byte[300], actual = new byte[300];
        whole.Squeeze(expected);
        for (int i = 0; i < 300; i += 60) pieces.Squeeze(actual.AsSpan(i, 60));
        Assert.Equal(expected, actual);
        Assert.Throws<InvalidOperationException>(() => pieces.Absorb([1]));
    }

    private static string Squeeze(KeccakSponge sponge, byte[] data, int size)
    {
        byte[] output = new byte[size];
        sponge.Absorb(data.AsSpan(0, data.Length / 2));
        sponge.Absorb(data.AsSpan(data.Length / 2));
        sponge.Squeeze(output);
        return Convert.ToHexStringLower(output);
    }
}
