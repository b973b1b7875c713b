using System.Text;
using Overlay.Proofs.Group;
using Overlay.Proofs.RangeProofs;
using Overlay.Proofs.Transcripts;

namespace Overlay.Conformance.Tests.Proofs;

public sealed class RangeProofVectorTests
{
    public static TheoryData<string> Backends { get; } = [.. CurveBackend.All.Select(backend => backend.Name)];

    [Theory]
    [MemberData(nameof(Backends))]
    public void BulletproofsCrate_ItsProofs_HoldAndChangedOnesDoNot(string backendName)
    {
        CurveBackend backend = CurveBackend.All.Single(candidate => candidate.Name == backendName);
        var generators = new BulletproofGenerators(backend, new PedersenGenerators(backend));
        var batch = new RangeProofBatch(generators);
        CompressedPoint[] commitments = [.. BulletproofsCrateProofs.Commitments.Select(hex => new CompressedPoint(Convert.FromHexString(hex)))];
        foreach ((int bits, int count, string hex) in BulletproofsCrateProofs.Proofs)
        {
            byte[] proof = Convert.FromHexString(hex);
            Span<CompressedPoint> own = commitments.AsSpan(0, count);
            Assert.True(RangeProof.VerifyVarTime(generators, proof, own, bits, NewTranscript()), $"{bits} bits, {count} commitments");
            Assert.True(batch.Add(proof, own, bits, NewTranscript()));

            proof[(bits * 7) % proof.Length] ^= 1;
            Assert.False(RangeProof.VerifyVarTime(generators, proof, own, bits, NewTranscript()));
        }

        Assert.True(batch.VerifyVarTime());
    }

    private static Transcript NewTranscript() => new(Encoding.ASCII.GetBytes(BulletproofsCrateProofs.Label));
}
