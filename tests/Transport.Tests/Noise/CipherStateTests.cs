using Overlay.Transport.Noise;

namespace Overlay.Transport.Tests.Noise;

public sealed class CipherStateTests
{
    [Fact]
    public void Encrypt_LastNonce_WorksOnceThenIsExhausted()
    {
        using CipherState send = Create(), receive = Create();
        send.SetNonce(ulong.MaxValue - 1);
        receive.SetNonce(ulong.MaxValue - 1);
        byte[] message = [1, .. new byte[16]];

        send.EncryptWithAd(default, message);
        byte[] sealedMessage = [.. message];
        Assert.True(receive.TryDecryptWithAd(default, message));

        Assert.Equal(NoiseError.NonceExhausted, Assert.Throws<NoiseException>(() => send.EncryptWithAd(default, message)).Error);
        Assert.Equal(NoiseError.NonceExhausted, Assert.Throws<NoiseException>(() => receive.TryDecryptWithAd(default, sealedMessage)).Error);
    }

    [Fact]
    public void Decrypt_Forgery_LeavesTheCounterAsItWas()
    {
        using CipherState send = Create(), receive = Create();
        byte[] message = [1, .. new byte[16]];
        send.EncryptWithAd(default, message);

        Assert.False(receive.TryDecryptWithAd(default, new byte[17]));
        Assert.True(receive.TryDecryptWithAd(default, message));
    }

    [Fact]
    public void Encrypt_Disposed_Throws()
    {
        CipherState cipher = Create();
        cipher.Dispose();
        Assert.Throws<ObjectDisposedException>(() => cipher.EncryptWithAd(default, new byte[17]));
    }

    private static CipherState Create()
    {
        var cipher = new CipherState();
        cipher.InitializeKey(new byte[32]);
        return cipher;
    }
}
