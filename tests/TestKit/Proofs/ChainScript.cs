using System.Security.Cryptography;
using Overlay.Proofs;
using Overlay.Proofs.Ledger;

namespace Overlay.TestKit.Proofs;

/// <summary>Blocks of some peer's chain of which nothing more is known than that they are signed and hang together.</summary>
public static class ChainScript
{
    /// <param name="author">Number of the author's key.</param>
    /// <param name="count">How many.</param>
    /// <param name="salt">Another one makes other blocks.</param>
    /// <param name="from">The block that the first is to follow; null to begin with sequence 0.</param>
    /// <param name="time">Of all of them; by default that of the block before.</param>
    /// <param name="heads">What each names.</param>
    public static List<LedgerBlock> Make(int author, int count, int salt = 0, LedgerBlock? from = null, ulong? time = null, params LedgerHead[] heads) =>
        Make(new SeedSigner(author), count, salt, from, time, heads);

    /// <summary>The same by a signer.</summary>
    public static List<LedgerBlock> Make(ISigner author, int count, int salt = 0, LedgerBlock? from = null, ulong? time = null, params LedgerHead[] heads)
    {
        var blocks = new List<LedgerBlock>();
        for (int i = 0; i < count; i++)
        {
            LedgerBlock? previous = i == 0 ? from : blocks[^1];
            blocks.Add(LedgerBlock.Seal(
                new LedgerBlockBody
                {
                    Author = author.PublicKey,
                    Sequence = previous is null ? 0 : previous.Body.Sequence + 1,
                    PreviousBlockHash = previous?.Hash ?? default,
                    Epoch = previous?.Body.Epoch ?? 400_001,
                    ReceiptsRoot = new Digest(SHA256.HashData(BitConverter.GetBytes(salt))),
                    ReceiptCount = 1,
                    Heads = [.. heads.OrderBy(head => head.Author)],
                    Time = time ?? previous?.Body.Time ?? 1_440_003_600,
                },
                author));
        }

        return blocks;
    }
}
