using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Testing;
using Microsoft.Extensions.Time.Testing;
using Overlay.Counterparties;
using Overlay.Proofs;
using Overlay.Proofs.Ledger;
using Overlay.Sealing;
using Overlay.Sessions;
using Overlay.TestKit.Proofs;

namespace Overlay.Tests.Counterparties;

public sealed class ChainCheckTests : IAsyncDisposable
{
    private const int Self = 1, Peer = 2, Third = 3;

    private readonly InMemoryLedgerStore _store = new();
    private readonly FakeLogger _log = new();
    private readonly LedgerSealer _sealer;
    private readonly List<PublicKey> _found = [];

    public ChainCheckTests() => _sealer = new LedgerSealer(_store, new SeedSigner(Self), new SealingOptions(), new FakeTimeProvider(), _log);

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public ValueTask DisposeAsync() => _sealer.DisposeAsync();

    [Fact]
    public async Task Run_PeerNotSeenBefore_ItsNewestBlockIsKept()
    {
        var peer = new Answers().Add(ChainScript.Make(Peer, 5));
        await RunAsync(peer);
        Assert.Equal([4], await KeptAsync(Peer));
        Assert.Equal(2, peer.Asked);

        await RunAsync(new Answers());
        Assert.Equal([4], await KeptAsync(Peer));
        Assert.Equal([2021], Events());
    }

    [Fact]
    public async Task Run_ChainThatHasGrown_IsFollowedAndItsEndIsKept()
    {
        List<LedgerBlock> chain = ChainScript.Make(Peer, 200);
        await RunAsync(new Answers().Add(chain[..3]));
        await RunAsync(new Answers().Add(chain));
        Assert.Equal([192, 193, 194, 195, 196, 197, 198, 199], await KeptAsync(Peer));
        Assert.Empty(Events());
    }

    [Fact]
    public async Task Run_ChainThatHasGrownBeyondTheLimit_OnlyTheKnownPlaceIsCompared()
    {
        List<LedgerBlock> chain = ChainScript.Make(Peer, 30);
        var options = new ExchangeOptions { MaxFollowed = 10 };
        await RunAsync(new Answers().Add(chain[..3]), options);
        var grown = new Answers().Add(chain);
        await RunAsync(grown, options);
        Assert.Equal([2, 29], await KeptAsync(Peer));
        Assert.Equal(3, grown.Asked);

        // It shows no block in that place: what it shows now is not believed.
        await RunAsync(new Answers().Add([ChainScript.Make(Peer, 60)[59]]), options);
        Assert.Equal([2, 29], await KeptAsync(Peer));
        Assert.Equal([2022], Events());
    }

    [Theory]
    [InlineData(3, 3)] // the same place
    [InlineData(3, 2)] // a lower one, as of a restored backup that went on
    [InlineData(3, 5)] // a longer chain that left the known one below what is known
    public async Task Run_PeerThatShowsAnotherHistory_IsFoundOutAndShutOut(int known, int shown)
    {
        List<LedgerBlock> common = ChainScript.Make(Peer, 1);
        List<LedgerBlock> first = [.. common, .. ChainScript.Make(Peer, 5, from: common[0])], second = [.. common, .. ChainScript.Make(Peer, 5, salt: 1, from: common[0])];
        await RunAsync(new Answers().Add(first[..2]));
        await RunAsync(new Answers().Add(first[..(known + 1)]));
        await RunAsync(new Answers().Add(second[..(shown + 1)]));
        ForkProof proof = (await _store.FindForkProofAsync(Key(Peer), Token))!;
        Assert.True(ForkProof.TryDecode(proof.Encode(), out _));
        Assert.Equal([Key(Peer)], _found);
        Assert.Contains(2020, Events());
    }

    [Fact]
    public async Task Run_BlockThatNamesOneNobodyShows_IsNotBelievedAndNoProof()
    {
        List<LedgerBlock> first = ChainScript.Make(Peer, 3), second = ChainScript.Make(Peer, 5, salt: 1);
        await RunAsync(new Answers().Add(first));
        await RunAsync(new Answers().Add(second[3..])); // hides the one in the place of what is known
        Assert.Equal([2], await KeptAsync(Peer));
        Assert.Null(await _store.FindForkProofAsync(Key(Peer), Token));
        Assert.Equal([2022], Events());
    }

    [Fact]
    public async Task Run_OwnChainIsLongerElsewhere_ItGoesOnBehindWhatThePeerHas()
    {
        List<LedgerBlock> own = ChainScript.Make(Self, 9);
        await _store.AdoptBlocksAsync(own[..3], Token);
        await RunAsync(new Answers().Add(own[2..]));
        Assert.Equal(own.Select(block => block.Hash), await _store.ReadBlocksAsync(0, Token).Select(block => block.Hash).ToListAsync(Token));
        Assert.Equal([2012], Events());

        // The peer has only what came last, and between that and this a block that does not hang together.
        List<LedgerBlock> further = ChainScript.Make(Self, 6, from: own[^1]);
        await RunAsync(new Answers().Add([further[1], further[3], further[4], further[5]]));
        Assert.Equal([8, 12, 13, 14], await _store.ReadBlocksAsync(8, Token).Select(block => (int)block.Body.Sequence).ToListAsync(Token));
    }

    [Fact]
    public async Task Run_LedgerLostAndKeyKept_TheChainGoesOn()
    {
        List<LedgerBlock> own = ChainScript.Make(Self, 100);
        await RunAsync(new Answers().Add(own[92..]));
        Assert.Equal(own[92..].Select(block => block.Hash), await _store.ReadBlocksAsync(0, Token).Select(block => block.Hash).ToListAsync(Token));
    }

    [Theory]
    [InlineData(3)]
    [InlineData(2)]
    [InlineData(6)]
    public async Task Run_OwnHistoryIsAnotherElsewhere_NothingMoreIsSealed(int shown)
    {
        List<LedgerBlock> own = ChainScript.Make(Self, 4), other = ChainScript.Make(Self, 7, salt: 1);
        await _store.AdoptBlocksAsync(own, Token);
        await RunAsync(new Answers().Add(other[..(shown + 1)]));
        Assert.NotNull(await _store.FindForkProofAsync(Key(Self), Token));
        Assert.Equal([2013], Events());
        Assert.Empty(_found);
        Assert.Equal(4, await _store.ReadBlocksAsync(0, Token).CountAsync(Token));

        var script = new SessionScript(5, LedgerRole.Provider);
        await _store.SaveSessionAsync(script.Record, Token);
        await _store.SaveReceiptAsync(script.Next(final: true), script.Record, Token);
        await _sealer.DisposeAsync();
        Assert.Equal(4, await _store.ReadBlocksAsync(0, Token).CountAsync(Token));

        // Nor after another start.
        await new LedgerSealer(_store, new SeedSigner(Self), new SealingOptions(), new FakeTimeProvider(), _log).DisposeAsync();
        Assert.Equal(4, await _store.ReadBlocksAsync(0, Token).CountAsync(Token));
    }

    [Fact]
    public async Task Run_PeersBlockNamesAnotherHistoryOfAThird_TheThirdIsShutOut()
    {
        List<LedgerBlock> first = ChainScript.Make(Third, 4), second = ChainScript.Make(Third, 4, salt: 1);
        await _store.SavePeerBlockAsync(first[3], Token);
        var peer = new Answers().Add(ChainScript.Make(Peer, 1, heads: second[3].Head)).Add(second);
        await RunAsync(peer);
        Assert.Equal([Key(Third)], _found);
        Assert.NotNull(await _store.FindForkProofAsync(Key(Third), Token));
        Assert.Null(await _store.FindForkProofAsync(Key(Peer), Token));
    }

    [Fact]
    public async Task Run_PeersBlockNamesAHashThatItCannotShow_NobodyIsAccused()
    {
        List<LedgerBlock> third = ChainScript.Make(Third, 4), own = ChainScript.Make(Self, 2);
        await _store.SavePeerBlockAsync(third[3], Token);
        await _store.AdoptBlocksAsync(own, Token);
        var invented = new Digest(new byte[32]);
        await RunAsync(new Answers().Add(ChainScript.Make(Peer, 1, heads: [third[3].Head with { BlockHash = invented }, own[1].Head with { BlockHash = invented }])));
        Assert.Empty(_found);
        Assert.Empty(await _store.FindForkProofsAsync(Token));
        Assert.Empty(Events());
    }

    [Fact]
    public async Task Run_MoreBlocksThanTheRequestsBring_GoesOnWhereItEndedTheTimeBefore()
    {
        LedgerHead[] heads = [.. Enumerable.Range(100, 64).Select(i => ChainScript.Make(i, 1)[0].Head)];
        List<LedgerBlock> chain = ChainScript.Make(Peer, 200, heads: heads);
        await RunAsync(new Answers().Add(chain[..1]));
        // An answer holds some seven blocks of this size.
        for (int last = 0; last < 199;)
        {
            await RunAsync(new Answers { Limit = 24 }.Add(chain));
            int now = (await KeptAsync(Peer))[^1];
            Assert.True(now > last, $"After block {last} came no other.");
            last = now;
        }

        Assert.Empty(_found);
    }

    [Fact]
    public async Task Run_ProofThatNobodyAskedFor_IsKeptAllTheSame()
    {
        List<LedgerBlock> first = ChainScript.Make(Third, 4), second = ChainScript.Make(Third, 4, salt: 1);
        Assert.True(ForkProof.TryCreate(first[2], second[2], out ForkProof? proof));
        await _store.SavePeerBlockAsync(first[3], Token);
        // The peer names a head of the third and keeps no block of it any more, but the proof.
        await RunAsync(new Answers { Fork = proof }.Add(ChainScript.Make(Peer, 1, heads: second[3].Head)));
        Assert.Equal([Key(Third)], _found);
        Assert.Equal(proof.Encode(), (await _store.FindForkProofAsync(Key(Third), Token))!.Encode());
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Run_PeerTellsWhatItKnowsOfTheOwnChain_SealingMayBegin(bool knows)
    {
        List<LedgerBlock> own = ChainScript.Make(Self, 2);
        await _store.AdoptBlocksAsync(own, Token);
        await RunAsync(knows ? new Answers().Add(own[..1]) : new Answers());

        var script = new SessionScript(5, LedgerRole.Provider);
        await _store.SaveSessionAsync(script.Record, Token);
        await _store.SaveReceiptAsync(script.Next(final: true), script.Record, Token);
        await _sealer.DisposeAsync();
        Assert.Equal(3, await _store.ReadBlocksAsync(0, Token).CountAsync(Token));
    }

    [Fact]
    public async Task Run_ManyContradictions_OnlySoManyAreLookedInto()
    {
        LedgerHead[] heads = [.. Enumerable.Range(100, 20).Select(i => ChainScript.Make(i, 1)[0].Head with { BlockHash = new Digest(new byte[32]) })];
        for (int i = 100; i < 120; i++) await _store.SavePeerBlockAsync(ChainScript.Make(i, 1)[0], Token);
        var peer = new Answers().Add(ChainScript.Make(Peer, 1, heads: heads));
        await RunAsync(peer, new ExchangeOptions { MaxContradictions = 5 });
        Assert.Equal(2 + 5, peer.Asked);
    }

    private static PublicKey Key(int number) => new SeedSigner(number).PublicKey;

    private async Task RunAsync(Answers peer, ExchangeOptions? options = null)
    {
        var check = new ChainCheck(Key(Self), _store, _sealer, options ?? new ExchangeOptions(), _log)
        {
            ForkFound = key =>
            {
                _found.Add(key);
                return Task.CompletedTask;
            },
        };
        await check.RunAsync(Key(Peer), peer, Token);
    }

    private async Task<List<int>> KeptAsync(int author) => [.. (await _store.FindPeerBlocksAsync(Key(author), Token)).Select(block => (int)block.Body.Sequence)];

    private int[] Events() => [.. _log.Collector.GetSnapshot().Where(record => record.Level >= LogLevel.Information).Select(record => record.Id.Id)];

    /// <summary>A peer that has some blocks, of whomever, and tells the truth about them.</summary>
    private sealed class Answers : IChainSource
    {
        private readonly Dictionary<PublicKey, List<LedgerBlock>> _blocks = [];

        internal int Asked { get; private set; }

        public int Left => Limit - Asked;

        internal int Limit { get; init; } = 1000;

        internal ForkProof? Fork { get; init; }

        internal Answers Add(List<LedgerBlock> blocks)
        {
            _blocks.Add(blocks[0].Body.Author, blocks);
            return this;
        }

        public ValueTask<LedgerAnswer> AskAsync(LedgerRequest request, CancellationToken cancellationToken)
        {
            Asked++;
            List<LedgerBlock> all = _blocks.GetValueOrDefault(request.Author) ?? [];
            var answer = new LedgerAnswer(
                request.IsForNewest ? [.. all.TakeLast(1)] : [.. all.Where(block => block.Body.Sequence >= request.First && block.Body.Sequence < request.First + (ulong)request.Count)],
                Fork?.Author == request.Author ? Fork : null);
            return ValueTask.FromResult(LedgerAnswer.Decode(answer.Encode(), request) ?? throw new SessionException(SessionError.Malformed, "The answer is none."));
        }
    }
}
