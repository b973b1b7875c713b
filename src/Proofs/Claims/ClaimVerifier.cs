using Overlay.Proofs.Crypto;
using Overlay.Proofs.Group;
using Overlay.Proofs.Ledger;
using Overlay.Proofs.RangeProofs;
using Overlay.Proofs.Receipts;

namespace Overlay.Proofs.Claims;

/// <summary>What <see cref="ClaimVerifier"/> found.</summary>
public sealed record ClaimVerdict
{
    internal ClaimVerdict(Claim? claim, string? fault)
    {
        Claim = claim;
        Fault = fault;
    }

    /// <summary>Whether nothing is wrong.</summary>
    public bool IsValid => Fault is null;

    /// <summary>The first thing wrong, in words; null of a valid claim.</summary>
    public string? Fault { get; }

    /// <summary>The claim as far as it could be read, valid or not; null when it is in no form of a claim.</summary>
    public Claim? Claim { get; }

    /// <summary>"valid", or "not valid, because …".</summary>
    public override string ToString() => Fault is null ? "valid" : $"not valid, because {Fault}";
}

/// <summary>Checks claims offline: with nothing but their bytes.</summary>
/// <remarks>
/// A valid claim proves that N keys signed for that total. It does not prove that the bytes were useful or that the N keys are N people. Allocates a small
/// multiple of the input. Safe on several threads. Source: docs/protocols/claims.md.
/// </remarks>
public static class ClaimVerifier
{
    /// <summary>Checks a claim.</summary>
    /// <param name="claim">The file's bytes, whatever they are.</param>
    /// <returns>A verdict. Nothing that a file can hold makes this throw.</returns>
    public static ClaimVerdict Verify(ReadOnlySpan<byte> claim) => Verify(claim, []);

    /// <summary>Checks a claim beside others that were made before it.</summary>
    /// <param name="claim">The file's bytes, whatever they are.</param>
    /// <param name="earlierClaims">Files of earlier claims. Of them, form and their provider's signature are checked, not their proofs.</param>
    /// <returns>A verdict. Nothing that a file can hold makes this throw.</returns>
    public static ClaimVerdict Verify(ReadOnlySpan<byte> claim, IReadOnlyList<ReadOnlyMemory<byte>> earlierClaims) =>
        Verify(BulletproofGenerators.Default, Ed25519Equation.Default, claim, earlierClaims);

    internal static ClaimVerdict Verify(
        BulletproofGenerators generators, Ed25519Equation equation, ReadOnlySpan<byte> bytes, IReadOnlyList<ReadOnlyMemory<byte>> earlierClaims)
    {
        ArgumentNullException.ThrowIfNull(earlierClaims);
        Claim? claim = Claim.Decode(bytes, out string? fault);
        if (claim is null) return new ClaimVerdict(null, fault);
        // First, so that nobody but the provider can make a verifier work for long.
        if (!claim.HasValidSignature()) return new ClaimVerdict(claim, "its provider has not signed it");
        return new ClaimVerdict(claim, ClaimRules.FindFault(claim.Body) ?? FindFaultBeside(claim, earlierClaims) ?? FindFalseSignature(claim, equation) ?? FindFalseProof(claim, generators));
    }

    private static string? FindFaultBeside(Claim claim, IReadOnlyList<ReadOnlyMemory<byte>> earlierClaims)
    {
        for (int i = 0; i < earlierClaims.Count; i++)
        {
            Claim? earlier = Claim.Decode(earlierClaims[i].Span, out string? fault);
            if (earlier is null) return $"earlier claim {i + 1} cannot be read: {fault}";
            if (!earlier.HasValidSignature()) return $"earlier claim {i + 1} cannot be used: its provider has not signed it";
            if (ClaimRules.FindOverlap(claim, earlier, i + 1) is { } overlap) return overlap;
        }

        return null;
    }

    private static string? FindFalseSignature(Claim claim, Ed25519Equation equation)
    {
        var batch = new Ed25519Batch(equation);
        foreach (LedgerBlock block in claim.Blocks) block.AddSignature(batch);
        foreach (ClaimedReceipt claimed in claim.Receipts) claimed.Receipt.AddSignatures(batch);
        foreach (Attestation attestation in claim.Attestations) attestation.AddSignature(batch);
        if (batch.VerifyVarTime()) return null;

        int first = batch.FindInvalidVarTime()[0], receipts = claim.Blocks.Count, attestations = receipts + (2 * claim.Receipts.Count);
        if (first < receipts) return $"the signature of block {claim.Blocks[first].Body.Sequence} does not hold";
        if (first >= attestations) return $"the signature of attestation {first - attestations} does not hold";
        string whose = (first - receipts) % 2 == 0 ? "consumer" : "provider";
        return $"the {whose}'s signature of receipt {(first - receipts) / 2} does not hold";
    }

    private static string? FindFalseProof(Claim claim, BulletproofGenerators generators)
    {
        var commitments = new CompressedPoint[claim.Receipts.Count];
        for (int i = 0; i < commitments.Length; i++) commitments[i] = new CompressedPoint(claim.Receipts[i].Receipt.Body.Commitment.Span);
        return new ClaimProofs(generators).FindFaultVarTime(claim.Id, claim.Statements, claim.Proofs, commitments);
    }
}
