using System.Security.Cryptography;
using System.Text.Json;
using Overlay.TestKit;
using Overlay.Transport.Identity;

namespace Overlay.Conformance.Tests.Identity;

/// <summary>libp2p peer-ids specification: keys, their encodings and signatures, and the text forms of ids.</summary>
public sealed class PeerIdVectorTests
{
    private static readonly byte[] s_message = "what was signed"u8.ToArray();

    [Theory]
    [InlineData("ECDSA", PeerKeyType.Ecdsa)]
    [InlineData("ED25519", PeerKeyType.Ed25519)]
    [InlineData("secp256k1", PeerKeyType.Secp256k1)]
    [InlineData("rsa", PeerKeyType.Rsa)]
    public void PublicKey_OfEveryType_DecodesAndVerifiesWhatItsPrivateKeySigned(string name, PeerKeyType type)
    {
        byte[] encoded = Key(name, "public");
        Assert.True(PeerPublicKey.TryDecode(encoded, out PeerPublicKey? key));
        Assert.Equal(type, key.Type);
        Assert.Equal(encoded, key.Encoded.ToArray());

        byte[] signature = Sign(type, PrivateKeyData(name), s_message);
        Assert.True(key.VerifyVarTime(s_message, signature));
        Assert.False(key.VerifyVarTime([.. s_message, 0], signature));
        for (int size = 0; size < signature.Length; size++) Assert.False(key.VerifyVarTime(s_message, signature.AsSpan(0, size)));
        Assert.False(key.VerifyVarTime(s_message, [.. signature, 0]));
        for (int at = 0; at < signature.Length; at++)
        {
            byte[] forged = [.. signature];
            forged[at] ^= 0x01;
            Assert.False(key.VerifyVarTime(s_message, forged));
        }
    }

    [Theory]
    [InlineData("ECDSA")]
    [InlineData("ED25519")]
    [InlineData("secp256k1")]
    [InlineData("rsa")]
    public void PublicKey_CutShortOrExtendedOrDamaged_NeverThrows(string name)
    {
        byte[] encoded = Key(name, "public");
        for (int size = 0; size < encoded.Length; size++) Assert.False(PeerPublicKey.TryDecode(encoded.AsSpan(0, size), out _));
        Assert.False(PeerPublicKey.TryDecode([.. encoded, 0], out _));
        byte[] signature = Sign((PeerKeyType)encoded[1], PrivateKeyData(name), s_message);
        for (int at = 0; at < Math.Min(encoded.Length, 64); at++)
        {
            byte[] damaged = [.. encoded];
            damaged[at] ^= 0x11;
            if (PeerPublicKey.TryDecode(damaged, out PeerPublicKey? key)) Assert.False(key.VerifyVarTime(s_message, signature));
        }
    }

    [Theory]
    [InlineData(1024, false)]
    [InlineData(2048, true)]
    public void RsaKey_OfASize_IsAcceptedFrom2048Bits(int bits, bool accepted)
    {
        using var rsa = RSA.Create(bits);
        byte[] data = rsa.ExportSubjectPublicKeyInfo();
        byte[] encoded = [0x08, 0x00, 0x12, (byte)(data.Length | 0x80), (byte)(data.Length >> 7), .. data];
        Assert.True(PeerPublicKey.TryDecode(encoded, out PeerPublicKey? key));
        byte[] signature = rsa.SignData(s_message, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1);
        Assert.Equal(accepted, key.VerifyVarTime(s_message, signature));
    }

    [Fact]
    public void Ed25519PrivateKey_OfTheVector_GivesItsPublicKey()
    {
        using var identity = PeerIdentity.FromSeed(PrivateKeyData("ED25519").AsSpan(0, 32));
        Assert.Equal(Key("ED25519", "public"), identity.PublicKey.Encoded.ToArray());
    }

    [Fact]
    public void PeerId_EveryExample_ParsesAndPrintsBothForms()
    {
        using JsonDocument vectors = Repository.OpenVectors("libp2p-peer-ids.json");
        foreach (JsonElement example in vectors.RootElement.GetProperty("examples").EnumerateArray())
        {
            string text = example.GetProperty("peer_id").GetString()!;
            var id = PeerId.Parse(text);
            Assert.Equal(id, PeerId.Parse(id.ToString()));
            Assert.Equal(id, PeerId.Parse(id.ToCidString()));
            Assert.Contains(text, new[] { id.ToString(), id.ToCidString() });
            Assert.True(PeerId.TryFromBytes(id.Bytes, out PeerId? read));
            Assert.Equal(id, read);
        }
    }

    private static byte[] Key(string type, string part)
    {
        using JsonDocument vectors = Repository.OpenVectors("libp2p-peer-ids.json");
        JsonElement key = vectors.RootElement.GetProperty("keys").EnumerateArray()
            .Single(k => k.GetProperty("type").GetString() == type && k.GetProperty("part").GetString() == part);
        return Convert.FromHexString(key.GetProperty("protobuf_hex").GetString()!);
    }

    // The data field of the protobuf: behind type and tag stands a length of one byte, or of two for RSA.
    private static byte[] PrivateKeyData(string type)
    {
        byte[] encoded = Key(type, "private");
        return encoded[(encoded[3] < 0x80 ? 4 : 5)..];
    }

    private static byte[] Sign(PeerKeyType type, byte[] privateKey, byte[] message)
    {
        switch (type)
        {
            case PeerKeyType.Rsa:
                using (var rsa = RSA.Create())
                {
                    rsa.ImportRSAPrivateKey(privateKey, out _);
                    return rsa.SignData(message, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1);
                }

            case PeerKeyType.Ed25519:
                using (var identity = PeerIdentity.FromSeed(privateKey.AsSpan(0, 32)))
                {
                    byte[] signature = new byte[64];
                    identity.Sign(message, signature);
                    return signature;
                }

            default:
                using (var ecdsa = ECDsa.Create())
                {
                    if (type == PeerKeyType.Ecdsa) ecdsa.ImportECPrivateKey(privateKey, out _);
                    else ecdsa.ImportParameters(new ECParameters { Curve = ECCurve.CreateFromFriendlyName("secP256k1"), D = privateKey });
                    return ecdsa.SignData(message, HashAlgorithmName.SHA256, DSASignatureFormat.Rfc3279DerSequence);
                }
        }
    }
}
