using Overlay.Proofs.Ledger;
using Overlay.Proofs.Merkle;
using Overlay.TestKit.Proofs;

namespace Overlay.Proofs.Tests.Ledger;

/// <summary>One author's chain, block by block, by the rules.</summary>
internal sealed class BlockScript(int author = 1)
{
    private LedgerBlock? _last;

    internal SeedSigner Author { get; } = new(author);

    internal LedgerBlockBody DueBody(params LedgerHead[] heads) => DueBody(new MerkleTree([]), heads);

    internal LedgerBlockBody DueBody(MerkleTree receipts, params LedgerHead[] heads) => new()
    {
        Author = Author.PublicKey,
        Sequence = _last is null ? 0 : _last.Body.Sequence + 1,
        PreviousBlockHash = _last?.Hash ?? default,
        Epoch = 500_001,
        ReceiptsRoot = receipts.Root,
        ReceiptCount = (uint)receipts.Count,
        Heads = heads,
        Time = 1_800_003_600,
    };

    internal LedgerBlock Next(params LedgerHead[] heads) => Next(DueBody(heads));

    internal LedgerBlock Next(LedgerBlockBody body) => _last = LedgerBlock.Seal(body, Author);
}
