using System.Security.Cryptography;
using CsCheck;
using Overlay.Transport.Crypto;

namespace Overlay.Transport.Tests.Noise;

/// <summary>What both implementations of the cipher promise.</summary>
public abstract class ChaChaPolyContractTests
{
    private static readonly byte[] Key = [.. Enumerable.Range(0, 32).Select(i => (byte)i)];
    private static readonly byte[] Nonce = [.. Enumerable.Range(7, 12).Select(i => (byte)i)];

    private protected abstract ChaChaPoly Create(ReadOnlySpan<byte> key);

    [Fact]
    public void Open_EveryByteFlipped_RefusesAndLeavesNoPlaintext()
    {
        byte[] text = "in the clear"u8.ToArray();
        byte[] message = [.. text, .. new byte[ChaChaPoly.TagSize]];
        using ChaChaPoly cipher = Create(Key);
        cipher.Seal(Nonce, message, "ad"u8);
        for (int i = 0; i < message.Length; i++)
        {
            byte[] forged = [.. message];
            forged[i] ^= 1;
            Assert.False(cipher.TryOpen(Nonce, forged, "ad"u8));
            Assert.NotEqual(text, forged[..^ChaChaPoly.TagSize]);
        }

        Assert.False(cipher.TryOpen(Nonce, [.. message], "da"u8));
        byte[] otherNonce = [.. Nonce];
        otherNonce[0] ^= 1;
        Assert.False(cipher.TryOpen(otherNonce, [.. message], "ad"u8));
        Assert.True(cipher.TryOpen(Nonce, message, "ad"u8));
        Assert.Equal(text, message[..^ChaChaPoly.TagSize]);
    }

    [Fact]
    public void Open_ShorterThanATag_Refuses()
    {
        using ChaChaPoly cipher = Create(Key);
        for (int size = 0; size < ChaChaPoly.TagSize; size++) Assert.False(cipher.TryOpen(Nonce, new byte[size], default));
    }

    [Fact]
    public void Seal_AnySizes_AgreesWithTheOtherImplementation() =>
        Gen.Select(Gen.Byte.Array[0, 3000], Gen.Byte.Array[0, 100]).Sample(
            (text, data) =>
            {
                if (!ChaCha20Poly1305.IsSupported) return;
                using ChaChaPoly one = new PlatformChaChaPoly(Key), other = new ManagedChaChaPoly(Key), mine = Create(Key);
                byte[] message = [.. text, .. new byte[ChaChaPoly.TagSize]], second = [.. message];
                one.Seal(Nonce, message, data);
                other.Seal(Nonce, second, data);
                Assert.Equal(message, second);
                Assert.True(mine.TryOpen(Nonce, message, data));
                Assert.Equal(text, message[..^ChaChaPoly.TagSize]);
            },
            iter: 50);

    [Fact]
    public void Seal_AfterDispose_Throws()
    {
        ChaChaPoly cipher = Create(Key);
        cipher.Dispose();
        Assert.Throws<ObjectDisposedException>(() => cipher.Seal(Nonce, new byte[32], default));
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
