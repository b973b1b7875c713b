using System.Numerics;
using Overlay.Proofs.Group;
using Overlay.Proofs.RangeProofs;
using Overlay.Proofs.Transcripts;

namespace Overlay.Proofs.Claims;

/// <summary>Makes and checks the proofs of statements. Letters are those of docs/protocols/claims.md: C is the sum of all commitments, T the exact total, K and s the proof of it.</summary>
internal sealed class ClaimProofs(BulletproofGenerators generators)
{
    /// <summary>So many receipts share one proof of range. The proofs of a claim are checked as one sum, in which they share their bases; more would only need more of these.</summary>
    internal const int GroupCount = 64;

    private const int Bits = 64;
    private const int TotalProofSize = 64;

    private CurveBackend Backend => generators.Backend;

    /// <summary>Size of a statement's proof in bytes, in a claim of <paramref name="receiptCount"/>.</summary>
    internal static int Size(ClaimStatementKind kind, int receiptCount) => kind switch
    {
        ClaimStatementKind.ExactTotal => TotalProofSize,
        ClaimStatementKind.MinimumTotal => RangeProof.Size(Bits, 1),
        _ => (receiptCount / GroupCount * RangeProof.Size(Bits, GroupCount)) + (receiptCount % GroupCount == 0 ? 0 : RangeProof.Size(Bits, Padded(receiptCount % GroupCount))),
    };

    /// <summary>Proves a statement that is true. Constant time in amounts and blindings, as far as <see cref="RangeProof.Prove(ReadOnlySpan{ulong}, ReadOnlySpan{Scalar}, int, Transcript, out CompressedPoint[])"/> is.</summary>
    internal byte[] Prove(Digest claimId, ClaimStatement statement, ReadOnlySpan<ulong> amounts, ReadOnlySpan<Scalar> blindings, ReadOnlySpan<byte> entropy)
    {
        if (statement.Kind == ClaimStatementKind.AmountsInRange) return ProveRanges(claimId, amounts, blindings, entropy);
        Span<ulong> rest = stackalloc ulong[1];
        Span<Scalar> sum = stackalloc Scalar[2];
        sum.Clear();
        try
        {
            foreach (ulong amount in amounts)
            {
                rest[0] = checked(rest[0] + amount);
                sum[0] += new Scalar(amount);
            }

            foreach (ref readonly Scalar blinding in blindings) sum[1] += blinding;
            CompressedPoint C = generators.Pedersen.Compress(generators.Pedersen.Commit(sum[0], sum[1]));
            if (statement.Kind == ClaimStatementKind.ExactTotal) return ProveTotal(BeginTotal(claimId, statement.Value, amounts.Length, C), sum[1], entropy);
            rest[0] -= statement.Value;
            return RangeProof.Prove(generators, rest, sum[1..], Bits, BeginMinimum(claimId, statement.Value, amounts.Length, C), entropy, out _);
        }
        finally
        {
            rest.Clear();
            Scalar.Clear(sum);
        }
    }

    /// <summary>Checks the proofs of all statements.</summary>
    /// <param name="claimId">The claim's id.</param>
    /// <param name="statements">The statements.</param>
    /// <param name="proofs">As many proofs, each of the size that <see cref="Size"/> tells.</param>
    /// <param name="commitments">The receipts' commitments; none is the identity.</param>
    /// <returns>Null, or in words which is the first that does not hold.</returns>
    internal string? FindFaultVarTime(Digest claimId, IReadOnlyList<ClaimStatement> statements, IReadOnlyList<byte[]> proofs, ReadOnlySpan<CompressedPoint> commitments)
    {
        EdwardsPoint sum = EdwardsPoint.Identity;
        for (int i = 0; i < commitments.Length; i++)
        {
            if (Backend.DecodeRistretto(commitments[i].Bytes, out EdwardsPoint point) == 0 || commitments[i].IsIdentity) return $"the commitment of receipt {i} is no point";
            sum = Backend.Add(sum, point);
        }

        for (int i = 0; i < statements.Count; i++)
        {
            bool holds = statements[i].Kind switch
            {
                ClaimStatementKind.ExactTotal => TotalHolds(claimId, statements[i].Value, commitments.Length, sum, proofs[i]),
                ClaimStatementKind.MinimumTotal => MinimumHolds(claimId, statements[i].Value, commitments.Length, sum, proofs[i]),
                _ => RangesHold(claimId, commitments, proofs[i]),
            };
            if (!holds) return $"the proof that {statements[i]} does not hold";
        }

        return null;
    }

    private static int Padded(int count) => (int)BitOperations.RoundUpToPowerOf2((uint)count);

    private static Transcript Begin(ReadOnlySpan<byte> label, Digest claimId, int count)
    {
        var transcript = new Transcript(label);
        transcript.AppendMessage("claim"u8, claimId.Bytes);
        transcript.AppendUInt64("count"u8, (ulong)count);
        return transcript;
    }

    private static Transcript BeginTotal(Digest claimId, ulong total, int count, in CompressedPoint C)
    {
        Transcript transcript = Begin("overlay.claim.sum.v1"u8, claimId, count);
        transcript.AppendPoint("C"u8, C);
        transcript.AppendUInt64("total"u8, total);
        return transcript;
    }

    private static Transcript BeginMinimum(Digest claimId, ulong minimum, int count, in CompressedPoint C)
    {
        Transcript transcript = Begin("overlay.claim.min.v1"u8, claimId, count);
        transcript.AppendPoint("C"u8, C);
        transcript.AppendUInt64("min"u8, minimum);
        return transcript;
    }

    // K = k·B_blinding, s = k + c·Σr.
    private byte[] ProveTotal(Transcript transcript, in Scalar blinding, ReadOnlySpan<byte> entropy)
    {
        byte[] proof = new byte[TotalProofSize];
        Span<byte> witness = stackalloc byte[Scalar.Size];
        Span<Scalar> secrets = stackalloc Scalar[1];
        try
        {
            blinding.Encode(witness);
            using TranscriptRandom random = transcript.CreateRandom("blinding"u8, witness, entropy);
            secrets[0] = random.NextScalar();
            CompressedPoint K = generators.Pedersen.Compress(generators.Pedersen.Commit(Scalar.Zero, secrets[0]));
            transcript.AppendPoint("K"u8, K);
            K.Bytes.CopyTo(proof);
            (secrets[0] + (transcript.ChallengeScalar("c"u8) * blinding)).Encode(proof.AsSpan(CompressedPoint.Size));
            return proof;
        }
        finally
        {
            witness.Clear();
            Scalar.Clear(secrets);
        }
    }

    // s·B_blinding = K + c·(C - T·B).
    private bool TotalHolds(Digest claimId, ulong total, int count, in EdwardsPoint sum, ReadOnlySpan<byte> proof)
    {
        var compressed = new CompressedPoint(proof[..CompressedPoint.Size]);
        if (compressed.IsIdentity || Backend.DecodeRistretto(compressed.Bytes, out EdwardsPoint K) == 0 || !Scalar.TryDecode(proof[CompressedPoint.Size..], out Scalar s)) return false;
        Transcript transcript = BeginTotal(claimId, total, count, generators.Pedersen.Compress(sum));
        transcript.AppendPoint("K"u8, compressed);
        Scalar c = transcript.ChallengeScalar("c"u8);
        return Backend.MultiscalarMulVarTime(
            [], null, [s, -Scalar.One, -c, c * new Scalar(total)], [generators.Pedersen.BBlinding, K, sum, generators.Pedersen.B]).IsRistrettoIdentity();
    }

    private bool MinimumHolds(Digest claimId, ulong minimum, int count, in EdwardsPoint sum, ReadOnlySpan<byte> proof)
    {
        EdwardsPoint rest = Backend.Subtract(sum, Backend.MultiscalarMulVarTime([], null, [new Scalar(minimum)], [generators.Pedersen.B]));
        return RangeProof.VerifyVarTime(
            generators, proof, [generators.Pedersen.Compress(rest)], Bits, BeginMinimum(claimId, minimum, count, generators.Pedersen.Compress(sum)));
    }

    private byte[] ProveRanges(Digest claimId, ReadOnlySpan<ulong> amounts, ReadOnlySpan<Scalar> blindings, ReadOnlySpan<byte> entropy)
    {
        byte[] all = new byte[Size(ClaimStatementKind.AmountsInRange, amounts.Length)];
        ulong[] values = GC.AllocateArray<ulong>(GroupCount, pinned: true);
        Scalar[] padded = GC.AllocateArray<Scalar>(GroupCount, pinned: true);
        try
        {
            int at = 0;
            for (int begin = 0; begin < amounts.Length; begin += GroupCount)
            {
                int count = Math.Min(GroupCount, amounts.Length - begin), m = Padded(count);
                values.AsSpan().Clear();
                padded.AsSpan().Clear();
                amounts.Slice(begin, count).CopyTo(values);
                blindings.Slice(begin, count).CopyTo(padded);
                byte[] proof = RangeProof.Prove(
                    generators, values.AsSpan(0, m), padded.AsSpan(0, m), Bits, Begin("overlay.claim.range.v1"u8, claimId, count), entropy, out _);
                proof.CopyTo(all, at);
                at += proof.Length;
            }

            return all;
        }
        finally
        {
            values.AsSpan().Clear();
            Scalar.Clear(padded);
        }
    }

    private bool RangesHold(Digest claimId, ReadOnlySpan<CompressedPoint> commitments, ReadOnlySpan<byte> proofs)
    {
        var batch = new RangeProofBatch(generators);
        Span<CompressedPoint> padded = stackalloc CompressedPoint[GroupCount];
        for (int begin = 0; begin < commitments.Length; begin += GroupCount)
        {
            int count = Math.Min(GroupCount, commitments.Length - begin), m = Padded(count), size = RangeProof.Size(Bits, m);
            padded.Clear();
            commitments.Slice(begin, count).CopyTo(padded);
            if (!batch.Add(proofs[..size], padded[..m], Bits, Begin("overlay.claim.range.v1"u8, claimId, count))) return false;
            proofs = proofs[size..];
        }

        return batch.VerifyVarTime();
    }
}
