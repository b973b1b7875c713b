using System.Text.Json;
using Overlay.TestKit;
using Overlay.Transport.Crypto;

namespace Overlay.Conformance.Tests.Noise;

public sealed class X25519VectorTests
{
    [Fact]
    public void Rfc7748_Section5_2_ScalarMultiplication()
    {
        using JsonDocument document = Repository.OpenVectors("x25519-rfc7748.json");
        foreach (JsonElement vector in document.RootElement.GetProperty("scalar_mult").EnumerateArray())
            Assert.Equal(vector.GetProperty("out").GetString(), Convert.ToHexStringLower(Agree(Hex(vector, "scalar"), Hex(vector, "u"))));
    }

    [Fact]
    public void Rfc7748_Section5_2_Iterated()
    {
        using JsonDocument document = Repository.OpenVectors("x25519-rfc7748.json");
        JsonElement iterated = document.RootElement.GetProperty("iterated");
        byte[] k = Hex(iterated, "start_k_and_u"), u = k;
        for (int i = 1; i <= 1000; i++)
        {
            byte[] r = Agree(k, u);
            u = k;
            k = r;
            if (i == 1) Assert.Equal(Hex(iterated.GetProperty("after"), "1"), k);
        }

        Assert.Equal(Hex(iterated.GetProperty("after"), "1000"), k);
    }

    [Fact]
    public void Rfc7748_Section6_1_DiffieHellman()
    {
        using JsonDocument document = Repository.OpenVectors("x25519-rfc7748.json");
        JsonElement vector = document.RootElement.GetProperty("diffie_hellman");
        using var alice = X25519KeyPair.FromPrivateKey(Hex(vector, "alice_private"));
        using var bob = X25519KeyPair.FromPrivateKey(Hex(vector, "bob_private"));

        Assert.Equal(Hex(vector, "alice_public"), alice.PublicKey.ToArray());
        Assert.Equal(Hex(vector, "bob_public"), bob.PublicKey.ToArray());
        byte[] ofAlice = new byte[32], ofBob = new byte[32];
        Assert.True(alice.TryAgree(bob.PublicKey, ofAlice));
        Assert.True(bob.TryAgree(alice.PublicKey, ofBob));
        Assert.Equal(Hex(vector, "shared"), ofAlice);
        Assert.Equal(ofAlice, ofBob);
    }

    private static byte[] Agree(byte[] scalar, byte[] u)
    {
        byte[] shared = new byte[32];
        Assert.True(X25519.TryAgree(scalar, u, shared));
        return shared;
    }

    private static byte[] Hex(JsonElement element, string name) => Convert.FromHexString(element.GetProperty(name).GetString()!);
}
