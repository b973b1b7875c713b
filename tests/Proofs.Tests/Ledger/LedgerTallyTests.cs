using System.Reflection;
using Overlay.Proofs.Ledger;
using Overlay.Proofs.Merkle;
using Overlay.Proofs.Receipts;
using Overlay.TestKit.Proofs;

namespace Overlay.Proofs.Tests.Ledger;

public sealed class LedgerTallyTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Totals_WhatWasThereAndWhatComes_CountOnce(bool before)
    {
        await using var store = new InMemoryLedgerStore();
        SessionScript sold = await OpenAsync(store, 1, LedgerRole.Provider), bought = await OpenAsync(store, 2, LedgerRole.Consumer);
        if (before) await WriteAsync();
        await using var tally = new LedgerTally(store);
        if (!before)
        {
            await CompleteAsync(tally, totals => totals.IsComplete);
            await WriteAsync();
        }

        LedgerTotals totals = await CompleteAsync(tally, totals => totals.Consumed.Receipts == 2);

        // Two legs of 3 and 1 receipts: each counts with its newest. Of the consumer's, the one that the provider has not signed yet does not count.
        Assert.Equal((4UL, 4UL, 4000UL), (totals.Provided.Receipts, totals.Provided.Up, totals.Provided.Down));
        Assert.Equal((2UL, 2UL, 2000UL), (totals.Consumed.Receipts, totals.Consumed.Up, totals.Consumed.Down));
        // A started micro-credit counts whole, once for each leg.
        Assert.Equal((2UL, 1UL), (totals.Provided.MicroCredits, totals.Consumed.MicroCredits));
        Assert.Equal((2UL, 2UL, 0UL), (tally.EarnedSince(0), tally.EarnedSince(500_000), tally.EarnedSince(500_001)));
        Assert.Equal(500_000UL, tally.FirstEarningEpoch);

        async Task WriteAsync()
        {
            foreach (bool final in new[] { false, false, true, false }) await store.SaveReceiptAsync(sold.Next(final), sold.Record = sold.Record with { Leg = final ? 1u : sold.Record.Leg }, Cancellation);
            foreach (bool signed in new[] { true, true, false }) await store.SaveReceiptAsync(bought.Next(countersigned: signed), bought.Record, Cancellation);
        }
    }

    [Fact]
    public async Task Totals_ALateSignature_CountsWhenItComes()
    {
        await using var store = new InMemoryLedgerStore();
        SessionScript bought = await OpenAsync(store, 2, LedgerRole.Consumer);
        ReceiptEntry half = bought.Next(countersigned: false);
        await store.SaveReceiptAsync(half, bought.Record, Cancellation);
        await using var tally = new LedgerTally(store);
        Assert.Equal(0UL, (await CompleteAsync(tally, totals => totals.IsComplete)).Consumed.Receipts);

        await store.SaveReceiptAsync(half with { Receipt = half.Receipt.Countersign(bought.Provider) }, bought.Record, Cancellation);

        Assert.Equal(1000UL, (await CompleteAsync(tally, totals => totals.Consumed.Receipts == 1)).Consumed.Down);
    }

    [Fact]
    public async Task Sealed_BlocksOfBeforeAndLater_AreAddedByEpoch()
    {
        await using var store = new InMemoryLedgerStore();
        ReceiptEntry one = await FinishAsync(store, 1), two = await FinishAsync(store, 2);
        LedgerBlock first = Block(null, one);
        await store.SaveBlockAsync(first, [one], Cancellation);
        await using var tally = new LedgerTally(store);
        Assert.Equal(1001UL, (await CompleteAsync(tally, totals => totals.IsComplete)).Provided.Sealed);

        await store.SaveBlockAsync(Block(first, two), [two], Cancellation);

        Assert.Equal(2002UL, (await tally.ReadAsync([], Cancellation)).Provided.Sealed);
        Assert.Equal((2002UL, 0UL), (tally.SealedIn([500_000, 7]), tally.SealedIn([499_999])));
    }

    [Fact]
    public async Task Unpaid_SessionsThatEndedWithoutAReceipt_UntilTheyAreSettled()
    {
        await using var store = new InMemoryLedgerStore();
        SessionScript lost = await OpenAsync(store, 1, LedgerRole.Provider), live = await OpenAsync(store, 2, LedgerRole.Provider);
        await store.SaveReceiptAsync(lost.Next(), lost.Record = lost.Record with { Counted = new ReceiptOpening(1, 5000) }, Cancellation);
        await using var tally = new LedgerTally(store);
        await CompleteAsync(tally, totals => totals.IsComplete);
        Assert.Equal(4000UL, (await tally.ReadAsync([live.Record.SessionId], Cancellation)).Unpaid);

        // What is unpaid in a session that goes on is no loss; when it has ended, it is.
        await store.SaveSessionAsync(live.Record = live.Record with { Counted = new ReceiptOpening(0, 300) }, Cancellation);
        Assert.Equal(4000UL, (await tally.ReadAsync([live.Record.SessionId], Cancellation)).Unpaid);
        Assert.Equal(4300UL, (await tally.ReadAsync([], Cancellation)).Unpaid);

        await store.SaveReceiptAsync(lost.Next(final: true), lost.Record, Cancellation);
        LedgerTotals paid = await CompleteAsync(tally, totals => totals.Provided.Receipts == 2);
        Assert.Equal(3299UL, paid.Unpaid);
    }

    [Fact]
    public async Task Unpaid_SessionsThatBeganAndEndedUnseen_CountToo()
    {
        await using var store = new InMemoryLedgerStore();
        await OpenAsync(store, 1, LedgerRole.Provider);
        await using var tally = new LedgerTally(store);
        await CompleteAsync(tally, totals => totals.IsComplete);

        // More than are looked up at once.
        for (int i = 2; i < 252; i++)
        {
            SessionScript unseen = await OpenAsync(store, i, LedgerRole.Provider);
            await store.SaveSessionAsync(unseen.Record with { Counted = new ReceiptOpening(0, 2) }, Cancellation);
        }

        Assert.Equal(500UL, (await tally.ReadAsync([], Cancellation)).Unpaid);
    }

    [Fact]
    public async Task Totals_LegsThatComeWhileOlderOnesAreRead_HideNone()
    {
        await using var store = new InMemoryLedgerStore();
        SessionScript sold = await OpenAsync(store, 1, LedgerRole.Provider);
        await store.SaveReceiptAsync(sold.Next(final: true), sold.Record = sold.Record with { Leg = 1 }, Cancellation);
        (ILedgerStore slow, TaskCompletionSource release) = HeldBack.Around(store);
        await using var tally = new LedgerTally(slow);
        await store.SaveReceiptAsync(sold.Next(), sold.Record, Cancellation);
        Assert.False((await tally.ReadAsync([], Cancellation)).IsComplete);

        release.SetResult();

        Assert.Equal(2000UL, (await CompleteAsync(tally, totals => totals.Provided.Receipts == 2)).Provided.Down);
    }

    [Fact]
    public async Task Pages_OfSessionsAndReceipts_GoBackFromTheNewest()
    {
        using var ledger = new TemporaryLedger();
        await using SqliteLedgerStore disk = await ledger.OpenAsync();
        await using var memory = new InMemoryLedgerStore();
        foreach (ILedgerStore store in new ILedgerStore[] { disk, memory })
        {
            SessionScript[] sessions = [await OpenAsync(store, 1, LedgerRole.Provider), await OpenAsync(store, 2, LedgerRole.Consumer), await OpenAsync(store, 3, LedgerRole.Provider)];
            for (int i = 0; i < 5; i++)
                foreach (SessionScript session in sessions) await store.SaveReceiptAsync(session.Next(), session.Record, Cancellation);
            Digest id = sessions[1].Record.SessionId;

            IReadOnlyList<LedgerRow<SessionRecord>> newest = await store.FindNewestSessionsAsync(null, 2, Cancellation);
            Assert.Equal([sessions[2].Record.SessionId, id], newest.Select(row => row.Value.SessionId));
            Assert.Equal([sessions[0].Record.SessionId], (await store.FindNewestSessionsAsync(newest[^1].Number, 2, Cancellation)).Select(row => row.Value.SessionId));
            IReadOnlyList<LedgerRow<ReceiptEntry>> receipts = await store.FindNewestReceiptsAsync(id, null, 3, Cancellation);
            Assert.Equal([4UL, 3UL, 2UL], receipts.Select(row => row.Value.Receipt.Body.Sequence));
            Assert.Equal([1UL, 0UL], (await store.FindNewestReceiptsAsync(id, receipts[^1].Number, 3, Cancellation)).Select(row => row.Value.Receipt.Body.Sequence));
            Assert.Empty(await store.FindNewestReceiptsAsync(default, null, 3, Cancellation));
            await Assert.ThrowsAsync<ArgumentOutOfRangeException>(async () => await store.FindNewestSessionsAsync(null, -1, Cancellation));
        }
    }

    private static async Task<SessionScript> OpenAsync(ILedgerStore store, int number, LedgerRole role)
    {
        var script = new SessionScript(number, role);
        await store.SaveSessionAsync(script.Record, Cancellation);
        return script;
    }

    private static async Task<ReceiptEntry> FinishAsync(InMemoryLedgerStore store, int number)
    {
        SessionScript script = await OpenAsync(store, number, LedgerRole.Provider);
        ReceiptEntry last = script.Next(final: true);
        await store.SaveReceiptAsync(last, script.Record, Cancellation);
        return last;
    }

    private static LedgerBlock Block(LedgerBlock? before, ReceiptEntry receipt)
    {
        var author = new SeedSigner(1);
        return LedgerBlock.Seal(
            new LedgerBlockBody
            {
                Author = author.PublicKey,
                Sequence = before is null ? 0 : before.Body.Sequence + 1,
                PreviousBlockHash = before?.Hash ?? default,
                Epoch = 500_001,
                ReceiptsRoot = new MerkleTree([LedgerBlock.LeafHash(receipt.Receipt)]).Root,
                ReceiptCount = 1,
                Heads = [],
                Time = 1_800_003_600,
            },
            author);
    }

    /// <summary>Asks until what has been written has also come in: the tally is told behind the writer.</summary>
    private static async Task<LedgerTotals> CompleteAsync(LedgerTally tally, Func<LedgerTotals, bool> isThere)
    {
        while (true)
        {
            LedgerTotals totals = await tally.ReadAsync([], Cancellation);
            if (totals.IsComplete && isThere(totals)) return totals;
            await Task.Yield();
        }
    }

    /// <summary>A ledger that gives its receipts out when it is told to.</summary>
    public class HeldBack : DispatchProxy
    {
        private readonly TaskCompletionSource _release = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private ILedgerStore? _kept;

        internal static (ILedgerStore Store, TaskCompletionSource Release) Around(ILedgerStore kept)
        {
            ILedgerStore store = Create<ILedgerStore, HeldBack>();
            var held = (HeldBack)store;
            held._kept = kept;
            return (store, held._release);
        }

        protected override object? Invoke(MethodInfo? targetMethod, object?[]? args) => targetMethod!.Name == nameof(ILedgerStore.ReadReceiptsAsync)
            ? ReadAsync((IAsyncEnumerable<ReceiptEntry>)targetMethod.Invoke(_kept, args)!) : targetMethod.Invoke(_kept, args);

        private async IAsyncEnumerable<ReceiptEntry> ReadAsync(IAsyncEnumerable<ReceiptEntry> all)
        {
            await _release.Task;
            await foreach (ReceiptEntry entry in all) yield return entry;
        }
    }
}
