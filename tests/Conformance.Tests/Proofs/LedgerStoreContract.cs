using Overlay.Proofs;
using Overlay.Proofs.Ledger;
using Overlay.Proofs.Receipts;
using Overlay.TestKit.Proofs;

namespace Overlay.Conformance.Tests.Proofs;

/// <summary>What every ledger store keeps to.</summary>
public abstract class LedgerStoreContract : IAsyncLifetime
{
    private readonly SessionScript _script = new(1, LedgerRole.Provider);

    protected ILedgerStore Store { get; private set; } = null!;

    protected static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    protected abstract Task<ILedgerStore> OpenAsync();

    public async ValueTask InitializeAsync()
    {
        Store = await OpenAsync();
        await Store.SaveSessionAsync(_script.Record, Cancellation);
    }

    public virtual async ValueTask DisposeAsync()
    {
        await Store.DisposeAsync();
        GC.SuppressFinalize(this);
    }

    [Fact]
    public async Task FindSession_Saved_IsReturnedWhole()
    {
        SessionRecord changed = _script.Record with { Leg = 3, Counted = new(ulong.MaxValue, 7), CountedExactly = true, State = SessionState.Disputed, CreditWindow = ulong.MaxValue };
        await Store.SaveSessionAsync(changed, Cancellation);

        Assert.Equal(changed, await Store.FindSessionAsync(changed.SessionId, LedgerRole.Provider, Cancellation));
        Assert.Null(await Store.FindSessionAsync(changed.SessionId, LedgerRole.Consumer, Cancellation));
        Assert.Null(await Store.FindSessionAsync(default, LedgerRole.Provider, Cancellation));
    }

    [Fact]
    public async Task SaveSession_TermsChanged_Refused()
    {
        SessionRecord kept = _script.Record;
        await Store.SaveSessionAsync(kept with { Leg = 1 }, Cancellation);

        await RefusedAsync(kept with { Leg = 1, Counterparty = _script.Provider.PublicKey });
        await RefusedAsync(kept with { Leg = 1, OfferId = default });
        await RefusedAsync(kept with { Leg = 1, PricePerGiB = 1 });
        await RefusedAsync(kept with { Leg = 1, OpenedAt = 1 });
        await RefusedAsync(kept);
        Assert.Equal(kept with { Leg = 1 }, await Store.FindSessionAsync(kept.SessionId, kept.Role, Cancellation));
    }

    [Fact]
    public async Task SaveSession_ClosedSessionOpenedAgain_Refused()
    {
        await Store.SaveSessionAsync(_script.Record with { State = SessionState.Closed }, Cancellation);

        await RefusedAsync(_script.Record);
        await RefusedAsync(_script.Next());
        await Store.SaveSessionAsync(_script.Record with { State = SessionState.Closed, CountedExactly = true }, Cancellation);
    }

    [Fact]
    public async Task FindUnsettled_SomeClosed_GivesTheOthersInOrderUpToTheLimit()
    {
        for (int i = 2; i < 8; i++)
        {
            SessionRecord record = new SessionScript(i, LedgerRole.Provider).Record;
            await Store.SaveSessionAsync(record with { State = i % 2 == 0 ? SessionState.Closed : SessionState.Settled }, Cancellation);
        }

        await Store.SaveSessionAsync(new SessionScript(20, LedgerRole.Provider, consumer: 9).Record, Cancellation);
        await Store.SaveSessionAsync(new SessionScript(21, LedgerRole.Consumer, provider: 2).Record, Cancellation);

        PublicKey counterparty = _script.Consumer.PublicKey;
        IReadOnlyList<SessionRecord> all = await Store.FindUnsettledAsync(counterparty, LedgerRole.Provider, 100, Cancellation);
        Assert.Equal(new[] { 1, 3, 5, 7 }.Select(i => new SessionScript(i, LedgerRole.Provider).Record.SessionId), all.Select(record => record.SessionId));
        Assert.Equal(all.Take(2), await Store.FindUnsettledAsync(counterparty, LedgerRole.Provider, 2, Cancellation));
        Assert.Empty(await Store.FindUnsettledAsync(counterparty, LedgerRole.Provider, 0, Cancellation));
    }

    [Fact]
    public async Task SaveReceipt_TwoLegs_AreReadBackInOrder()
    {
        List<ReceiptEntry> entries = [_script.Next(), _script.Next(), _script.Next(final: true), _script.Next(), _script.Next(final: true)];
        foreach (ReceiptEntry entry in entries) await SaveAsync(entry);

        await AssertKeptAsync(entries);
        Same(entries[^1], await Store.FindLatestReceiptAsync(_script.Record.SessionId, LedgerRole.Provider, Cancellation));
        Assert.Null(await Store.FindLatestReceiptAsync(_script.Record.SessionId, LedgerRole.Consumer, Cancellation));
        Assert.Empty(await Store.ReadReceiptsAsync(new Digest(new byte[32]), Cancellation).ToListAsync(Cancellation));
    }

    [Fact]
    public async Task SaveReceipt_WithSession_SavesBoth()
    {
        SessionRecord settled = _script.Record with { State = SessionState.Settled, Counted = new(5, 6), CountedExactly = true };
        await Store.SaveReceiptAsync(_script.Next(final: true), settled, Cancellation);
        Assert.Equal(settled, await Store.FindSessionAsync(settled.SessionId, settled.Role, Cancellation));
    }

    [Fact]
    public async Task SaveReceipt_UnknownSession_Refused()
    {
        var stranger = new SessionScript(77, LedgerRole.Provider);
        LedgerException e = await Assert.ThrowsAsync<LedgerException>(async () => await Store.SaveReceiptAsync(stranger.Next(), stranger.Record, Cancellation));
        Assert.Equal(LedgerError.Contradiction, e.Reason);
        Assert.Null(await Store.FindSessionAsync(stranger.Record.SessionId, LedgerRole.Provider, Cancellation));
    }

    [Fact]
    public async Task SaveReceipt_RecordOfAnotherSession_IsTheCallersMistake()
    {
        var other = new SessionScript(77, LedgerRole.Provider);
        await Assert.ThrowsAsync<ArgumentException>(async () => await Store.SaveReceiptAsync(_script.Next(), other.Record, Cancellation));
        await Assert.ThrowsAsync<ArgumentException>(async () =>
            await Store.SaveReceiptAsync(_script.Next(), _script.Record with { Role = LedgerRole.Consumer }, Cancellation));
    }

    [Fact]
    public async Task SaveReceipt_SameTwice_ChangesNothing()
    {
        ReceiptEntry first = _script.Next(), second = _script.Next();
        foreach (ReceiptEntry entry in (ReceiptEntry[])[first, first, second, first, second]) await SaveAsync(entry);
        await AssertKeptAsync([first, second]);
    }

    [Fact]
    public async Task SaveReceipt_ProvidersSignatureLater_IsAddedAndNeverRemoved()
    {
        ReceiptEntry half = _script.Next(countersigned: false);
        ReceiptEntry whole = half with { Receipt = half.Receipt.Countersign(_script.Provider) };
        await SaveAsync(half);
        await AssertKeptAsync([half]);
        await SaveAsync(whole);
        await AssertKeptAsync([whole]);
        await SaveAsync(half);
        await AssertKeptAsync([whole]);
    }

    [Fact]
    public async Task SaveReceipt_OtherBodyUnderTheSameSequence_Refused()
    {
        ReceiptBody due = _script.DueBody();
        ReceiptEntry kept = _script.Next();
        await SaveAsync(kept);

        await RefusedAsync(_script.Make(due with { IssuedAt = due.IssuedAt + 1 }, kept.Opening));
        await RefusedAsync(kept with { Opening = new(kept.Opening.Up + 1, kept.Opening.Down - 1) });
        await AssertKeptAsync([kept]);
    }

    [Fact]
    public async Task SaveReceipt_FirstNotAtTheBeginning_Refused()
    {
        ReceiptBody due = _script.DueBody();
        await RefusedAsync(_script.Make(due with { Sequence = 1 }, _script.DueOpening));
        await RefusedAsync(_script.Make(due with { Leg = 1 }, _script.DueOpening));
        await RefusedAsync(_script.Make(due with { PreviousReceiptHash = due.SessionId }, _script.DueOpening));
    }

    [Fact]
    public async Task SaveReceipt_SequenceSkippedOrChainBroken_Refused()
    {
        ReceiptEntry first = _script.Next();
        await SaveAsync(first);
        ReceiptBody due = _script.DueBody();

        await RefusedAsync(_script.Make(due with { Sequence = 2 }, _script.DueOpening));
        await RefusedAsync(_script.Make(due with { Sequence = long.MaxValue }, _script.DueOpening));
        await RefusedAsync(_script.Make(due with { PreviousReceiptHash = default }, _script.DueOpening));
        await RefusedAsync(_script.Make(due with { PreviousReceiptHash = due.SessionId }, _script.DueOpening));
        await AssertKeptAsync([first]);
    }

    [Theory]
    [InlineData(0, 1005)]
    [InlineData(1005, 999)]
    public async Task SaveReceipt_OneDirectionFallsWhileTheTotalGrows_Refused(ulong up, ulong down)
    {
        await SaveAsync(_script.Next());
        var opening = new ReceiptOpening(up, down);
        await RefusedAsync(_script.Make(_script.Commit(_script.DueBody(), opening), opening));
    }

    [Fact]
    public async Task SaveReceipt_SameTotalAgain_Kept()
    {
        ReceiptEntry first = _script.Next();
        ReceiptEntry second = _script.Make(_script.Commit(_script.DueBody(final: true), first.Opening), first.Opening);
        await SaveAsync(first);
        await SaveAsync(second);
        await AssertKeptAsync([first, second]);
    }

    [Fact]
    public async Task SaveReceipt_AfterFinalOrBeforeIt_Refused()
    {
        await SaveAsync(_script.Next());
        ReceiptBody due = _script.DueBody();
        await RefusedAsync(_script.Make(due with { Leg = 1, Sequence = 0 }, _script.DueOpening));

        ReceiptEntry final = _script.Next(final: true);
        await SaveAsync(final);
        ReceiptBody next = _script.DueBody();
        await RefusedAsync(_script.Make(next with { Leg = 0, Sequence = 2 }, _script.DueOpening));
        await RefusedAsync(_script.Make(next with { Leg = 2 }, _script.DueOpening));
        await RefusedAsync(_script.Make(next with { Sequence = 1 }, _script.DueOpening));
        await SaveAsync(_script.Make(next, _script.DueOpening));
    }

    [Fact]
    public async Task SaveReceipt_OpeningThatDoesNotOpen_Refused()
    {
        ReceiptBody due = _script.DueBody();
        await RefusedAsync(_script.Make(due, new(1, 1001)));
        await RefusedAsync(_script.Make(due, new(ulong.MaxValue, 1002)));
    }

    [Fact]
    public async Task SaveReceipt_OtherKeysOrPrice_Refused()
    {
        ReceiptBody due = _script.DueBody();
        var stranger = new SeedSigner(99);
        await RefusedAsync(new ReceiptEntry(Receipt.Issue(due with { Consumer = stranger.PublicKey }, stranger), _script.DueOpening, LedgerRole.Provider));
        await RefusedAsync(_script.Make(due with { Provider = _script.Consumer.PublicKey, Consumer = _script.Provider.PublicKey }, _script.DueOpening));
        await RefusedAsync(_script.Make(due with { PricePerGiB = SessionScript.Price - 1 }, _script.DueOpening));

        await SaveAsync(_script.Next());
        Receipt otherSelf = Receipt.Issue(_script.DueBody() with { Provider = stranger.PublicKey }, _script.Consumer);
        await RefusedAsync(new ReceiptEntry(otherSelf, _script.DueOpening, LedgerRole.Provider));
    }

    [Fact]
    public async Task Watch_ReceiptsBecomeCountersigned_EachIsSeenOnce()
    {
        await using IAsyncEnumerator<ReceiptEntry> watcher = Store.WatchAsync(Cancellation).GetAsyncEnumerator(Cancellation);
        ValueTask<bool> moved = watcher.MoveNextAsync();
        ReceiptEntry half = _script.Next(countersigned: false);
        ReceiptEntry whole = half with { Receipt = half.Receipt.Countersign(_script.Provider) };
        ReceiptEntry second = _script.Next();
        foreach (ReceiptEntry entry in (ReceiptEntry[])[half, whole, whole, half, second, second]) await SaveAsync(entry);

        Assert.True(await moved);
        Same(whole, watcher.Current);
        Assert.True(await watcher.MoveNextAsync());
        Same(second, watcher.Current);
        await Store.DisposeAsync();
        Assert.False(await watcher.MoveNextAsync());
    }

    [Fact]
    public async Task Watch_WatcherLagsFarBehind_WritesGoOnAndTheNewestAreKept()
    {
        await using IAsyncEnumerator<ReceiptEntry> watcher = Store.WatchAsync(Cancellation).GetAsyncEnumerator(Cancellation);
        ValueTask<bool> moved = watcher.MoveNextAsync();
        var saves = new List<Task>();
        for (int i = 0; i < 1100; i++) saves.Add(SaveAsync(_script.Next()));
        await Task.WhenAll(saves);
        await Store.DisposeAsync();

        var seen = new List<ulong>();
        for (bool any = await moved; any; any = await watcher.MoveNextAsync()) seen.Add(watcher.Current.Receipt.Body.Sequence);
        Assert.InRange(seen.Count, 1024, 1025);
        Assert.Equal(1099ul, seen[^1]);
        Assert.Equal(seen.Order(), seen);
    }

    [Fact]
    public async Task Save_AfterClose_IsNotWritable()
    {
        await Store.DisposeAsync();
        LedgerException e = await Assert.ThrowsAsync<LedgerException>(() => SaveAsync(_script.Next()));
        Assert.Equal(LedgerError.NotWritable, e.Reason);
    }

    [Fact]
    public async Task Save_CancelledBefore_LeavesNothing()
    {
        using var cancelled = new CancellationTokenSource();
        await cancelled.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(async () => await Store.SaveReceiptAsync(_script.Next(), _script.Record, cancelled.Token));
        await AssertKeptAsync([]);
    }

    [Fact]
    public async Task SaveReceipt_ManyAtOnceSomeWrong_OnlyTheWrongFail()
    {
        var writes = new List<(Task Save, bool Wrong)>();
        foreach (SessionScript script in Enumerable.Range(100, 8).Select(i => new SessionScript(i, LedgerRole.Provider)))
        {
            writes.Add((Store.SaveSessionAsync(script.Record, Cancellation).AsTask(), false));
            for (int i = 0; i < 10; i++)
            {
                ReceiptEntry wrong = script.Make(script.DueBody() with { Sequence = 1000 }, script.DueOpening);
                writes.Add((Attempt(wrong, script.Record), true));
                writes.Add((Attempt(script.Next(), script.Record), false));
            }
        }

        foreach ((Task save, bool wrong) in writes)
        {
            if (wrong) Assert.Equal(LedgerError.Contradiction, (await Assert.ThrowsAsync<LedgerException>(() => save)).Reason);
            else await save;
        }

        Assert.Equal(80, await Store.ReadReceiptsAsync(null, Cancellation).CountAsync(Cancellation));
        Assert.Equal(9, await Store.ReadSessionsAsync(Cancellation).CountAsync(Cancellation));
    }

    private async Task Attempt(ReceiptEntry entry, SessionRecord session) => await Store.SaveReceiptAsync(entry, session, Cancellation);

    protected Task SaveAsync(ReceiptEntry entry) => Attempt(entry, _script.Record);

    private async Task RefusedAsync(ReceiptEntry entry) =>
        Assert.Equal(LedgerError.Contradiction, (await Assert.ThrowsAsync<LedgerException>(() => SaveAsync(entry))).Reason);

    private async Task RefusedAsync(SessionRecord record) => Assert.Equal(LedgerError.Contradiction,
        (await Assert.ThrowsAsync<LedgerException>(async () => await Store.SaveSessionAsync(record, Cancellation))).Reason);

    private async Task AssertKeptAsync(List<ReceiptEntry> expected)
    {
        foreach (Digest? which in (Digest?[])[null, _script.Record.SessionId])
        {
            List<ReceiptEntry> kept = await Store.ReadReceiptsAsync(which, Cancellation).ToListAsync(Cancellation);
            Assert.Equal(expected.Count, kept.Count);
            for (int i = 0; i < kept.Count; i++) Same(expected[i], kept[i]);
        }
    }

    private static void Same(ReceiptEntry expected, ReceiptEntry? actual)
    {
        Assert.NotNull(actual);
        Assert.Equal(expected.Receipt.Encode(), actual.Receipt.Encode());
        Assert.Equal((expected.Opening, expected.Role), (actual.Opening, actual.Role));
    }
}

/// <summary>The contract, by the store that forgets.</summary>
public sealed class InMemoryLedgerStoreContract : LedgerStoreContract
{
    protected override Task<ILedgerStore> OpenAsync() => Task.FromResult<ILedgerStore>(new InMemoryLedgerStore());
}

/// <summary>The contract, by the store that does not.</summary>
public sealed class SqliteLedgerStoreContract : LedgerStoreContract
{
    private readonly string _folder = Path.Combine(Path.GetTempPath(), $"overlay-ledger-{Guid.NewGuid():n}");

    protected override async Task<ILedgerStore> OpenAsync() => await SqliteLedgerStore.OpenAsync(Path.Combine(_folder, "ledger.db"), Cancellation);

    public override async ValueTask DisposeAsync()
    {
        await base.DisposeAsync();
        Directory.Delete(_folder, recursive: true);
    }
}
