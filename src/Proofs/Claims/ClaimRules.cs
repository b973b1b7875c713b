using Overlay.Proofs.Ledger;
using Overlay.Proofs.Merkle;
using Overlay.Proofs.Receipts;

namespace Overlay.Proofs.Claims;

/// <summary>What a claim must be like, apart from signatures and proofs. Pure functions; each answers null, or in words what is wrong.</summary>
public static class ClaimRules
{
    /// <summary>Whether a provider may make a claim for an epoch, given those for which it has made one. Two claims that overlap would give away single amounts.</summary>
    /// <param name="claimedEpochs">The epochs of all claims made so far.</param>
    /// <param name="epoch">The epoch that is to be claimed.</param>
    public static string? ObjectToEpoch(IEnumerable<ulong> claimedEpochs, ulong epoch)
    {
        ArgumentNullException.ThrowIfNull(claimedEpochs);
        return claimedEpochs.Contains(epoch) ? $"epoch {epoch} has been claimed already" : null;
    }

    internal static string? FindFault(ClaimBody body)
    {
        foreach (LedgerBlock block in body.Blocks)
            if (block.Body.Author != body.Provider) return $"block {block.Body.Sequence} is not by the claim's provider";
        return LedgerChain.FindFault(null, body.Blocks) ?? FindFaultInReceipts(body) ?? FindFaultInAttestations(body);
    }

    /// <summary>Whether <paramref name="earlier"/> and <paramref name="claim"/> can stand beside each other.</summary>
    internal static string? FindOverlap(Claim claim, Claim earlier, int number)
    {
        if (earlier.Provider != claim.Provider) return null;
        if (earlier.Epoch == claim.Epoch) return $"earlier claim {number} is for the same provider and epoch";
        var legs = earlier.Receipts.Select(claimed => (claimed.Receipt.Body.SessionId, claimed.Receipt.Body.Leg)).ToHashSet();
        for (int i = 0; i < claim.Receipts.Count; i++)
        {
            ReceiptBody receipt = claim.Receipts[i].Receipt.Body;
            if (legs.Contains((receipt.SessionId, receipt.Leg))) return $"the leg of receipt {i} stands in earlier claim {number} too";
        }

        return null;
    }

    private static string? FindFaultInReceipts(ClaimBody claim)
    {
        for (int i = 0; i < claim.Receipts.Count; i++)
        {
            if (ObjectTo(claim, claim.Receipts[i]) is { } objection) return $"receipt {i} {objection}";
            if (i == 0) continue;
            int order = CompareLegs(claim.Receipts[i - 1].Receipt, claim.Receipts[i].Receipt);
            if (order == 0) return $"receipt {i} is of the same leg as the one before it";
            if (order > 0) return $"receipt {i} is not in the order of sessions and legs";
        }

        return null;
    }

    internal static int CompareLegs(Receipt one, Receipt other)
    {
        int order = one.Body.SessionId.CompareTo(other.Body.SessionId);
        return order != 0 ? order : one.Body.Leg.CompareTo(other.Body.Leg);
    }

    private static string? ObjectTo(ClaimBody claim, ClaimedReceipt claimed)
    {
        ReceiptBody body = claimed.Receipt.Body;
        if (body.Provider != claim.Provider) return "names another provider";
        if (body.Consumer == claim.Provider) return "has the provider itself for its consumer";
        if (body.Epoch != claim.Epoch) return $"is of epoch {body.Epoch}, the claim of {claim.Epoch}";
        if (!body.Final) return "is not its leg's final one";
        if (!claimed.Receipt.IsCountersigned) return "is not signed by the provider";
        if (!ReceiptCommitment.IsHidden(body.Commitment.Span)) return "has a plain total instead of a commitment";
        LedgerBlockBody block = claim.Blocks[claimed.Block].Body;
        Digest[] path = [.. claimed.Path];
        return MerkleTree.VerifyInclusion(LedgerBlock.LeafHash(claimed.Receipt), claimed.Leaf, block.ReceiptCount, path, block.ReceiptsRoot)
            ? null : $"is not in block {block.Sequence} where it says it is";
    }

    private static string? FindFaultInAttestations(ClaimBody claim)
    {
        for (int i = 0; i < claim.Attestations.Count; i++)
        {
            AttestationBody body = claim.Attestations[i].Body;
            if (body.Provider != claim.Provider) return $"attestation {i} is of another provider";
            if (body.Epoch != claim.Epoch) return $"attestation {i} is of epoch {body.Epoch}, the claim of {claim.Epoch}";
            if (body.Witness == claim.Provider) return $"attestation {i} is the provider's own";
            if (i > 0 && claim.Attestations[i - 1].Body.Witness >= body.Witness) return $"attestation {i} is not in the order of witnesses";
        }

        return null;
    }
}
