using System.Security.Cryptography;
using Microsoft.Extensions.Logging.Testing;
using Microsoft.Extensions.Time.Testing;
using Overlay.Proofs;
using Overlay.Proofs.Ledger;
using Overlay.Sealing;
using Overlay.TestKit.Proofs;

namespace Overlay.Tests.Sealing;

public class LedgerSealerTests
{
    private static readonly DateTimeOffset s_start = new(2026, 11, 25, 4, 0, 0, TimeSpan.Zero);

    private static readonly SeedSigner s_signer = new(1);

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public void IsDue_AmountReached_AtOnceAndNotBefore()
    {
        var rule = new SealingRule(new SealingOptions());
        Assert.False(rule.IsDue(0, 0, s_start));
        Assert.False(rule.IsDue(3, (64 << 20) - 1, s_start));
        Assert.True(rule.IsDue(3, 64 << 20, s_start));
        Assert.True(rule.IsDue(4096, 0, s_start));
    }

    [Fact]
    public void IsDue_LittleThatWaits_AnHourAfterTheFirstBeganTo()
    {
        var rule = new SealingRule(new SealingOptions());
        Assert.False(rule.IsDue(1, 1, s_start));
        Assert.False(rule.IsDue(2, 2, s_start + TimeSpan.FromMinutes(59)));
        Assert.True(rule.IsDue(2, 2, s_start + TimeSpan.FromHours(1)));
        rule.Sealed();
        Assert.False(rule.IsDue(1, 1, s_start + TimeSpan.FromHours(2)));
        // Nothing waits: the hour begins with the next that does.
        Assert.False(rule.IsDue(0, 0, s_start + TimeSpan.FromHours(3)));
        Assert.False(rule.IsDue(1, 1, s_start + TimeSpan.FromHours(5)));
    }

    [Fact]
    public async Task Sealer_AmountReachedThenStopped_SealsThenAndWhatIsLeftAtTheEnd()
    {
        var time = new FakeTimeProvider(s_start);
        var store = new InMemoryLedgerStore();
        await FinishAsync(store, 1, 3);
        var sealer = new LedgerSealer(store, s_signer, new SealingOptions { Size = 3000 }, time, new FakeLogger(), isNewKey: true);
        while (await store.FindLatestBlockAsync(Token) is null) await Task.Yield();
        Assert.Equal([(0, 3)], await BlocksAsync(store));

        await FinishAsync(store, 2, 1);
        time.Advance(TimeSpan.FromSeconds(10));
        await sealer.DisposeAsync();

        Assert.Equal([(0, 3), (1, 1)], await BlocksAsync(store));
        Assert.Empty(await store.FindUnsealedAsync(10, Token));
        Assert.Null((await LedgerVerifier.VerifyAsync(store, Token)).FirstFault);
        await sealer.DisposeAsync();
    }

    [Fact]
    public async Task Sealer_LittleThatWaits_IsSealedWhenTheHourIsOver()
    {
        var time = new FakeTimeProvider(s_start);
        var store = new InMemoryLedgerStore();
        await FinishAsync(store, 1, 2);
        await using var sealer = new LedgerSealer(store, s_signer, new SealingOptions(), time, new FakeLogger(), isNewKey: true);
        // The clock stops with the block.
        while (await store.FindLatestBlockAsync(Token) is null)
        {
            time.Advance(TimeSpan.FromMinutes(10));
            await Task.Yield();
        }

        Assert.True(time.GetUtcNow() - s_start >= TimeSpan.FromHours(1));
        Assert.Equal([(0, 2)], await BlocksAsync(store));
    }

    [Fact]
    public async Task Sealer_NobodyHasToldOfTheOwnChain_SealsNothingNorAtTheEnd()
    {
        var time = new FakeTimeProvider(s_start);
        var store = new InMemoryLedgerStore();
        await FinishAsync(store, 1, 3);
        var sealer = new LedgerSealer(store, s_signer, new SealingOptions { Size = 1, Caution = TimeSpan.FromMinutes(20) }, time, new FakeLogger());
        await sealer.DisposeAsync();
        Assert.Empty(await BlocksAsync(store));

        // The next start seals them once a counterparty has told what it knows, or when the time is over.
        sealer = new LedgerSealer(store, s_signer, new SealingOptions { Size = 1 }, time, new FakeLogger());
        sealer.Confirm();
        await sealer.DisposeAsync();
        Assert.Equal([(0, 3)], await BlocksAsync(store));

        await FinishAsync(store, 2, 1);
        sealer = new LedgerSealer(store, s_signer, new SealingOptions { Size = 1, Caution = TimeSpan.FromMinutes(20) }, time, new FakeLogger());
        time.Advance(TimeSpan.FromMinutes(20));
        await sealer.DisposeAsync();
        Assert.Equal([(0, 3), (1, 1)], await BlocksAsync(store));
    }

    [Fact]
    public async Task Sealer_LedgerThatCannotBeWritten_EndsAndSaysWhy()
    {
        var store = new InMemoryLedgerStore();
        await FinishAsync(store, 1, 1);
        await store.DisposeAsync();
        var log = new FakeLogger();
        var sealer = new LedgerSealer(store, s_signer, new SealingOptions { Size = 1 }, new FakeTimeProvider(s_start), log, isNewKey: true);
        await sealer.DisposeAsync();
        Assert.Equal(2011, Assert.Single(log.Collector.GetSnapshot()).Id.Id);
        Assert.Null(await store.FindLatestBlockAsync(Token));
    }

    [Fact]
    public async Task Sealer_ClockSetBack_HoldsTheChainsTimeStillAndNamesOthersHeads()
    {
        var time = new FakeTimeProvider(s_start);
        var store = new InMemoryLedgerStore();
        LedgerBlock[] others = [.. Enumerable.Range(10, 5).Select(i => ChainScript.Make(i, 1)[0])];
        foreach (LedgerBlock block in others) await store.SavePeerBlockAsync(block, Token);
        await store.SavePeerBlockAsync(ChainScript.Make(1, 4)[3], Token);
        await FinishAsync(store, 1, 1);
        await new LedgerSealer(store, s_signer, new SealingOptions(), time, new FakeLogger(), isNewKey: true).DisposeAsync();
        await FinishAsync(store, 2, 1);
        await new LedgerSealer(store, s_signer, new SealingOptions(), new FakeTimeProvider(s_start - TimeSpan.FromHours(3)), new FakeLogger(), isNewKey: true).DisposeAsync();

        List<LedgerBlock> blocks = await store.ReadBlocksAsync(0, Token).ToListAsync(Token);
        Assert.Equal(2, blocks.Count);
        Assert.Equal(blocks[0].Body.Time, blocks[1].Body.Time);
        Assert.Equal(blocks[0].Body.Epoch, blocks[1].Body.Epoch);
        Assert.Equal(others.Select(block => block.Head).OrderBy(head => head.Author), blocks[0].Body.Heads);
        Assert.Null((await LedgerVerifier.VerifyAsync(store, Token)).FirstFault);
    }

    private static async Task<List<(ulong Sequence, int Legs)>> BlocksAsync(InMemoryLedgerStore store) =>
        await store.ReadBlocksAsync(0, Token).Select(block => (block.Body.Sequence, (int)block.Body.ReceiptCount)).ToListAsync(Token);

    // Each leg amounts to 1,001 bytes.
    private static async Task FinishAsync(InMemoryLedgerStore store, int number, int legs)
    {
        var script = new SessionScript(number, LedgerRole.Provider);
        await store.SaveSessionAsync(script.Record, Token);
        for (int i = 0; i < legs; i++) await store.SaveReceiptAsync(script.Next(final: true), script.Record, Token);
    }
}
