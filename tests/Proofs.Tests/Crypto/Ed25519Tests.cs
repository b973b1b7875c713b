using System.Numerics;
using Overlay.Proofs.Crypto;
using Overlay.Proofs.Group;
using Overlay.TestKit.Proofs;

namespace Overlay.Proofs.Tests.Crypto;

public sealed class Ed25519Tests
{
    private static readonly byte[] s_message = "a receipt"u8.ToArray();
    private readonly SeedSigner _signer = new(7);

    [Fact]
    public void Verify_EveryBitOfSignatureKeyOrMessageChanged_False()
    {
        byte[] signature = Sign(s_message);
        Assert.True(Ed25519.VerifyVarTime(_signer.PublicKey, s_message, signature));
        for (int bit = 0; bit < 512; bit++) Assert.False(Ed25519.VerifyVarTime(_signer.PublicKey, s_message, Flip(signature, bit)), $"signature bit {bit}");
        for (int bit = 0; bit < 256; bit++) Assert.False(Ed25519.VerifyVarTime(new PublicKey(Flip(_signer.PublicKey.Bytes, bit)), s_message, signature), $"key bit {bit}");
        for (int bit = 0; bit < s_message.Length * 8; bit++) Assert.False(Ed25519.VerifyVarTime(_signer.PublicKey, Flip(s_message, bit), signature));
        for (int size = 0; size < 64; size++) Assert.False(Ed25519.VerifyVarTime(_signer.PublicKey, s_message, signature.AsSpan(0, size)));
        Assert.False(Ed25519.VerifyVarTime(_signer.PublicKey, s_message, [.. signature, 0]));
    }

    [Fact]
    public void Verify_SNotReduced_False()
    {
        byte[] signature = Sign(s_message);
        var s = new BigInteger(signature.AsSpan(32), isUnsigned: true);
        for (BigInteger same = s + EdwardsCurve.L; same < BigInteger.Pow(2, 256); same += EdwardsCurve.L)
            Assert.False(Ed25519.VerifyVarTime(_signer.PublicKey, s_message, [.. signature[..32], .. EdwardsCurve.Encode(same)]));
    }

    [Fact]
    public void SmallOrder_AllEightPointsInEveryEncoding_Refused()
    {
        int canonical = 0, other = 0;
        for (int i = 0; i < 8; i++)
        {
            EdwardsCurve.Point point = EdwardsCurve.Multiply(i, EdwardsCurve.Torsion);
            for (BigInteger y = point.Y; y < BigInteger.Pow(2, 255); y += EdwardsCurve.P)
            {
                foreach (byte sign in (byte[])[0, 0x80])
                {
                    byte[] encoding = EdwardsCurve.Encode(y);
                    encoding[31] |= sign;
                    Assert.False(Ed25519Equation.IsAcceptableEncoding(encoding));
                    if (encoding.AsSpan().SequenceEqual(EdwardsCurve.Encode(point))) canonical++;
                    else other++;
                    // With a key of small order A and R = s·B - k·A the equation holds for anybody who tries a few messages.
                    byte[] forged = [.. EdwardsCurve.Encode(EdwardsCurve.Base), .. EdwardsCurve.Encode(BigInteger.One)];
                    Assert.False(Ed25519.VerifyVarTime(new PublicKey(encoding), s_message, forged));
                    Assert.False(Ed25519.VerifyVarTime(_signer.PublicKey, s_message, [.. encoding, .. Sign(s_message)[32..]]));
                }
            }
        }

        Assert.Equal(8, canonical);
        Assert.True(other > 8);
    }

    [Fact]
    public void Verify_EncodingNotCanonicalOrOffTheCurve_False()
    {
        byte[] signature = Sign(s_message);
        for (int low = 0; low < 19; low++)
        {
            byte[] notCanonical = EdwardsCurve.Encode(EdwardsCurve.P + low);
            Assert.False(Ed25519Equation.IsAcceptableEncoding(notCanonical));
            Assert.False(Ed25519.VerifyVarTime(new PublicKey(notCanonical), s_message, signature));
            Assert.False(Ed25519.VerifyVarTime(_signer.PublicKey, s_message, [.. notCanonical, .. signature[32..]]));
        }

        for (int y = 2; y < 40; y++)
        {
            byte[] encoding = EdwardsCurve.Encode(new BigInteger(y));
            Assert.False(Ed25519.VerifyVarTime(new PublicKey(encoding), s_message, signature));
        }
    }

    [Fact]
    public void Verify_KeyOrRWithATorsionPart_HoldsByTheEquationWithCofactor()
    {
        // The one case in which verifiers with and without cofactor part ways; only whoever holds the secret can make it.
        BigInteger a = 1234567, r = 7654321;
        int withoutCofactor = 0;
        for (int i = 0; i < 12; i++)
        {
            byte[] message = [(byte)i];
            EdwardsCurve.Point torsion = EdwardsCurve.Multiply(i % 8, EdwardsCurve.Torsion);
            bool inKey = i < 8;
            EdwardsCurve.Point A = EdwardsCurve.Multiply(a, EdwardsCurve.Base), R = EdwardsCurve.Multiply(r, EdwardsCurve.Base);
            if (inKey) A = EdwardsCurve.Add(A, torsion);
            else R = EdwardsCurve.Add(R, torsion);
            byte[] key = EdwardsCurve.Encode(A), commitment = EdwardsCurve.Encode(R);
            BigInteger k = EdwardsCurve.Challenge(commitment, key, message), s = (r + k * a) % EdwardsCurve.L;
            if (EdwardsCurve.Multiply(s, EdwardsCurve.Base) == EdwardsCurve.Add(R, EdwardsCurve.Multiply(k, A))) withoutCofactor++;

            Assert.True(Ed25519.VerifyVarTime(new PublicKey(key), message, [.. commitment, .. EdwardsCurve.Encode(s)]), $"case {i}");
        }

        Assert.InRange(withoutCofactor, 1, 10);
    }

    private byte[] Sign(byte[] message)
    {
        byte[] signature = new byte[Ed25519.SignatureSize];
        _signer.Sign(message, signature);
        return signature;
    }

    private static byte[] Flip(ReadOnlySpan<byte> bytes, int bit)
    {
        byte[] changed = bytes.ToArray();
        changed[bit / 8] ^= (byte)(1 << (bit % 8));
        return changed;
    }
}
