using System.Security.Cryptography;
using Overlay.Proofs.Group;
using Overlay.Proofs.Ledger;
using Overlay.Proofs.RangeProofs;
using Overlay.Proofs.Receipts;
using Overlay.Proofs.Transcripts;

namespace Overlay.Proofs.Claims;

/// <summary>A leg that is to be claimed: what the verifier will see, and what only the provider knows.</summary>
/// <param name="Claimed">The final receipt and its place in the claim's blocks.</param>
/// <param name="Amount">The leg's total in bytes, secret.</param>
/// <param name="Blinding">The blinding of the receipt's commitment, secret.</param>
public sealed record ClaimLeg(ClaimedReceipt Claimed, ulong Amount, Scalar Blinding)
{
    /// <summary>Names the receipt only, so that no log gets the secrets.</summary>
    public override string ToString() => $"Leg of receipt {Claimed.Receipt.Hash}";
}

/// <summary>Makes claims.</summary>
public static class ClaimBuilder
{
    /// <summary>Makes a claim and proves its statements.</summary>
    /// <param name="epoch">The epoch that every receipt is of. The caller keeps record of the epochs it has claimed (<see cref="ClaimRules.ObjectToEpoch"/>).</param>
    /// <param name="blocks">The provider's blocks, one after another.</param>
    /// <param name="legs">The legs in any order, 1 to <see cref="Claim.MaxReceiptCount"/>.</param>
    /// <param name="statements">One to three statements, each of another kind.</param>
    /// <param name="attestations">What witnesses have said, in any order.</param>
    /// <param name="provider">Signs as the provider.</param>
    /// <returns>The claim, which <see cref="ClaimVerifier"/> finds valid if the signatures in its receipts, blocks and attestations hold.</returns>
    /// <exception cref="ArgumentException">A verifier would refuse the claim; the message says why. Among others: a statement is not true, an amount and a blinding do not
    /// open a commitment, a receipt is of another epoch.</exception>
    /// <exception cref="OverflowException">The total does not fit in 64 bits.</exception>
    public static Claim Create(
        ulong epoch, IReadOnlyList<LedgerBlock> blocks, IReadOnlyList<ClaimLeg> legs, IReadOnlyList<ClaimStatement> statements, IReadOnlyList<Attestation> attestations,
        ISigner provider)
    {
        Span<byte> entropy = stackalloc byte[TranscriptRandom.EntropySize];
        RandomNumberGenerator.Fill(entropy);
        try
        {
            return Create(BulletproofGenerators.Default, epoch, blocks, legs, statements, attestations, provider, entropy);
        }
        finally
        {
            CryptographicOperations.ZeroMemory(entropy);
        }
    }

    internal static Claim Create(
        BulletproofGenerators generators, ulong epoch, IReadOnlyList<LedgerBlock> blocks, IReadOnlyList<ClaimLeg> legs, IReadOnlyList<ClaimStatement> statements,
        IReadOnlyList<Attestation> attestations, ISigner provider, ReadOnlySpan<byte> entropy)
    {
        ArgumentNullException.ThrowIfNull(blocks);
        ArgumentNullException.ThrowIfNull(legs);
        ArgumentNullException.ThrowIfNull(statements);
        ArgumentNullException.ThrowIfNull(attestations);
        ArgumentNullException.ThrowIfNull(provider);
        ClaimLeg[] ordered = [.. legs.Order(Comparer<ClaimLeg>.Create((one, other) => ClaimRules.CompareLegs(one.Claimed.Receipt, other.Claimed.Receipt)))];
        var body = new ClaimBody(
            provider.PublicKey, epoch, blocks, [.. ordered.Select(leg => leg.Claimed)], [.. statements.OrderBy(statement => statement.Kind)],
            [.. attestations.OrderBy(attestation => attestation.Body.Witness)]);
        if (ordered.Any(leg => leg.Claimed.Block < 0 || leg.Claimed.Block >= blocks.Count)) throw new ArgumentException("A receipt names a block that is not there.", nameof(legs));
        byte[] encoded = body.Encode();
        if (ClaimBody.Decode(encoded, out string? fault) is null || (fault = ClaimRules.FindFault(body)) is not null)
            throw new ArgumentException($"Nobody would take such a claim: {fault}.", nameof(legs));

        ulong[] amounts = GC.AllocateUninitializedArray<ulong>(ordered.Length, pinned: true);
        Scalar[] blindings = GC.AllocateUninitializedArray<Scalar>(ordered.Length, pinned: true);
        try
        {
            ulong total = 0;
            for (int i = 0; i < ordered.Length; i++)
            {
                (amounts[i], blindings[i]) = (ordered[i].Amount, ordered[i].Blinding);
                total = checked(total + amounts[i]);
                CompressedPoint commitment = generators.Pedersen.Compress(generators.Pedersen.Commit(new Scalar(amounts[i]), blindings[i]));
                if (!commitment.Bytes.SequenceEqual(ordered[i].Claimed.Receipt.Body.Commitment.Span))
                    throw new ArgumentException($"Amount and blinding do not open the commitment of receipt {ordered[i].Claimed.Receipt.Hash}.", nameof(legs));
            }

            foreach (ClaimStatement statement in body.Statements)
            {
                if ((statement.Kind == ClaimStatementKind.ExactTotal && statement.Value != total) || (statement.Kind == ClaimStatementKind.MinimumTotal && statement.Value > total))
                    throw new ArgumentException($"It is not true that {statement}.", nameof(statements));
            }

            Digest id = Claim.ComputeId(encoded);
            var prover = new ClaimProofs(generators);
            var proofs = new List<byte[]>();
            foreach (ClaimStatement statement in body.Statements) proofs.Add(prover.Prove(id, statement, amounts, blindings, entropy));
            return Claim.Sign(body, encoded, proofs, provider);
        }
        finally
        {
            amounts.AsSpan().Clear();
            Scalar.Clear(blindings);
        }
    }
}
