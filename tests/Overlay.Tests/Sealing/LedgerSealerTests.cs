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
        var made = new List<(ulong Sequence, int Legs)>();
        var sealer = new LedgerSealer(store, Make(made), new SealingOptions { Size = 3000 }, time, new FakeLogger());
        while (await store.FindLatestBlockAsync(Token) is null) await Task.Yield();
        Assert.Equal([(0, 3)], made);

        await FinishAsync(store, 2, 1);
        time.Advance(TimeSpan.FromSeconds(10));
        await sealer.DisposeAsync();

        Assert.Equal([(0, 3), (1, 1)], made);
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
        var made = new List<(ulong Sequence, int Legs)>();
        await using var sealer = new LedgerSealer(store, Make(made), new SealingOptions(), time, new FakeLogger());
        // The clock stops with the block.
        while (await store.FindLatestBlockAsync(Token) is null)
        {
            time.Advance(TimeSpan.FromMinutes(10));
            await Task.Yield();
        }

        Assert.True(time.GetUtcNow() - s_start >= TimeSpan.FromHours(1));
        Assert.Equal([(0, 2)], made);
    }

    [Fact]
    public async Task Sealer_LedgerThatCannotBeWritten_EndsAndSaysWhy()
    {
        var store = new InMemoryLedgerStore();
        await FinishAsync(store, 1, 1);
        await store.DisposeAsync();
        var log = new FakeLogger();
        var sealer = new LedgerSealer(store, Make([]), new SealingOptions { Size = 1 }, new FakeTimeProvider(s_start), log);
        await sealer.DisposeAsync();
        Assert.Equal(2011, Assert.Single(log.Collector.GetSnapshot()).Id.Id);
        Assert.Null(await store.FindLatestBlockAsync(Token));
    }

    private static BlockMaker Make(List<(ulong Sequence, int Legs)> made) => (previous, receipts, _, _) =>
    {
        ulong sequence = previous is null ? 0 : previous.Sequence + 1;
        made.Add((sequence, receipts.Count));
        byte[] encoded = [.. BitConverter.GetBytes(sequence), .. receipts.SelectMany(entry => entry.Receipt.Hash.Bytes.ToArray())];
        return new SealedBlock(sequence, new Digest(SHA256.HashData(encoded)), previous?.Hash ?? default, encoded);
    };

    // Each leg amounts to 1,001 bytes.
    private static async Task FinishAsync(InMemoryLedgerStore store, int number, int legs)
    {
        var script = new SessionScript(number, LedgerRole.Provider);
        await store.SaveSessionAsync(script.Record, Token);
        for (int i = 0; i < legs; i++) await store.SaveReceiptAsync(script.Next(final: true), script.Record, Token);
    }
}
