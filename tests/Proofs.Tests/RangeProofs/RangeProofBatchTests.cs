using Overlay.Proofs.Group;
using Overlay.Proofs.RangeProofs;
using Overlay.Proofs.Transcripts;

namespace Overlay.Proofs.Tests.RangeProofs;

public sealed class RangeProofBatchTests
{
    [Fact]
    public void Batch_ProofsOfManySizes_HoldTogetherWithEveryBackend()
    {
        foreach ((string name, BulletproofGenerators generators) in ProofSamples.Generators)
        {
            var batch = new RangeProofBatch(generators);
            Assert.True(batch.VerifyVarTime());
            foreach ((int bits, int count) in new[] { (8, 1), (64, 1), (16, 4), (32, 2), (8, 1) })
            {
                byte[] proof = ProofSamples.Prove(generators, bits, count, out CompressedPoint[] commitments);
                Assert.True(batch.Add(proof, commitments, bits, ProofSamples.NewTranscript()));
            }

            Assert.Equal(5, batch.Count);
            Assert.True(batch.VerifyVarTime(), name);
        }
    }

    [Fact]
    public void Batch_OneFalseProof_DoesNotHold()
    {
        byte[] proof = ProofSamples.Prove(BulletproofGenerators.Default, 8, 1, out CompressedPoint[] commitments);
        for (int wrong = 0; wrong < 3; wrong++)
        {
            var batch = new RangeProofBatch();
            for (int i = 0; i < 3; i++) Assert.True(batch.Add(proof, commitments, 8, i == wrong ? new Transcript("another"u8) : ProofSamples.NewTranscript()));
            Assert.False(batch.VerifyVarTime());
        }
    }

    [Fact]
    public void Batch_MalformedProof_IsToldAtOnceAndDoesNotHold()
    {
        byte[] proof = ProofSamples.Prove(BulletproofGenerators.Default, 8, 1, out CompressedPoint[] commitments);
        var batch = new RangeProofBatch();
        Assert.True(batch.Add(proof, commitments, 8, ProofSamples.NewTranscript()));
        Assert.False(batch.Add(proof.AsSpan(1), commitments, 8, ProofSamples.NewTranscript()));
        Assert.True(batch.Add(proof, commitments, 8, ProofSamples.NewTranscript()));
        Assert.Equal(3, batch.Count);
        Assert.False(batch.VerifyVarTime());
        Assert.Throws<ArgumentOutOfRangeException>(() => batch.Add(proof, commitments, 9, ProofSamples.NewTranscript()));
    }
}
