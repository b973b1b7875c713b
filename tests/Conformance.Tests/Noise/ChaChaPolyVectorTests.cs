using System.Text.Json;
using Overlay.TestKit;
using Overlay.Transport.Crypto;

namespace Overlay.Conformance.Tests.Noise;

/// <summary>RFC 8439 through both implementations.</summary>
public sealed class ChaChaPolyVectorTests
{
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Rfc8439_PublishedVectors_SealAndOpen(bool platform)
    {
        if (platform && !System.Security.Cryptography.ChaCha20Poly1305.IsSupported) Assert.Skip("this platform has none of its own");
        using JsonDocument document = Repository.OpenVectors("chacha20poly1305-rfc8439.json");
        int count = 0;
        foreach (JsonElement vector in document.RootElement.GetProperty("vectors").EnumerateArray())
        {
            if (!vector.TryGetProperty("ciphertext_and_tag", out _)) continue;
            byte[] key = Hex(vector, "key"), plaintext = Hex(vector, "plaintext"), aad = Hex(vector, "aad"), nonce = Hex(vector, "nonce");
            using ChaChaPoly cipher = platform ? new PlatformChaChaPoly(key) : new ManagedChaChaPoly(key);
            byte[] message = [.. plaintext, .. new byte[16]];
            cipher.Seal(nonce, message, aad);
            Assert.Equal(Hex(vector, "ciphertext_and_tag"), message);
            Assert.True(cipher.TryOpen(nonce, message, aad));
            Assert.Equal(plaintext, message[..^16]);
            count++;
        }

        Assert.InRange(count, 20, 100);
    }

    private static byte[] Hex(JsonElement element, string name) => Convert.FromHexString(element.GetProperty(name).GetString()!);
}
