using System.Text.Json;
using Overlay.TestKit;
using Overlay.Transport.Identity;

namespace Overlay.Transport.Tests.Identity;

/// <summary>multiformats/unsigned-varint and multiformats/multibase, as far as their bases are in use here.</summary>
public sealed class EncodingVectorTests
{
    private static readonly string[] s_bases = ["base16", "base16upper", "base32", "base32upper", "base36", "base36upper", "base58btc", "base64", "base64url"];

    [Fact]
    public void Varint_EveryVector_IsWrittenAndReadOrRefused()
    {
        using JsonDocument vectors = Repository.OpenVectors("unsigned-varint.json");
        foreach (JsonElement vector in vectors.RootElement.GetProperty("encode").EnumerateArray())
        {
            ulong value = vector.GetProperty("value").GetUInt64();
            byte[] expected = Convert.FromHexString(vector.GetProperty("hex").GetString()!);
            byte[] written = new byte[Varint.MaxSize];
            Assert.Equal(expected, written[..Varint.Write(written, value)]);
            Assert.Equal(expected.Length, Varint.Size(value));
            Assert.Equal(VarintStatus.Done, Varint.TryRead(expected, out ulong read, out int size));
            Assert.Equal((value, expected.Length), (read, size));
            for (int cut = 0; cut < expected.Length; cut++) Assert.Equal(VarintStatus.NeedMore, Varint.TryRead(expected.AsSpan(0, cut), out _, out _));
        }

        foreach (JsonElement vector in vectors.RootElement.GetProperty("reject").EnumerateArray())
            Assert.NotEqual(VarintStatus.Done, Varint.TryRead(Convert.FromHexString(vector.GetProperty("hex").GetString()!), out _, out _));
    }

    [Fact]
    public void Varint_Largest_ComesBackAndNineBytesAreTheMost()
    {
        byte[] written = new byte[Varint.MaxSize];
        Assert.Equal(9, Varint.Write(written, long.MaxValue));
        Assert.Equal(VarintStatus.Done, Varint.TryRead(written, out ulong value, out _));
        Assert.Equal((ulong)long.MaxValue, value);
        written[8] |= 0x80;
        Assert.Equal(VarintStatus.Invalid, Varint.TryRead([.. written, 1], out _, out _));
        Assert.Throws<ArgumentOutOfRangeException>(() => Varint.Write(new byte[10], 1UL << 63));
    }

    [Fact]
    public void Multibase_EveryVectorOfABaseInUse_Decodes()
    {
        using JsonDocument vectors = Repository.OpenVectors("multibase.json");
        int seen = 0;
        foreach (JsonElement group in vectors.RootElement.GetProperty("groups").EnumerateArray())
        {
            byte[] input = Convert.FromHexString(group.GetProperty("input_hex").GetString()!);
            foreach (JsonElement encoding in group.GetProperty("encodings").EnumerateArray())
            {
                if (!s_bases.Contains(encoding.GetProperty("name").GetString())) continue;
                string text = encoding.GetProperty("text").GetString()!;
                Assert.True(Multibase.TryDecode(text, out byte[]? bytes), text);
                Assert.Equal(input, bytes);
                seen++;
            }
        }

        Assert.True(seen >= 3 * s_bases.Length, $"only {seen} vectors were for a base in use");
    }

    [Theory]
    [InlineData("")]
    [InlineData("z")]
    [InlineData("?abc")]
    [InlineData("z0OIl")]
    [InlineData("b1890")]
    [InlineData("ba")]
    [InlineData("fabc")]
    [InlineData("fxy")]
    [InlineData("k-_")]
    [InlineData("u+/")]
    [InlineData("m-_")]
    [InlineData("uA")]
    [InlineData("zé")]
    [InlineData("bé✓x")]
    [InlineData("ké")]
    public void Multibase_NoEncoding_IsRefused(string text) => Assert.False(Multibase.TryDecode(text, out _));

    // The package's tables have 127 entries: DEL is the one ASCII character that they do not know.
    [Theory]
    [InlineData("f0\u007f")]
    [InlineData("bme\u007f")]
    [InlineData("k0\u007fa")]
    [InlineData("K0\u007fa")]
    [InlineData("z2\u007fa")]
    [InlineData("m\u007fQ==")]
    [InlineData("u\u007fQ")]
    [InlineData("k\0a")]
    public void Multibase_CharacterThatIsNotVisible_IsRefused(string text) => Assert.False(Multibase.TryDecode(text, out _));

    [Fact]
    public void Multibase_TooLong_IsRefused() => Assert.False(Multibase.TryDecode("z" + new string('2', Multibase.MaxTextLength), out _));
}
