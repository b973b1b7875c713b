using System.Numerics;
using Overlay.Proofs.Crypto;
using Overlay.Proofs.Group;
using Overlay.TestKit.Proofs;

namespace Overlay.Proofs.Tests.Crypto;

public sealed class Ed25519BatchTests
{
    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(40)]
    [InlineData(130)]
    public void Batch_AllGood_HoldsWithEveryBackend(int count)
    {
        foreach (CurveBackend backend in CurveBackend.All)
        {
            Ed25519Batch batch = New(backend);
            for (int i = 0; i < count; i++) Add(batch, i % 9, [(byte)i]);
            Assert.Equal(count, batch.Count);
            Assert.True(batch.VerifyVarTime(), backend.Name);
            Assert.Empty(batch.FindInvalidVarTime());
        }
    }

    [Theory]
    [InlineData(1, new[] { 0 })]
    [InlineData(5, new[] { 4 })]
    [InlineData(50, new[] { 0, 17, 18, 49 })]
    [InlineData(33, new[] { 3 })]
    public void Batch_SomeForged_NamesExactlyThose(int count, int[] forged)
    {
        foreach (CurveBackend backend in CurveBackend.All)
        {
            Ed25519Batch batch = New(backend);
            for (int i = 0; i < count; i++)
            {
                // A true signature, of another message.
                (PublicKey key, byte[] signature) = Sign(i % 3, [(byte)i]);
                batch.Add(key, forged.Contains(i) ? [(byte)i, 1] : [(byte)i], signature);
            }

            Assert.False(batch.VerifyVarTime(), backend.Name);
            Assert.Equal(forged, batch.FindInvalidVarTime());
        }
    }

    [Fact]
    public void Batch_AllForged_NamesAll()
    {
        var batch = new Ed25519Batch();
        for (int i = 0; i < 20; i++) batch.Add(Sign(1, [1]).Key, [2], Sign(1, [1]).Signature);
        Assert.Equal(Enumerable.Range(0, 20), batch.FindInvalidVarTime());
    }

    [Fact]
    public void Batch_TwoErrorsThatCancelInAPlainSum_AreFound()
    {
        // S of one is one too many, S of the other one too few: without random weights the sum would not show it.
        (PublicKey key, byte[] first) = Sign(1, [1]);
        byte[] second = Sign(1, [2]).Signature;
        var batch = new Ed25519Batch();
        batch.Add(key, [1], WithS(first, +1));
        batch.Add(key, [2], WithS(second, -1));
        Assert.False(batch.VerifyVarTime());
        Assert.Equal([0, 1], batch.FindInvalidVarTime());
    }

    // Every kind of odd key, R and S, each alone and all of them in one batch among good signatures: the answers are those of the single check.
    [Fact]
    public void Batch_EveryOddPointAndScalar_AnswersAsTheSingleCheck()
    {
        List<(string Name, PublicKey Key, byte[] Message, byte[] Signature)> cases = [.. OddSignatures()];
        bool[] byTheBook = [.. cases.Select(one => HoldsByTheBook(one.Key, one.Message, one.Signature))];
        Assert.Contains(true, byTheBook);
        foreach (CurveBackend backend in CurveBackend.All)
        {
            Ed25519Batch together = New(backend);
            var expected = new List<int>();
            var single = new Ed25519Equation(backend);
            for (int i = 0; i < cases.Count; i++)
            {
                (string name, PublicKey key, byte[] message, byte[] signature) = cases[i];
                bool holds = single.HoldsVarTime(key.Bytes, message, signature);
                Assert.True(byTheBook[i] == holds, $"{backend.Name}: {name}");
                Ed25519Batch alone = New(backend);
                alone.Add(key, message, signature);
                Assert.True(holds == alone.VerifyVarTime(), $"{backend.Name}: {name}");
                Assert.Equal(holds ? [] : [0], alone.FindInvalidVarTime());

                if (!holds) expected.Add(together.Count);
                together.Add(key, message, signature);
                Add(together, 4, [(byte)together.Count]);
            }

            Assert.False(together.VerifyVarTime());
            Assert.Equal(expected, together.FindInvalidVarTime());
        }
    }

    private static IEnumerable<(string Name, PublicKey Key, byte[] Message, byte[] Signature)> OddSignatures()
    {
        byte[] message = "a receipt"u8.ToArray();
        (PublicKey goodKey, byte[] good) = Sign(1, message);
        yield return ("good", goodKey, message, good);
        foreach (int size in new[] { 0, 63, 65 }) yield return ($"length {size}", goodKey, message, new byte[size]);

        BigInteger s = new(good.AsSpan(32), isUnsigned: true);
        foreach (BigInteger other in new[] { s + EdwardsCurve.L, EdwardsCurve.L, (BigInteger.One << 256) - 1, BigInteger.Zero, s + 1 })
            yield return ($"S = {other}", goodKey, message, [.. good[..32], .. EdwardsCurve.Encode(other)]);

        List<byte[]> encodings = [EdwardsCurve.Encode(EdwardsCurve.P), EdwardsCurve.Encode(EdwardsCurve.P + 1), EdwardsCurve.Encode(new BigInteger(2)), [.. Enumerable.Repeat((byte)0xFF, 32)]];
        for (int i = 0; i < 8; i++)
        {
            byte[] small = EdwardsCurve.Encode(EdwardsCurve.Multiply(i, EdwardsCurve.Torsion)), flipped = [.. small];
            flipped[31] ^= 0x80;
            encodings.Add(small);
            encodings.Add(flipped);
        }

        foreach (byte[] encoding in encodings)
        {
            yield return ($"A = {Convert.ToHexString(encoding)}", new PublicKey(encoding), message, good);
            yield return ($"R = {Convert.ToHexString(encoding)}", goodKey, message, [.. encoding, .. good[32..]]);
            yield return ($"A and R = {Convert.ToHexString(encoding)}, S = 0", new PublicKey(encoding), message, [.. encoding, .. new byte[32]]);
        }

        // Mixed order in A, in R, in both: made by whoever knows the secret, so that the equation with cofactor holds.
        BigInteger a = 1234567, r = 7654321;
        for (int i = 0; i < 8; i++)
        {
            for (int j = 0; j < 8; j += 5)
            {
                EdwardsCurve.Point A = EdwardsCurve.Add(EdwardsCurve.Multiply(a, EdwardsCurve.Base), EdwardsCurve.Multiply(i, EdwardsCurve.Torsion));
                EdwardsCurve.Point R = EdwardsCurve.Add(EdwardsCurve.Multiply(r, EdwardsCurve.Base), EdwardsCurve.Multiply(j, EdwardsCurve.Torsion));
                byte[] key = EdwardsCurve.Encode(A), commitment = EdwardsCurve.Encode(R);
                BigInteger response = (r + (EdwardsCurve.Challenge(commitment, key, message) * a)) % EdwardsCurve.L;
                yield return ($"mixed {i} {j}", new PublicKey(key), message, [.. commitment, .. EdwardsCurve.Encode(response)]);
                yield return ($"mixed {i} {j}, S + 1", new PublicKey(key), message, [.. commitment, .. EdwardsCurve.Encode((response + 1) % EdwardsCurve.L)]);
            }
        }
    }

    // The rule of docs/adr/0007, in big integers.
    private static bool HoldsByTheBook(PublicKey key, byte[] message, byte[] signature)
    {
        if (signature.Length != 64) return false;
        var s = new BigInteger(signature.AsSpan(32), isUnsigned: true);
        if (s >= EdwardsCurve.L) return false;
        if (DecodeByTheBook(key.Bytes) is not { } A || DecodeByTheBook(signature.AsSpan(0, 32)) is not { } R) return false;
        BigInteger k = EdwardsCurve.Challenge(signature[..32], key.Bytes.ToArray(), message);
        return EdwardsCurve.Multiply(8 * s, EdwardsCurve.Base) == EdwardsCurve.Add(EdwardsCurve.Multiply(8, R), EdwardsCurve.Multiply(8 * k, A));
    }

    private static EdwardsCurve.Point? DecodeByTheBook(ReadOnlySpan<byte> encoding)
    {
        if (EdwardsCurve.Decode(encoding) is not { } point || !encoding.SequenceEqual(EdwardsCurve.Encode(point))) return null;
        return EdwardsCurve.Multiply(8, point) == EdwardsCurve.Identity ? null : point;
    }

    private static Ed25519Batch New(CurveBackend backend) => new(new Ed25519Equation(backend));

    private static void Add(Ed25519Batch batch, int signer, byte[] message)
    {
        (PublicKey key, byte[] signature) = Sign(signer, message);
        batch.Add(key, message, signature);
    }

    private static (PublicKey Key, byte[] Signature) Sign(int signer, byte[] message)
    {
        var seed = new SeedSigner(signer);
        byte[] signature = new byte[Ed25519.SignatureSize];
        seed.Sign(message, signature);
        return (seed.PublicKey, signature);
    }

    private static byte[] WithS(byte[] signature, int add)
    {
        BigInteger s = (new BigInteger(signature.AsSpan(32), isUnsigned: true) + add + EdwardsCurve.L) % EdwardsCurve.L;
        return [.. signature[..32], .. EdwardsCurve.Encode(s)];
    }
}
