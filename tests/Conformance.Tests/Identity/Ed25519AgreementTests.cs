using System.Numerics;
using System.Security.Cryptography;
using System.Text.Json;
using Overlay.Proofs;
using Overlay.TestKit;
using Overlay.Transport.Identity;
using ProofsEd25519 = Overlay.Proofs.Crypto.Ed25519;

namespace Overlay.Conformance.Tests.Identity;

/// <summary>Identity keys and receipts are checked by two copies of one rule; on every signature, however odd, they must say the same.</summary>
public sealed class Ed25519AgreementTests
{
    private static readonly byte[] s_seed = Enumerable.Range(1, 32).Select(i => (byte)i).ToArray();

    [Fact]
    public void Rfc8032_Section7_1_EveryVector_IsAcceptedByBothAndSignedAlike()
    {
        using JsonDocument vectors = Repository.OpenVectors("ed25519-rfc8032.json");
        foreach (JsonElement vector in vectors.RootElement.GetProperty("vectors").EnumerateArray())
        {
            byte[] key = Hex(vector, "public"), message = Hex(vector, "message"), signature = Hex(vector, "signature");
            AssertBoth(true, key, message, signature);
            using var identity = PeerIdentity.FromSeed(Hex(vector, "secret_seed"));
            Assert.Equal(key, identity.PublicKey.Data.ToArray());
            byte[] own = new byte[64];
            identity.Sign(message, own);
            Assert.Equal(signature, own);
        }
    }

    [Fact]
    public void Signature_AnyBitFlippedOrCutShort_IsRefusedByBoth()
    {
        (byte[] key, byte[] message, byte[] signature) = Signed();
        for (int bit = 0; bit < 512; bit++)
        {
            byte[] forged = [.. signature];
            forged[bit / 8] ^= (byte)(1 << (bit % 8));
            AssertBoth(false, key, message, forged);
        }

        for (int size = 0; size < 64; size++) AssertBoth(false, key, message, signature[..size]);
        AssertBoth(false, key, message, [.. signature, 0]);
    }

    [Fact]
    public void SmallOrderKeyOrR_EveryEncoding_IsRefusedByBoth()
    {
        (byte[] key, byte[] message, byte[] signature) = Signed();
        foreach (byte[] small in SmallOrderEncodings())
        {
            // With A of small order and S = 0, R = identity holds for one message in eight at least: a signature of nobody.
            for (byte i = 0; i < 16; i++) AssertBoth(false, small, [i], [.. EdwardsCurve.Encode((0, 1)), .. new byte[32]]);
            AssertBoth(false, key, message, [.. small, .. signature[32..]]);
        }
    }

    [Fact]
    public void NonCanonicalY_OfKeyOrR_IsRefusedByBoth()
    {
        (byte[] key, byte[] message, byte[] signature) = Signed();
        for (int above = 0; above < 19; above++)
        {
            foreach (int sign in new[] { 0, 0x80 })
            {
                byte[] encoding = EdwardsCurve.LittleEndian(EdwardsCurve.P + above);
                encoding[31] |= (byte)sign;
                AssertBoth(false, encoding, message, signature);
                AssertBoth(false, key, message, [.. encoding, .. signature[32..]]);
            }
        }
    }

    [Fact]
    public void SOutsideItsRange_IsRefusedByBoth()
    {
        (byte[] key, byte[] message, byte[] signature) = Signed();
        BigInteger s = EdwardsCurve.Number(signature.AsSpan(32));
        for (BigInteger other = s + EdwardsCurve.L; other < BigInteger.Pow(2, 256); other += EdwardsCurve.L)
            AssertBoth(false, key, message, [.. signature[..32], .. EdwardsCurve.LittleEndian(other)]);
    }

    [Fact]
    public void MixedOrderKeyAndR_WhereOnlyTheEquationWithCofactorHolds_AreAcceptedByBoth()
    {
        BigInteger a = SecretScalar(), r = 1234567;
        (BigInteger X, BigInteger Y) A = EdwardsCurve.Multiply(a, EdwardsCurve.Base), rB = EdwardsCurve.Multiply(r, EdwardsCurve.Base);
        int withoutCofactor = 0, count = 0;
        for (int keyTorsion = 0; keyTorsion < 8; keyTorsion++)
        {
            byte[] key = WithTorsion(A, keyTorsion);
            for (int rTorsion = 0; rTorsion < 8; rTorsion++)
            {
                byte[] R = WithTorsion(rB, rTorsion), message = [(byte)keyTorsion, (byte)rTorsion];
                BigInteger k = Challenge(R, key, message);
                byte[] S = EdwardsCurve.LittleEndian((r + (k * a)) % EdwardsCurve.L);
                // S·B = R + k·A holds only where the torsion of both sides cancels out; times 8 it always does.
                if ((rTorsion + (k * keyTorsion)) % 8 == 0) withoutCofactor++;
                count++;
                AssertBoth(true, key, message, [.. R, .. S]);
                AssertBoth(false, key, [.. message, 0], [.. R, .. S]);
            }
        }

        // The case would show nothing if both equations agreed throughout.
        Assert.InRange(withoutCofactor, 1, count / 2);
    }

    private static void AssertBoth(bool expected, byte[] key, byte[] message, byte[] signature)
    {
        Assert.Equal(expected, PeerPublicKey.FromEd25519(key).VerifyVarTime(message, signature));
        Assert.Equal(expected, ProofsEd25519.VerifyVarTime(new PublicKey(key), message, signature));
    }

    private static (byte[] Key, byte[] Message, byte[] Signature) Signed()
    {
        using var identity = PeerIdentity.FromSeed(s_seed);
        byte[] message = [1, 2, 3], signature = new byte[64];
        identity.Sign(message, signature);
        return (identity.PublicKey.Data.ToArray(), message, signature);
    }

    private static IEnumerable<byte[]> SmallOrderEncodings()
    {
        (BigInteger X, BigInteger Y) point = (0, 1);
        for (int i = 0; i < 8; i++)
        {
            byte[] encoding = EdwardsCurve.Encode(point);
            yield return encoding;
            // The other sign: for x = 0 a second spelling of the point, otherwise its negative.
            encoding = [.. encoding];
            encoding[31] ^= 0x80;
            yield return encoding;
            point = EdwardsCurve.Add(point, EdwardsCurve.Order8);
        }

        Assert.Equal((BigInteger.Zero, BigInteger.One), point);
    }

    private static byte[] WithTorsion((BigInteger X, BigInteger Y) point, int torsion) =>
        EdwardsCurve.Encode(EdwardsCurve.Add(point, EdwardsCurve.Multiply(torsion, EdwardsCurve.Order8)));

    private static BigInteger SecretScalar()
    {
        byte[] scalar = SHA512.HashData(s_seed)[..32];
        scalar[0] &= 0xF8;
        scalar[31] = (byte)((scalar[31] & 0x7F) | 0x40);
        return EdwardsCurve.Number(scalar);
    }

    private static BigInteger Challenge(byte[] R, byte[] key, byte[] message) =>
        EdwardsCurve.Number(SHA512.HashData([.. R, .. key, .. message])) % EdwardsCurve.L;

    private static byte[] Hex(JsonElement vector, string name) => Convert.FromHexString(vector.GetProperty(name).GetString()!);
}
