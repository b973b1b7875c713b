using CsCheck;
using Overlay.Proofs.Group;
using Overlay.Proofs.RangeProofs;
using Overlay.Proofs.Tests.Crypto;
using Overlay.Proofs.Transcripts;

namespace Overlay.Proofs.Tests.RangeProofs;

public sealed class RangeProofTests
{
    private static readonly CompressedPoint[] s_commitments;
    private static readonly byte[] s_proof = ProofSamples.Prove(BulletproofGenerators.Default, 8, 2, out s_commitments);

    [Theory]
    [InlineData(8, 1, 480)]
    [InlineData(8, 2, 544)]
    [InlineData(16, 1, 544)]
    [InlineData(16, 4, 672)]
    [InlineData(32, 1, 608)]
    [InlineData(32, 2, 672)]
    [InlineData(64, 1, 672)]
    [InlineData(64, 4, 800)]
    public void Proof_EveryBackend_MakesTheSameBytesAndAcceptsThem(int bits, int count, int size)
    {
        string? first = null;
        foreach ((string name, BulletproofGenerators generators) in ProofSamples.Generators)
        {
            byte[] proof = ProofSamples.Prove(generators, bits, count, out CompressedPoint[] commitments);
            first ??= Convert.ToHexString(proof);
            Assert.Equal(size, proof.Length);
            Assert.Equal(size, RangeProof.Size(bits, count));
            Assert.Equal(first, Convert.ToHexString(proof));
            Assert.True(RangeProof.VerifyVarTime(generators, proof, commitments, bits, ProofSamples.NewTranscript()), name);
            Assert.False(RangeProof.VerifyVarTime(generators, proof, commitments, bits, new Transcript("another"u8)), name);
        }
    }

    [Fact]
    public void Proof_ThroughThePublicFace_HoldsForTheCommitmentsItReturns()
    {
        Scalar[] blindings = [Scalar.Random(), Scalar.Random()];
        Transcript proving = ProofSamples.NewTranscript(), verifying = ProofSamples.NewTranscript();
        byte[] proof = RangeProof.Prove([7, ulong.MaxValue], blindings, 64, proving, out CompressedPoint[] commitments);

        Assert.Equal(Pedersen.Commit(7, blindings[0]).Compress(), commitments[0]);
        Assert.Equal(Pedersen.Commit(ulong.MaxValue, blindings[1]).Compress(), commitments[1]);
        Assert.True(RangeProof.VerifyVarTime(proof, commitments, 64, verifying));
        // Both transcripts stand where the other stands: a protocol can go on with them.
        byte[] one = new byte[32], other = new byte[32];
        proving.ChallengeBytes("next"u8, one);
        verifying.ChallengeBytes("next"u8, other);
        Assert.Equal(one, other);
    }

    [Fact]
    public void Proof_SameStatementTwice_UsesOtherRandomNumbers()
    {
        byte[] Make() => RangeProof.Prove([7], [Scalar.One], 8, ProofSamples.NewTranscript(), out _);
        Assert.NotEqual(Make(), Make());
    }

    [Fact]
    public void Proof_CommitmentsThatAreTheIdentity_Hold()
    {
        // Padding of an aggregated proof: value 0, blinding 0.
        byte[] proof = RangeProof.Prove([9, 0], [Scalar.Random(), Scalar.Zero], 16, ProofSamples.NewTranscript(), out CompressedPoint[] commitments);
        Assert.True(commitments[1].IsIdentity);
        Assert.True(RangeProof.VerifyVarTime(proof, commitments, 16, ProofSamples.NewTranscript()));
    }

    [Fact]
    public void Verify_EveryByteChanged_False()
    {
        Assert.True(Verify(s_proof));
        for (int i = 0; i < s_proof.Length; i++)
        {
            byte[] changed = [.. s_proof];
            changed[i] ^= (byte)(1 << (i % 8));
            Assert.False(Verify(changed), $"byte {i}");
        }
    }

    [Fact]
    public void Verify_EveryLength_FalseButForItsOwn()
    {
        byte[] longer = [.. s_proof, .. new byte[64]];
        for (int size = 0; size <= longer.Length; size++) Assert.Equal(size == s_proof.Length, Verify(longer[..size]));
    }

    [Fact]
    public void Verify_AnyPartReplacedByWhatNoProofHas_False()
    {
        byte[][] odd =
        [
            new byte[32], // the identity, and the scalar 0
            EdwardsCurve.Encode(EdwardsCurve.L),
            EdwardsCurve.Encode(EdwardsCurve.P),
            [.. Enumerable.Repeat((byte)0xFF, 32)],
            RistrettoPoint.Generator.Compress().Bytes.ToArray(),
        ];
        for (int part = 0; part < s_proof.Length / 32; part++)
        {
            foreach (byte[] replacement in odd)
            {
                byte[] changed = [.. s_proof];
                replacement.CopyTo(changed, 32 * part);
                Assert.False(Verify(changed), $"part {part}");
            }
        }
    }

    [Fact]
    public void Verify_ScalarPlusTheOrder_False()
    {
        int[] scalars = [4, 5, 6, (s_proof.Length / 32) - 2, (s_proof.Length / 32) - 1];
        foreach (int part in scalars)
        {
            var value = new System.Numerics.BigInteger(s_proof.AsSpan(32 * part, 32), isUnsigned: true);
            byte[] changed = [.. s_proof];
            EdwardsCurve.Encode(value + EdwardsCurve.L).CopyTo(changed, 32 * part);
            Assert.False(Verify(changed));
        }
    }

    [Fact]
    public void Verify_AnyBytesAsProofAndCommitments_NeverThrows() =>
        Gen.Select(Gen.Byte.Array[480], Gen.Byte.Array[32], Gen.Bool).Sample((bytes, commitment, clean) =>
        {
            // Half of them pass the first checks: canonical scalars.
            if (clean)
                foreach (int part in new[] { 4, 5, 6, 13, 14 }) bytes[(32 * part) + 31] &= 0x0F;
            Assert.False(RangeProof.VerifyVarTime(bytes, [new CompressedPoint(commitment)], 8, ProofSamples.NewTranscript()));
        });

    [Fact]
    public void Verify_OtherCommitmentsOrderOrRange_False()
    {
        Assert.False(RangeProof.VerifyVarTime(s_proof, [s_commitments[1], s_commitments[0]], 8, ProofSamples.NewTranscript()));
        Assert.False(RangeProof.VerifyVarTime(s_proof, [s_commitments[0], s_commitments[0]], 8, ProofSamples.NewTranscript()));
        Assert.False(RangeProof.VerifyVarTime(s_proof, [s_commitments[0], new CompressedPoint([1, .. new byte[31]])], 8, ProofSamples.NewTranscript()));
        Assert.False(RangeProof.VerifyVarTime(s_proof, [s_commitments[0]], 16, ProofSamples.NewTranscript()));
        Assert.False(RangeProof.VerifyVarTime(s_proof, s_commitments, 16, ProofSamples.NewTranscript()));
    }

    [Fact]
    public void Verify_CommitmentToMoreThanTheRange_False()
    {
        // The prover's own arithmetic, told that 256 has eight bits.
        Scalar blinding = new(12345);
        byte[] proof = RangeProof.Prove([0], [blinding], 8, ProofSamples.NewTranscript(), out _);
        Assert.False(RangeProof.VerifyVarTime(proof, [Pedersen.Commit(256, blinding).Compress()], 8, ProofSamples.NewTranscript()));
    }

    [Fact]
    public void Caller_AsksForWhatThereIsNot_Throws()
    {
        foreach (int bits in new[] { -1, 0, 1, 7, 9, 63, 65, 128 })
        {
            Assert.Throws<ArgumentOutOfRangeException>(() => RangeProof.VerifyVarTime(s_proof, s_commitments, bits, ProofSamples.NewTranscript()));
            Assert.Throws<ArgumentOutOfRangeException>(() => RangeProof.Prove([1], [Scalar.One], bits, ProofSamples.NewTranscript(), out _));
            Assert.Throws<ArgumentOutOfRangeException>(() => RangeProof.Size(bits, 1));
        }

        foreach (int count in new[] { 0, 3, 5, 2048 })
        {
            Assert.Throws<ArgumentOutOfRangeException>(() => RangeProof.VerifyVarTime(s_proof, new CompressedPoint[count], 8, ProofSamples.NewTranscript()));
            Assert.Throws<ArgumentOutOfRangeException>(() => RangeProof.Prove(new ulong[count], new Scalar[count], 8, ProofSamples.NewTranscript(), out _));
        }

        Assert.Throws<ArgumentException>(() => RangeProof.Prove([1, 2], [Scalar.One], 8, ProofSamples.NewTranscript(), out _));
        Assert.Throws<ArgumentOutOfRangeException>(() => RangeProof.Prove([256], [Scalar.One], 8, ProofSamples.NewTranscript(), out _));
    }

    [Fact]
    public void Commitments_AddUp()
    {
        Scalar r = Scalar.Random(), s = Scalar.Random();
        Assert.True((Pedersen.Commit(5, r) + Pedersen.Commit(7, s)).FixedTimeEquals(Pedersen.Commit(12, r + s)));
        Assert.True((Pedersen.Commit(5, r) - (new Scalar(5) * Pedersen.B)).FixedTimeEquals(r * Pedersen.BBlinding));
        Assert.False(Pedersen.Commit(5, r).FixedTimeEquals(Pedersen.Commit(5, s)));
    }

    private static bool Verify(byte[] proof) => RangeProof.VerifyVarTime(proof, s_commitments, 8, ProofSamples.NewTranscript());
}
