using Overlay.Fuzzing.Engine;
using Overlay.Proofs;
using Overlay.Proofs.Claims;
using Overlay.Proofs.Encoding;
using Overlay.Proofs.Ledger;
using Overlay.Proofs.Merkle;
using Overlay.Proofs.Receipts;

namespace Overlay.Fuzzing.Targets;

/// <summary>Blocks as they travel, bodies of any content signed well, and fork proofs.</summary>
/// <remarks>Input: a byte for the kind, then a block (0), a body to be signed (1), or a fork proof (2).</remarks>
internal sealed class BlockTarget : FuzzTarget
{
    internal override string Name => "block";

    // A curve's arithmetic, for two signatures.
    internal override int FixedAllocation => 16 * 1024;

    internal override IEnumerable<byte[]> Seeds
    {
        get
        {
            LedgerBlock other = LedgerBlock.Seal(ClaimSamples.Block.Body with { Time = 1 }, FuzzKeys.OwnSigner);
            ForkProof.TryCreate(ClaimSamples.Block, other, out ForkProof? fork);
            return [[0, .. ClaimSamples.Block.Encode()], [1, .. ClaimSamples.Block.EncodedBody.Span], [2, .. fork!.Encode()]];
        }
    }

    internal override bool Run(ReadOnlySpan<byte> input, AllocationMeter meter)
    {
        var parts = new FuzzInput(input);
        switch (parts.TakeByte())
        {
            case 0:
                return RunBlock(parts.Rest, meter);
            case 1:
                byte[] signature = new byte[64];
                FuzzKeys.OwnSigner.Sign([.. "overlay/block/1\0"u8, .. parts.Rest], signature);
                return RunBlock(new CanonicalWriter(2).Write(parts.Rest).Write(signature).ToArray(), meter);
            default:
                meter.Start();
                bool proven = ForkProof.TryDecode(parts.Rest, out ForkProof? fork);
                meter.Stop();
                if (!proven) return false;
                Invariant.Same(parts.Rest, fork!.Encode(), "A fork proof has one encoding");
                Invariant.Holds(fork.First.Body.Author == fork.Second.Body.Author && fork.First.Body.Sequence == fork.Second.Body.Sequence && fork.First.Hash < fork.Second.Hash, "A fork is two blocks in one place.");
                return true;
        }
    }

    private static bool RunBlock(ReadOnlySpan<byte> encoded, AllocationMeter meter)
    {
        meter.Start();
        bool valid = LedgerBlock.TryDecode(encoded, out LedgerBlock? block);
        meter.Stop();
        if (!valid) return false;
        Invariant.Same(encoded, block!.Encode(), "A block has one encoding");
        Invariant.Same(block.EncodedBody.Span, block.Body.Encode(), "A block's body has one encoding");
        return true;
    }
}

/// <summary>Claims as files, and body and proofs of any content signed well by the provider.</summary>
/// <remarks>Input: a byte for the kind, then a claim (0), or a body as bin and proofs as bin (1).</remarks>
internal sealed class ClaimTarget : FuzzTarget
{
    internal override string Name => "claim";

    // The sums of two proofs over the bases of one value, and a batch of signatures.
    internal override int FixedAllocation => 256 * 1024;

    internal override IEnumerable<byte[]> Seeds
    {
        get
        {
            byte[] claim = ClaimSamples.Claim.Encode();
            // Without the head of the array and the signature, which has a head of two bytes.
            return [[0, .. claim], [1, .. claim.AsSpan(1, claim.Length - 1 - 66)]];
        }
    }

    internal override bool Run(ReadOnlySpan<byte> input, AllocationMeter meter)
    {
        var parts = new FuzzInput(input);
        if (parts.TakeByte() == 0) return Verify(parts.Rest, meter);
        var reader = new CanonicalReader([0x92, .. parts.Rest]);
        if (!reader.TryReadArrayHeader(2) || !reader.TryReadBytes(0, MaxSize, out ReadOnlySpan<byte> body) || !reader.TryReadBytes(0, MaxSize, out ReadOnlySpan<byte> proofs)) return false;
        byte[] signature = new byte[64];
        FuzzKeys.OwnSigner.Sign([.. "overlay/claim-signature/1\0"u8, .. Claim.ComputeId(body).Bytes, .. proofs], signature);
        return Verify(new CanonicalWriter(3).Write(body).Write(proofs).Write(signature).ToArray(), meter);
    }

    private static bool Verify(ReadOnlySpan<byte> claim, AllocationMeter meter)
    {
        meter.Start();
        ClaimVerdict verdict = ClaimVerifier.Verify(claim);
        meter.Stop();
        Invariant.Holds(verdict.IsValid == (verdict.Fault is null), "A verdict is valid, or says why not.");
        if (verdict.Claim is not { } decoded) return false;
        Invariant.Same(claim, decoded.Encode(), "A claim has one encoding");
        Invariant.Holds(!verdict.IsValid || decoded.Receipts.All(claimed => claimed.Receipt.HasValidSignatures()), "A valid claim's receipts are signed.");
        return verdict.IsValid;
    }
}

internal static class ClaimSamples
{
    private static readonly ReceiptOpening s_opening = new(1000, 2_000_000);
    private static readonly BlindingSeed s_seed = new(FuzzKeys.Seed(23));

    internal static Receipt Receipt { get; } = Receipt.Issue(
        ReceiptSamples.Body with
        {
            Commitment = ReceiptCommitment.Create(s_opening, s_seed, ReceiptSamples.Body.SessionId, ReceiptSamples.Body.Leg, ReceiptSamples.Body.Sequence),
        },
        FuzzKeys.PeerSigner).Countersign(FuzzKeys.OwnSigner);

    internal static LedgerBlock Block { get; } = LedgerBlock.Seal(
        new LedgerBlockBody
        {
            Author = FuzzKeys.OwnSigner.PublicKey,
            Sequence = 0,
            PreviousBlockHash = default,
            Epoch = 500_001,
            ReceiptsRoot = new MerkleTree([LedgerBlock.LeafHash(Receipt)]).Root,
            ReceiptCount = 1,
            Heads = [new LedgerHead(FuzzKeys.PeerSigner.PublicKey, 3, Receipt.Hash)],
            Time = 1_800_003_600,
        },
        FuzzKeys.OwnSigner);

    internal static Claim Claim { get; } = ClaimBuilder.Create(
        Receipt.Body.Epoch, [Block],
        [new ClaimLeg(new ClaimedReceipt(Receipt, 0, 0, []), s_opening.Total, s_seed.DeriveBlinding(Receipt.Body.SessionId, Receipt.Body.Leg, Receipt.Body.Sequence))],
        [ClaimStatement.ExactTotal(s_opening.Total), ClaimStatement.AtLeast(1)], [], FuzzKeys.OwnSigner);
}
