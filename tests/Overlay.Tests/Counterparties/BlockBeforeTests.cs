using CsCheck;
using Overlay.Counterparties;
using Overlay.Proofs;
using Overlay.Proofs.Ledger;
using Overlay.TestKit.Proofs;

namespace Overlay.Tests.Counterparties;

public sealed class BlockBeforeTests
{
    [Fact]
    public void Find_AnyChain_IsTheNewestBlockBeforeTheEpochInFewQuestions() =>
        Gen.Select(Gen.Int[0, 3].Array[0, 30], Gen.ULong[0, 60]).Sample((steps, epoch) =>
    {
        List<LedgerBlock> chain = Chain(steps);
        Assert.Equal(chain.LastOrDefault(block => block.Body.Epoch < epoch)?.Hash ?? default, Find(chain, epoch, out int asked));
        Assert.InRange(asked, 0, 6);
    }, iter: 40);

    [Fact]
    public void Find_AGapThatHidesIt_IsNone()
    {
        List<LedgerBlock> chain = Chain([1, 1, 1, 1, 1]);
        Assert.Equal(default, Find([chain[0], .. chain[3..]], 3, out _));
    }

    [Fact]
    public async Task Find_InTheOwnLedger_IsTheSame()
    {
        await using var store = new InMemoryLedgerStore();
        CancellationToken token = TestContext.Current.CancellationToken;
        Assert.Equal(default, await BlockBefore.FindAsync(store, 5, token));
        List<LedgerBlock> chain = Chain([1, 0, 2, 1]);
        await store.AdoptBlocksAsync(chain, token);
        for (ulong epoch = 0; epoch < 6; epoch++) Assert.Equal(Find(chain, epoch, out _), await BlockBefore.FindAsync(store, epoch, token));
    }

    private static Digest Find(List<LedgerBlock> chain, ulong epoch, out int asked)
    {
        int count = 0;
        Task<Digest> found = BlockBefore.FindAsync(() => ValueTask.FromResult(chain.LastOrDefault()), place =>
        {
            count++;
            return ValueTask.FromResult(chain.FirstOrDefault(block => block.Body.Sequence == place));
        }, epoch).AsTask();
        Assert.True(found.IsCompletedSuccessfully);
        asked = count;
        return found.Result;
    }

    private static List<LedgerBlock> Chain(int[] steps)
    {
        var author = new SeedSigner(1);
        var chain = new List<LedgerBlock>();
        ulong epoch = 0;
        foreach (int step in steps)
        {
            epoch += (ulong)step;
            LedgerBlock next = ChainScript.Make(author, 1, from: chain.LastOrDefault())[0];
            chain.Add(LedgerBlock.Seal(next.Body with { Epoch = epoch, Time = epoch * 3600 }, author));
        }

        return chain;
    }
}
