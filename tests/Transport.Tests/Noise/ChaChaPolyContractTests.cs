using System.Security.Cryptography;
using CsCheck;
using Overlay.Transport.Crypto;

namespace Overlay.Transport.Tests.Noise;

/// <summary>What both implementations of the cipher promise.</summary>
public abstract class ChaChaPolyContractTests
{
    private static readonly byte[] s_key = [.. Enumerable.Range(0, 32).Select(i => (byte)i)];
    private static readonly byte[] s_nonce = [.. Enumerable.Range(7, 12).Select(i => (byte)i)];

    private protected abstract ChaChaPoly Create(ReadOnlySpan<byte> key);

    [Fact]
    public void Open_EveryByteFlipped_RefusesAndLeavesNoPlaintext()
    {
        byte[] text = "in the clear"u8.ToArray();
        byte[] message = [.. text, .. new byte[ChaChaPoly.TagSize]];
        using ChaChaPoly cipher = Create(s_key);
        cipher.Seal(s_nonce, message, "ad"u8);
        for (int i = 0; i < message.Length; i++)
        {
            byte[] forged = [.. message];
            forged[i] ^= 1;
            Assert.False(cipher.TryOpen(s_nonce, forged, "ad"u8));
            Assert.NotEqual(text, forged[..^ChaChaPoly.TagSize]);
        }

        Assert.False(cipher.TryOpen(s_nonce, [.. message], "da"u8));
        byte[] otherNonce = [.. s_nonce];
        otherNonce[0] ^= 1;
        Assert.False(cipher.TryOpen(otherNonce, [.. message], "ad"u8));
        Assert.True(cipher.TryOpen(s_nonce, message, "ad"u8));
        Assert.Equal(text, message[..^ChaChaPoly.TagSize]);
    }

    [Fact]
    public void Open_ShorterThanATag_Refuses()
    {
        using ChaChaPoly cipher = Create(s_key);
        for (int size = 0; size < ChaChaPoly.TagSize; size++) Assert.False(cipher.TryOpen(s_nonce, new byte[size], default));
    }

    [Fact]
    public void Seal_AnySizes_AgreesWithTheOtherImplementation() =>
        Gen.Select(Gen.Byte.Array[0, 3000], Gen.Byte.Array[0, 100]).Sample(
            (text, data) =>
            {
                if (!ChaCha20Poly1305.IsSupported) return;
                using ChaChaPoly one = new PlatformChaChaPoly(s_key), other = new ManagedChaChaPoly(s_key), mine = Create(s_key);
                byte[] message = [.. text, .. new byte[ChaChaPoly.TagSize]], second = [.. message];
                one.Seal(s_nonce, message, data);
                other.Seal(s_nonce, second, data);
                Assert.Equal(message, second);
                Assert.True(mine.TryOpen(s_nonce, message, data));
                Assert.Equal(text, message[..^ChaChaPoly.TagSize]);
            },
            iter: 50);

    [Fact]
    public void Seal_AfterDispose_Throws()
    {
        ChaChaPoly cipher = Create(s_key);
        cipher.Dispose();
        Assert.Throws<ObjectDisposedException>(() => cipher.Seal(s_nonce, new byte[32], default));
    }
}

public sealed class PlatformChaChaPolyTests : ChaChaPolyContractTests
{
    public PlatformChaChaPolyTests() => Assert.SkipUnless(ChaCha20Poly1305.IsSupported, "this platform has none of its own");

    private protected override ChaChaPoly Create(ReadOnlySpan<byte> key) => new PlatformChaChaPoly(key);
}

public sealed class ManagedChaChaPolyTests : ChaChaPolyContractTests
{
    private protected override ChaChaPoly Create(ReadOnlySpan<byte> key) => new ManagedChaChaPoly(key);
}
