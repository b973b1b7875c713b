using Overlay.Counterparties;
using Overlay.Fuzzing.Engine;
using Overlay.Proofs.Encoding;
using Overlay.Proofs.Ledger;

namespace Overlay.Fuzzing.Targets;

/// <summary>Requests for blocks, and answers to them.</summary>
/// <remarks>Input: a byte for the kind, then a request (0), an answer to a request for the newest block (1) or for the first 64 (2), or the body of the only block of an answer, to be
/// signed (3).</remarks>
internal sealed class LedgerExchangeTarget : FuzzTarget
{
    internal override string Name => "ledger-exchange";

    // A curve's arithmetic, for as many signatures as fit into the input.
    internal override int FixedAllocation => 32 * 1024;

    private static LedgerRequest Newest { get; } = LedgerRequest.Newest(ClaimSamples.Block.Body.Author);

    private static LedgerRequest Run64 { get; } = new(ClaimSamples.Block.Body.Author, 0, 64);

    internal override IEnumerable<byte[]> Seeds
    {
        get
        {
            LedgerBlock next = LedgerBlock.Seal(
                ClaimSamples.Block.Body with { Sequence = ClaimSamples.Block.Body.Sequence + 1, PreviousBlockHash = ClaimSamples.Block.Hash }, FuzzKeys.OwnSigner);
            LedgerBlock other = LedgerBlock.Seal(ClaimSamples.Block.Body with { Time = 1 }, FuzzKeys.OwnSigner);
            ForkProof.TryCreate(ClaimSamples.Block, other, out ForkProof? fork);
            return
            [
                [0, .. Newest.Encode()], [0, .. Run64.Encode()], [1, .. new LedgerAnswer([ClaimSamples.Block], null).Encode()], [1, .. LedgerAnswer.Empty.Encode()],
                [1, .. new LedgerAnswer([], fork).Encode()], [2, .. new LedgerAnswer([ClaimSamples.Block, next], null).Encode()], [3, .. ClaimSamples.Block.EncodedBody.Span],
            ];
        }
    }

    internal override bool Run(ReadOnlySpan<byte> input, AllocationMeter meter)
    {
        var parts = new FuzzInput(input);
        switch (parts.TakeByte())
        {
            case 0:
                meter.Start();
                LedgerRequest? request = LedgerRequest.Decode(parts.Rest);
                meter.Stop();
                if (request is not { } asked) return false;
                Invariant.Same(parts.Rest, asked.Encode(), "A request has one encoding");
                Invariant.Holds(asked.Count is >= 0 and <= LedgerRequest.MaxCount, "A request is for a few blocks.");
                return true;
            case 1:
                return RunAnswer(parts.Rest, Newest, meter);
            case 2:
                return RunAnswer(parts.Rest, Run64, meter);
            default:
                byte[] signature = new byte[64];
                FuzzKeys.OwnSigner.Sign([.. "overlay/block/1\0"u8, .. parts.Rest], signature);
                byte[] block = new CanonicalWriter(2).Write(parts.Rest).Write(signature).ToArray();
                return RunAnswer(new CanonicalWriter(3).Write(1).WriteArray(1, blocks => blocks.Write(block)).Write([]).ToArray(), Newest, meter);
        }
    }

    private static bool RunAnswer(ReadOnlySpan<byte> encoded, LedgerRequest request, AllocationMeter meter)
    {
        meter.Start();
        LedgerAnswer? answer = LedgerAnswer.Decode(encoded, request);
        meter.Stop();
        if (answer is null) return false;
        Invariant.Same(encoded, answer.Encode(), "An answer that fits has one encoding");
        Invariant.Holds(answer.Blocks.All(block => block.Body.Author == request.Author), "Blocks are of the author who was asked for.");
        Invariant.Holds(answer.Fork is null || answer.Fork.Author == request.Author, "A proof is of the author who was asked for.");
        return true;
    }
}
