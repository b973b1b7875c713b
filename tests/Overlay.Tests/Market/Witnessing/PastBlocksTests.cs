using Microsoft.Extensions.Logging.Testing;
using Microsoft.Extensions.Time.Testing;
using Overlay.Market.Witnessing;
using Overlay.Proofs;
using Overlay.Proofs.Ledger;
using Overlay.TestKit.InMemoryPeers;
using Overlay.TestKit.Proofs;
using Overlay.Transport.Connections;

namespace Overlay.Tests.Market.Witnessing;

public sealed class PastBlocksTests : IAsyncDisposable
{
    private static readonly Digest s_block = Hash(1), s_next = Hash(2);

    private readonly FakeTimeProvider _time = new(Words.Now);
    private readonly InMemoryConnection _connection, _other;
    private readonly PastBlocks _pasts;
    private Func<CancellationToken, ValueTask<Digest>> _shown = _ => ValueTask.FromResult(s_block);

    public PastBlocksTests()
    {
        (_connection, _other) = InMemoryConnection.Create(Words.IdentityOf(10), Words.IdentityOf(1));
        _pasts = new PastBlocks((_, _, _, token) => _shown(token), capacity: 2, _time, new FakeLogger());
    }

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public async ValueTask DisposeAsync()
    {
        await _connection.DisposeAsync();
        await _other.DisposeAsync();
    }

    [Fact]
    public async Task Block_OfAProviderThatDoesNotAnswer_IsTheOneThatItLastShowed()
    {
        Assert.Null(await OfAsync(1, null));
        Assert.Equal(s_block, await OfAsync(1, _connection));
        Assert.Equal(s_block, await OfAsync(1, null));
        _shown = _ => ValueTask.FromResult(s_next);
        Assert.Equal(s_next, await OfAsync(1, _connection));
        Assert.Equal(s_next, await OfAsync(1, null));
    }

    [Fact]
    public async Task Block_WhereTheChainIsNotShown_StaysTheOneBefore()
    {
        Assert.Equal(s_block, await OfAsync(1, _connection));
        foreach (Exception failure in new Exception[] { new IOException("broken off"), new InvalidOperationException("of another kind"),
            new OperationCanceledException("took too long"), new LedgerException(LedgerError.Format, "no chain") })
        {
            _shown = _ => throw failure;
            Assert.Equal(s_block, await OfAsync(1, _connection));
            Assert.Equal(s_block, await OfAsync(1, null));
            // Whoever has shown none yet has none that its witnesses could be found by.
            Assert.Null(await OfAsync(2, _connection));
            Assert.Null(await OfAsync(2, null));
        }
    }

    [Fact]
    public async Task Block_WhereTheProviderStalls_IsNotWaitedForLong()
    {
        _shown = async token =>
        {
            await Task.Delay(Timeout.InfiniteTimeSpan, token);
            return s_next;
        };
        Task<Digest?> reading = OfAsync(1, _connection);
        _time.Advance(TimeSpan.FromSeconds(15));
        Assert.Null(await reading);
    }

    [Fact]
    public async Task Blocks_OfMoreProvidersThanThereIsRoomFor_TheOldestIsForgottenAndOnlyForANewOne()
    {
        await OfAsync(1, _connection, Words.Epoch);
        await OfAsync(2, _connection, Words.Epoch + 1);
        await OfAsync(2, _connection, Words.Epoch + 2);
        Assert.Equal(s_block, await OfAsync(1, null));
        await OfAsync(3, _connection, Words.Epoch + 2);
        Assert.Null(await OfAsync(1, null));
        Assert.Equal(s_block, await OfAsync(2, null));
    }

    private static Digest Hash(byte value) => new(Enumerable.Repeat(value, Digest.Size).ToArray());

    private Task<Digest?> OfAsync(int provider, PeerConnection? connection, ulong epoch = Words.Epoch) =>
        _pasts.OfAsync(connection, new Watched(new SeedSigner(provider).PublicKey, Words.PeerOf(provider), []), epoch, Token).AsTask();
}
