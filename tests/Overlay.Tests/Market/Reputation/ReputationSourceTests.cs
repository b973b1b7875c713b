using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;
using Overlay.Market.Choosing;
using Overlay.Market.Reputation;
using Overlay.Proofs;
using Overlay.Proofs.Ledger;
using Overlay.Proofs.Merkle;
using Overlay.TestKit.Proofs;
using Overlay.Transport.Identity;

namespace Overlay.Tests.Market.Reputation;

public sealed class ReputationSourceTests : IAsyncDisposable
{
    private const int Self = 2, Acquaintance = 1;

    private readonly InMemoryLedgerStore _store = new();
    private readonly FakeTimeProvider _time = new();
    private readonly ReputationSource _source;
    private LedgerBlock? _last;
    private int _sessions;

    // A leg of a script is 1,001 bytes.
    public ReputationSourceTests() => _source = new ReputationSource(KeyOf(Self), _store, new ReputationOptions { UnitBytes = 1001 }, _time, NullLogger.Instance);

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public async ValueTask DisposeAsync()
    {
        await _source.DisposeAsync();
        await _store.DisposeAsync();
    }

    [Fact]
    public async Task Word_OfAnAcquaintanceForWhomItHasDealtWithByBothLedgers_Counts()
    {
        await ServeAsync(Acquaintance, legs: 2);
        await KeepAsync(Acquaintance, 7, 8);
        await KeepAsync(7, Acquaintance);
        // It says that it has dealt with the acquaintance, which says nothing of it.
        await KeepAsync(9, Acquaintance);
        await _source.RefreshAsync();
        Assert.Equal(0.5, _source.WordOf(PeerOf(7)));
        Assert.Null(_source.WordOf(PeerOf(8)));
        Assert.Null(_source.WordOf(PeerOf(9)));
        Assert.True(_source.Graph.StandingOf(KeyOf(Acquaintance)) > ExitCandidate.Newcomer);
    }

    [Fact]
    public async Task WhatOthersUsedOfThisNode_GivesThemNoWord()
    {
        await ServeAsync(Self, legs: 16, consumer: Acquaintance);
        await KeepAsync(Acquaintance, 7);
        await KeepAsync(7, Acquaintance);
        await _source.RefreshAsync();
        Assert.Null(_source.WordOf(PeerOf(7)));
        Assert.Equal(ExitCandidate.Newcomer, _source.Graph.StandingOf(KeyOf(Acquaintance)));
    }

    [Fact]
    public async Task WhoHasForked_IsOut()
    {
        await ServeAsync(Acquaintance, legs: 8);
        await KeepAsync(Acquaintance, 7);
        await KeepAsync(7, Acquaintance);
        Assert.True(ForkProof.TryCreate(Block(Acquaintance, 5), Block(Acquaintance, 6), out ForkProof? proof));
        await _store.SaveForkProofAsync(proof, Token);
        await _source.RefreshAsync();
        Assert.Equal(-1, _source.WordOf(PeerOf(Acquaintance)));
        Assert.Null(_source.WordOf(PeerOf(7)));
    }

    [Fact]
    public async Task ADispute_HalvesWhatAnAcquaintanceSays()
    {
        await ServeAsync(Acquaintance, legs: 2);
        await KeepAsync(Acquaintance, 7);
        await KeepAsync(7, Acquaintance);
        await _store.SaveSessionAsync(new SessionScript(999, LedgerRole.Consumer, Acquaintance, Self).Record with { State = SessionState.Disputed }, Token);
        await _source.RefreshAsync();
        Assert.Equal(1 / 3.0, _source.WordOf(PeerOf(7))!.Value, 4);
    }

    [Fact]
    public async Task Graph_IsMadeAnewOnlyWhenItIsOldAndCountsEachBlockOnce()
    {
        await ServeAsync(Acquaintance, legs: 1);
        await KeepAsync(Acquaintance, 7);
        await KeepAsync(7, Acquaintance);
        await _source.RefreshAsync();
        double first = _source.WordOf(PeerOf(7))!.Value;
        await ServeAsync(Acquaintance, legs: 1);
        await _source.RefreshAsync();
        Assert.Equal(first, _source.WordOf(PeerOf(7)));
        _time.Advance(TimeSpan.FromMinutes(10));
        await _source.RefreshAsync();
        // Two legs: half of two units. Had the first been counted again, it would be more.
        Assert.Equal(1 / 3.0, first, 4);
        Assert.Equal(0.5, _source.WordOf(PeerOf(7)));
        ReputationGraph graph = _source.Graph;
        _time.Advance(TimeSpan.FromMinutes(10));
        await _source.RefreshAsync();
        Assert.NotSame(graph, _source.Graph);
        Assert.Equal(graph.StandingOf(KeyOf(Acquaintance)), _source.Graph.StandingOf(KeyOf(Acquaintance)));
    }

    [Fact]
    public async Task MoreProvidersThanItHolds_ForgetsThoseWhoServedLeast()
    {
        await using var source = new ReputationSource(KeyOf(Self), _store, new ReputationOptions { MaxNodes = 2 }, _time, NullLogger.Instance);
        await ServeAsync(Acquaintance, legs: 2);
        for (int provider = 10; provider < 20; provider++) await ServeAsync(provider, legs: 1);
        await source.RefreshAsync();
        Assert.InRange(source.Remembered, 2, 4);
        Assert.Equal(2, source.Graph.NodeCount);
        Assert.True(source.Graph.StandingOf(KeyOf(Acquaintance)) > ExitCandidate.Newcomer);
    }

    [Fact]
    public async Task Disposed_AnswersFromWhatItHasAndReadsNoMore()
    {
        var source = new ReputationSource(KeyOf(Self), _store, new ReputationOptions(), _time, NullLogger.Instance);
        await source.DisposeAsync();
        Assert.Null(source.WordOf(PeerOf(7)));
        Assert.True(source.RefreshAsync().IsCompletedSuccessfully);
    }

    private static PublicKey KeyOf(int number) => new SeedSigner(number).PublicKey;

    private static PeerId PeerOf(int number) => PeerId.FromPublicKey(PeerPublicKey.FromEd25519(KeyOf(number).Bytes));

    // This node's own legs with a provider, each sealed in a block of its own.
    private async Task ServeAsync(int provider, int legs, int consumer = Self)
    {
        for (int i = 0; i < legs; i++)
        {
            var script = new SessionScript(++_sessions, provider == Self ? LedgerRole.Provider : LedgerRole.Consumer, provider, consumer);
            await _store.SaveSessionAsync(script.Record, Token);
            ReceiptEntry leg = script.Next(final: true);
            await _store.SaveReceiptAsync(leg, script.Record, Token);
            _last = Block(Self, 500_000, _last, new MerkleTree([LedgerBlock.LeafHash(leg.Receipt)]).Root);
            await _store.SaveBlockAsync(_last, [leg], Token);
        }
    }

    private async Task KeepAsync(int author, params int[] named) =>
        await _store.SavePeerBlockAsync(Block(author, 500_000, heads: [.. named.Select(KeyOf).Order().Select(key => new LedgerHead(key, 0, new Digest(key.Bytes)))]), Token);

    private static LedgerBlock Block(int author, ulong epoch, LedgerBlock? last = null, Digest root = default, LedgerHead[]? heads = null)
    {
        var signer = new SeedSigner(author);
        return LedgerBlock.Seal(
            new LedgerBlockBody
            {
                Author = signer.PublicKey,
                Sequence = last is null ? 0 : last.Body.Sequence + 1,
                PreviousBlockHash = last?.Hash ?? default,
                Epoch = epoch,
                ReceiptsRoot = root,
                ReceiptCount = 1,
                Heads = heads ?? [],
                Time = epoch * 3600,
            },
            signer);
    }
}
