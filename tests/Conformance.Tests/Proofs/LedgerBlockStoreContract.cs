using System.Security.Cryptography;
using Overlay.Proofs;
using Overlay.Proofs.Ledger;
using Overlay.Proofs.Merkle;
using Overlay.TestKit.Proofs;

namespace Overlay.Conformance.Tests.Proofs;

/// <summary>What every ledger store keeps to with blocks and the heads of other chains.</summary>
public abstract class LedgerBlockStoreContract : IAsyncLifetime
{
    protected ILedgerStore Store { get; private set; } = null!;

    protected static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    protected abstract Task<ILedgerStore> OpenAsync();

    public async ValueTask InitializeAsync() => Store = await OpenAsync();

    public virtual async ValueTask DisposeAsync()
    {
        await Store.DisposeAsync();
        GC.SuppressFinalize(this);
    }

    [Fact]
    public async Task FindUnsealed_OnlyFinalWithBothSignatures_InOrderUpToTheLimit()
    {
        Assert.Empty(await Store.FindUnsealedAsync(10, Cancellation));
        var first = new SessionScript(1, LedgerRole.Provider);
        var second = new SessionScript(2, LedgerRole.Consumer);
        await Store.SaveSessionAsync(first.Record, Cancellation);
        await Store.SaveSessionAsync(second.Record, Cancellation);
        await Store.SaveReceiptAsync(first.Next(), first.Record, Cancellation);
        ReceiptEntry half = second.Next(final: true, countersigned: false);
        await Store.SaveReceiptAsync(half, second.Record, Cancellation);
        Assert.Empty(await Store.FindUnsealedAsync(10, Cancellation));

        ReceiptEntry one = first.Next(final: true);
        await Store.SaveReceiptAsync(one, first.Record, Cancellation);
        ReceiptEntry whole = half with { Receipt = half.Receipt.Countersign(second.Provider) };
        await Store.SaveReceiptAsync(whole, second.Record, Cancellation);
        await Store.SaveReceiptAsync(whole, second.Record, Cancellation);

        // The half signed one was stored first.
        Same([whole, one], await Store.FindUnsealedAsync(10, Cancellation));
        Same([whole], await Store.FindUnsealedAsync(1, Cancellation));
        Assert.Empty(await Store.FindUnsealedAsync(0, Cancellation));
    }

    [Fact]
    public async Task SaveBlock_Chain_IsKeptWithWhatStandsInIt()
    {
        List<ReceiptEntry> legs = await FinishAsync(1, 5);
        Assert.Null(await Store.FindLatestBlockAsync(Cancellation));
        LedgerBlock first = Block(null, legs[3], legs[0]), second = Block(first, legs[1]);
        await Store.SaveBlockAsync(first, [legs[3], legs[0]], Cancellation);
        Same([legs[1], legs[2], legs[4]], await Store.FindUnsealedAsync(10, Cancellation));
        await Store.SaveBlockAsync(second, [legs[1]], Cancellation);

        Assert.Equal(second.Hash, (await Store.FindLatestBlockAsync(Cancellation))!.Hash);
        List<LedgerBlock> blocks = await Store.ReadBlocksAsync(0, Cancellation).ToListAsync(Cancellation);
        Assert.Equal([(0, first.Hash, default), (1, second.Hash, first.Hash)], blocks.Select(block => (block.Body.Sequence, block.Hash, block.Body.PreviousBlockHash)));
        Assert.Equal(first.Encode(), blocks[0].Encode());
        Assert.Equal(1, await Store.ReadBlocksAsync(1, Cancellation).CountAsync(Cancellation));
        Assert.Equal(0, await Store.ReadBlocksAsync(ulong.MaxValue, Cancellation).CountAsync(Cancellation));
        Same([legs[3], legs[0]], await Store.FindSealedAsync(0, Cancellation));
        Same([legs[1]], await Store.FindSealedAsync(1, Cancellation));
        Assert.Empty(await Store.FindSealedAsync(2, Cancellation));
        Assert.Equal(new BlockPlace(0, 1), await PlaceAsync(legs[0]));
        Assert.Equal(new BlockPlace(1, 0), await PlaceAsync(legs[1]));
        Assert.Null(await PlaceAsync(legs[2]));
        Assert.Null((await LedgerVerifier.VerifyAsync(Store, Cancellation)).FirstFault);
    }

    [Fact]
    public async Task SaveBlock_OutOfPlaceOrWithWhatMayNotStandInIt_RefusedWhole()
    {
        List<ReceiptEntry> legs = await FinishAsync(1, 3);
        var open = new SessionScript(50, LedgerRole.Provider);
        await Store.SaveSessionAsync(open.Record, Cancellation);
        ReceiptEntry unfinished = open.Next();
        await Store.SaveReceiptAsync(unfinished, open.Record, Cancellation);
        ReceiptEntry unknown = new SessionScript(51, LedgerRole.Provider).Next(final: true);

        LedgerBlock first = Block(null, legs[0]);
        await RefusedAsync(Block(first, legs[0]), legs[0]);
        await RefusedAsync(Block(null, legs[0], unknown), legs[0], unknown);
        await RefusedAsync(Block(null, legs[0], unfinished), legs[0], unfinished);
        await RefusedAsync(Block(null, legs[0], legs[0]), legs[0], legs[0]);
        await Store.SaveBlockAsync(first, [legs[0]], Cancellation);
        await RefusedAsync(first, legs[0]);
        await RefusedAsync(Block(null, legs[1]), legs[1]);
        await RefusedAsync(Block(Block(null, legs[2]), legs[1]), legs[1]);
        await RefusedAsync(Block(first, legs[1], legs[0]), legs[1], legs[0]);
        await RefusedAsync(Block(first, [legs[1]], author: 9), legs[1]);
        await Assert.ThrowsAsync<ArgumentException>(async () => await Store.SaveBlockAsync(Block(first), [], Cancellation));
        await Assert.ThrowsAsync<ArgumentException>(async () => await Store.SaveBlockAsync(Block(first, legs[1]), [legs[2]], Cancellation));

        Same([legs[1], legs[2]], await Store.FindUnsealedAsync(10, Cancellation));
        Assert.Equal(1, await Store.ReadBlocksAsync(0, Cancellation).CountAsync(Cancellation));
    }

    [Fact]
    public async Task SavePeerBlock_HigherLowerAndAgain_KeepsTheHighestEight()
    {
        List<LedgerBlock> chain = ChainScript.Make(7, 12), other = ChainScript.Make(8, 1);
        Assert.Empty(await Store.FindPeerBlocksAsync(chain[0].Body.Author, Cancellation));
        foreach (int i in (int[])[3, 9, 1, 2, 4, 5, 6, 7, 8, 11]) await Store.SavePeerBlockAsync(chain[i], Cancellation);
        Assert.Equal([3, 4, 5, 6, 7, 8, 9, 11], (await Store.FindPeerBlocksAsync(chain[0].Body.Author, Cancellation)).Select(block => (int)block.Body.Sequence));
        await Store.SavePeerBlockAsync(other[0], Cancellation);
        Assert.Equal([other[0].Head, chain[11].Head], await Store.FindHeadsAsync(10, Cancellation));

        // One that is kept, or too low to be, is news of its chain all the same.
        await Store.SavePeerBlockAsync(chain[0], Cancellation);
        Assert.Equal([chain[11].Head], await Store.FindHeadsAsync(1, Cancellation));
        IReadOnlyList<LedgerBlock> kept = await Store.FindPeerBlocksAsync(chain[0].Body.Author, Cancellation);
        Assert.Equal([3, 4, 5, 6, 7, 8, 9, 11], kept.Select(block => (int)block.Body.Sequence));
        Assert.Equal(chain[11].Encode(), kept[^1].Encode());
        Assert.Empty(await Store.ReadBlocksAsync(0, Cancellation).ToListAsync(Cancellation));
    }

    [Fact]
    public async Task SavePeerBlock_AnotherInItsPlace_IsRefusedAndTheFirstStays()
    {
        List<LedgerBlock> chain = ChainScript.Make(7, 3), fork = ChainScript.Make(7, 3, salt: 1);
        await Store.SavePeerBlockAsync(chain[1], Cancellation);
        LedgerException e = await Assert.ThrowsAsync<LedgerException>(async () => await Store.SavePeerBlockAsync(fork[1], Cancellation));
        Assert.Equal(LedgerError.Contradiction, e.Reason);
        Assert.Equal([chain[1].Head], await Store.FindHeadsAsync(10, Cancellation));
    }

    [Fact]
    public async Task SavePeerBlock_MoreChainsThanTheLimit_LetsTheOneHeardOfLongestAgoGo()
    {
        LedgerBlock[] blocks = [.. Enumerable.Range(1, 1024 + 3).Select(i => ChainScript.Make(i, 1)[0])];
        await Task.WhenAll(blocks.Select(block => Store.SavePeerBlockAsync(block, Cancellation).AsTask()));
        IReadOnlyList<LedgerHead> heads = await Store.FindHeadsAsync(int.MaxValue, Cancellation);
        Assert.Equal(1024, heads.Count);
        Assert.Equal(blocks[^1].Head, heads[0]);
        Assert.Equal(blocks[3].Head, heads[^1]);
    }

    [Fact]
    public async Task SaveForkProof_TwoOfOneAuthorAndMoreThanTheLimit_KeepsTheFirstOfEachAndRemembersWhoseProofIsGone()
    {
        ForkProof first = Fork(1, 0), again = Fork(1, 1);
        Assert.Null(await Store.FindForkProofAsync(first.Author, Cancellation));
        Assert.False(await Store.HasForkedAsync(first.Author, Cancellation));
        await Store.SaveForkProofAsync(first, Cancellation);
        await Store.SaveForkProofAsync(again, Cancellation);
        Assert.Equal(first.Encode(), (await Store.FindForkProofAsync(first.Author, Cancellation))!.Encode());

        await Task.WhenAll(Enumerable.Range(2, 1024).Select(i => Store.SaveForkProofAsync(Fork(i, 0), Cancellation).AsTask()));
        IReadOnlyList<ForkProof> proofs = await Store.FindForkProofsAsync(Cancellation);
        Assert.Equal(1024, proofs.Count);
        Assert.Equal(new SeedSigner(2).PublicKey, proofs[0].Author);
        Assert.Null(await Store.FindForkProofAsync(first.Author, Cancellation));
        Assert.True(await Store.HasForkedAsync(first.Author, Cancellation));
        Assert.True(await Store.HasForkedAsync(proofs[^1].Author, Cancellation));
    }

    [Fact]
    public async Task AdoptBlocks_LostOnes_TheChainGoesOnBehindThem()
    {
        List<ReceiptEntry> legs = await FinishAsync(1, 3);
        LedgerBlock first = Block(null, legs[0]);
        await Store.SaveBlockAsync(first, [legs[0]], Cancellation);
        List<LedgerBlock> lost = ChainScript.Make(1, 5, from: first);

        // Two that came next are gone for good; those behind them are known.
        await Store.AdoptBlocksAsync(lost[2..], Cancellation);
        Assert.Equal(lost[^1].Hash, (await Store.FindLatestBlockAsync(Cancellation))!.Hash);
        Assert.Equal([0, 3, 4, 5], await Store.ReadBlocksAsync(0, Cancellation).Select(block => (int)block.Body.Sequence).ToListAsync(Cancellation));
        Assert.False(await Store.IsAdoptedAsync(0, Cancellation));
        Assert.False(await Store.IsAdoptedAsync(2, Cancellation));
        Assert.True(await Store.IsAdoptedAsync(3, Cancellation));
        Assert.Empty(await Store.FindSealedAsync(3, Cancellation));

        LedgerBlock next = Block(lost[^1], legs[1]);
        await RefusedAsync(Block(first, legs[1]), legs[1]);
        await Store.SaveBlockAsync(next, [legs[1]], Cancellation);
        Same([legs[1]], await Store.FindSealedAsync(6, Cancellation));
        Assert.Equal(new BlockPlace(6, 0), await PlaceAsync(legs[1]));
        Assert.Null((await LedgerVerifier.VerifyAsync(Store, Cancellation)).FirstFault);
    }

    [Fact]
    public async Task AdoptBlocks_ThatContradict_RefusedWhole()
    {
        List<ReceiptEntry> legs = await FinishAsync(1, 2);
        LedgerBlock first = Block(null, legs[0]), second = Block(first, legs[1]);
        await Store.SaveBlockAsync(first, [legs[0]], Cancellation);
        await Store.SaveBlockAsync(second, [legs[1]], Cancellation);
        await Assert.ThrowsAsync<ArgumentException>(async () => await Store.AdoptBlocksAsync([], Cancellation));
        foreach (List<LedgerBlock> wrong in (List<LedgerBlock>[])[
            ChainScript.Make(1, 1, from: first), // kept already
            ChainScript.Make(9, 3)[2..], // another author
            ChainScript.Make(1, 1, from: Block(first, legs[0])), // not behind the newest
            [.. ChainScript.Make(1, 1, from: second), ChainScript.Make(1, 3, from: second)[2]], // a hole in its middle
            ChainScript.Make(1, 1, from: second, time: 1),
        ])
        {
            LedgerException e = await Assert.ThrowsAsync<LedgerException>(async () => await Store.AdoptBlocksAsync(wrong, Cancellation));
            Assert.Equal(LedgerError.Contradiction, e.Reason);
        }

        Assert.Equal(2, await Store.ReadBlocksAsync(0, Cancellation).CountAsync(Cancellation));
    }

    private static ForkProof Fork(int author, int salt)
    {
        Assert.True(ForkProof.TryCreate(ChainScript.Make(author, 1, salt: salt)[0], ChainScript.Make(author, 1, salt: salt + 1)[0], out ForkProof? proof));
        return proof;
    }

    private async Task<List<ReceiptEntry>> FinishAsync(int number, int legs)
    {
        var script = new SessionScript(number, LedgerRole.Provider);
        await Store.SaveSessionAsync(script.Record, Cancellation);
        var finished = new List<ReceiptEntry>();
        for (int i = 0; i < legs; i++)
        {
            await Store.SaveReceiptAsync(script.Next(), script.Record, Cancellation);
            finished.Add(script.Next(final: true));
            await Store.SaveReceiptAsync(finished[^1], script.Record, Cancellation);
        }

        return finished;
    }

    private async Task RefusedAsync(LedgerBlock block, params ReceiptEntry[] receipts)
    {
        LedgerException e = await Assert.ThrowsAsync<LedgerException>(async () => await Store.SaveBlockAsync(block, receipts, Cancellation));
        Assert.Equal(LedgerError.Contradiction, e.Reason);
    }

    private ValueTask<BlockPlace?> PlaceAsync(ReceiptEntry entry) => Store.FindPlaceAsync(entry.Receipt.Body.SessionId, entry.Role, entry.Receipt.Body.Leg, Cancellation);

    private static LedgerBlock Block(LedgerBlock? previous, params ReceiptEntry[] receipts) => Block(previous, receipts, author: 1);

    private static LedgerBlock Block(LedgerBlock? previous, ReceiptEntry[] receipts, int author) => LedgerBlock.Seal(
        new LedgerBlockBody
        {
            Author = new SeedSigner(author).PublicKey,
            Sequence = previous is null ? 0 : previous.Body.Sequence + 1,
            PreviousBlockHash = previous?.Hash ?? default,
            Epoch = 500_000,
            ReceiptsRoot = new MerkleTree([.. receipts.Select(entry => LedgerBlock.LeafHash(entry.Receipt))]).Root,
            ReceiptCount = (uint)receipts.Length,
            Heads = [],
            Time = 1_800_000_000,
        },
        new SeedSigner(author));

    private static Digest Hash(int number) => new(SHA256.HashData(BitConverter.GetBytes(number)));

    private static void Same(IEnumerable<ReceiptEntry> expected, IEnumerable<ReceiptEntry> actual) =>
        Assert.Equal(expected.Select(entry => (Convert.ToHexString(entry.Receipt.Encode()), entry.Opening)), actual.Select(entry => (Convert.ToHexString(entry.Receipt.Encode()), entry.Opening)));
}

public sealed class InMemoryLedgerBlockStoreTests : LedgerBlockStoreContract
{
    protected override Task<ILedgerStore> OpenAsync() => Task.FromResult<ILedgerStore>(new InMemoryLedgerStore());
}

public sealed class SqliteLedgerBlockStoreTests : LedgerBlockStoreContract
{
    private readonly string _folder = Directory.CreateTempSubdirectory("overlay-blocks-").FullName;

    public override async ValueTask DisposeAsync()
    {
        await base.DisposeAsync();
        Directory.Delete(_folder, recursive: true);
    }

    protected override async Task<ILedgerStore> OpenAsync() => await SqliteLedgerStore.OpenAsync(Path.Combine(_folder, "ledger.db"), Cancellation);
}
