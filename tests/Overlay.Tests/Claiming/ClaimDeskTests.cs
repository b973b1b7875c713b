using Microsoft.Extensions.Time.Testing;
using Overlay.Claiming;
using Overlay.Proofs.Claims;
using Overlay.Proofs.Ledger;
using Overlay.Proofs.Merkle;
using Overlay.TestKit.Proofs;
using Overlay.Tests.Market.Witnessing;

namespace Overlay.Tests.Claiming;

public sealed class ClaimDeskTests : IAsyncDisposable
{
    private readonly InMemoryLedgerStore _store = new();
    private readonly FakeTimeProvider _time = new();

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public ValueTask DisposeAsync() => _store.DisposeAsync();

    [Fact]
    public async Task Create_SealedLegs_OnceForEachEpoch()
    {
        (ClaimDesk desk, ulong epoch, ulong total) = await SealAsync();
        var request = new ClaimRequest { Epoch = epoch, ExactTotal = true, AtLeast = new ByteSize(total - 1) };
        ClaimVerdict verdict = ClaimVerifier.Verify((await desk.CreateAsync(request, Token)).Encode());
        Assert.True(verdict.IsValid);
        Assert.Equal(2, verdict.Claim!.Receipts.Count);
        Assert.Contains(ClaimStatement.ExactTotal(total), verdict.Claim.Statements);

        OverlayException e = await Assert.ThrowsAsync<OverlayException>(() => desk.CreateAsync(request, Token));
        Assert.Equal(OverlayError.NothingToClaim, e.Reason);
        Assert.Contains("can be claimed once", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Create_MoreThanWasServed_IsRefusedAndTheEpochStaysFree()
    {
        (ClaimDesk desk, ulong epoch, ulong total) = await SealAsync();
        OverlayException e = await Assert.ThrowsAsync<OverlayException>(() => desk.CreateAsync(new ClaimRequest { Epoch = epoch, AtLeast = new ByteSize(total + 1) }, Token));
        Assert.Equal(OverlayError.NothingToClaim, e.Reason);
        Assert.NotNull(await desk.CreateAsync(new ClaimRequest { Epoch = epoch, AtLeast = new ByteSize(total) }, Token));
    }

    [Fact]
    public async Task Create_EpochUnsaid_WaitsUntilAllLegsMustBeSealed()
    {
        (ClaimDesk desk, ulong epoch, _) = await SealAsync();
        _time.SetUtcNow(DateTimeOffset.FromUnixTimeSeconds(((long)epoch + 2) * 3600));
        await Assert.ThrowsAsync<OverlayException>(() => desk.CreateAsync(new ClaimRequest(), Token));
        _time.Advance(TimeSpan.FromHours(1));
        Assert.Equal(epoch, (await desk.CreateAsync(new ClaimRequest(), Token)).Epoch);
        await Assert.ThrowsAsync<OverlayException>(() => desk.CreateAsync(new ClaimRequest(), Token));
    }

    [Fact]
    public async Task Create_BlocksLostBetween_ClaimsTheLargerSide()
    {
        (ClaimDesk desk, ulong epoch, _) = await SealAsync(lost: true);
        Claim claim = await desk.CreateAsync(new ClaimRequest { Epoch = epoch }, Token);
        Assert.Single(claim.Receipts);
        Assert.True(ClaimVerifier.Verify(claim.Encode()).IsValid);
    }

    [Theory]
    [InlineData(true, 3)]
    [InlineData(false, 1)]
    public async Task Create_WhatWitnessesHandedOver_IsPutInUnlessItIsNotWished(bool held, int count)
    {
        (_, ulong epoch, _) = await SealAsync();
        var provider = new SeedSigner(1);
        var desk = new ClaimDesk(_store, provider, new ClaimedEpochs(), _time, of => [Words.Make(10, of), Words.Make(11, of), Words.Make(12, of)]);
        Claim claim = await desk.CreateAsync(new ClaimRequest { Epoch = epoch, HeldAttestations = held, Attestations = [Words.Make(12, epoch)] }, Token);
        Assert.Equal(count, claim.Attestations.Count);
        Assert.True(ClaimVerifier.Verify(claim.Encode()).IsValid);
    }

    [Fact]
    public async Task Create_NothingSealed_IsRefused()
    {
        var desk = new ClaimDesk(_store, new SeedSigner(1), new ClaimedEpochs(), _time);
        await Assert.ThrowsAsync<OverlayException>(() => desk.CreateAsync(new ClaimRequest { Epoch = 5 }, Token));
        await Assert.ThrowsAsync<OverlayException>(() => desk.CreateAsync(new ClaimRequest(), Token));
    }

    // Two legs of one epoch in two blocks, between which there may be some that were lost.
    private async Task<(ClaimDesk Desk, ulong Epoch, ulong Total)> SealAsync(bool lost = false)
    {
        var script = new SessionScript(1, LedgerRole.Provider);
        await _store.SaveSessionAsync(script.Record, Token);
        LedgerBlock? last = null;
        ulong epoch = 0, total = 0;
        for (int i = 0; i < 2; i++)
        {
            ReceiptEntry leg = script.Next(final: true);
            await _store.SaveReceiptAsync(leg, script.Record, Token);
            epoch = leg.Receipt.Body.Epoch;
            total += leg.Opening.Total;
            var block = LedgerBlock.Seal(
                new LedgerBlockBody
                {
                    Author = script.Provider.PublicKey,
                    Sequence = last is null ? 0 : last.Body.Sequence + 1,
                    PreviousBlockHash = last?.Hash ?? default,
                    Epoch = epoch,
                    ReceiptsRoot = new MerkleTree([LedgerBlock.LeafHash(leg.Receipt)]).Root,
                    ReceiptCount = 1,
                    Heads = [],
                    Time = epoch * 3600,
                },
                script.Provider);
            await _store.SaveBlockAsync(block, [leg], Token);
            last = block;
            if (!lost || i != 0) continue;
            List<LedgerBlock> missing = ChainScript.Make(script.Provider, 3, from: block);
            await _store.AdoptBlocksAsync(missing[1..], Token);
            last = missing[^1];
        }

        return (new ClaimDesk(_store, script.Provider, new ClaimedEpochs(), _time), epoch, total);
    }
}
