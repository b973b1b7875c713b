using System.Text.Json;
using Overlay.Proofs;
using Overlay.Proofs.Crypto;
using Overlay.TestKit;
using Overlay.TestKit.Proofs;

namespace Overlay.Conformance.Tests.Proofs;

public sealed class Rfc8032Tests
{
    [Fact]
    public void Rfc8032_Section7_1_VectorsHoldAndChangedOnesDoNot()
    {
        using JsonDocument file = Repository.OpenVectors("ed25519-rfc8032.json");
        int count = 0;
        foreach (JsonElement vector in file.RootElement.GetProperty("vectors").EnumerateArray())
        {
            byte[] Hex(string name) => Convert.FromHexString(vector.GetProperty(name).GetString()!);
            var signer = new SeedSigner(Hex("secret_seed"));
            byte[] message = Hex("message"), signature = Hex("signature"), made = new byte[Ed25519.SignatureSize];
            Assert.Equal(new PublicKey(Hex("public")), signer.PublicKey);
            signer.Sign(message, made);
            Assert.Equal(signature, made);
            Assert.True(Ed25519.VerifyVarTime(signer.PublicKey, message, signature));

            signature[count % 64] ^= 1;
            Assert.False(Ed25519.VerifyVarTime(signer.PublicKey, message, signature));
            signature[count % 64] ^= 1;
            Assert.False(Ed25519.VerifyVarTime(signer.PublicKey, [.. message, 0], signature));
            count++;
        }

        Assert.Equal(95, count);
    }
}
