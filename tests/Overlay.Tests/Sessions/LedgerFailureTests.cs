using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Testing;
using Overlay.Proofs;
using Overlay.Proofs.Ledger;
using Overlay.Sessions;

namespace Overlay.Tests.Sessions;

/// <summary>A provider whose disk fails signs nothing more, says why, and can still be read.</summary>
public class LedgerFailureTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Provider_DiskFailsDuringASession_CountersignsNothingMoreAndSaysWhy()
    {
        FailingStore? disk = null;
        var log = new FakeLogger();
        await using var pair = new SessionPair(
            new SessionOptions { ReceiptDelay = TimeSpan.FromSeconds(1) }, clock: TimeProvider.System, providerDisk: store => disk = new FailingStore(store), providerLog: log);
        ConsumerSession session = await pair.OpenAsync();
        Assert.Equal([1, 2, 3], await SessionTests.EchoAsync(session, [1, 2, 3]));
        disk!.Fail();

        await session.Completion;

        Assert.Equal(SessionError.Ledger, session.Error!.Reason);
        Assert.False(Assert.Single(await pair.ReceiptsAsync(pair.ConsumerStore)).Receipt.IsCountersigned);
        Assert.Empty(await pair.ReceiptsAsync(pair.ProviderStore));
        for (int i = 0; i < 2; i++)
        {
            var refused = await Assert.ThrowsAsync<SessionException>(async () => await pair.Consumer.AskAsync(pair.Dialer, new SessionWish(), Token));
            Assert.Equal(SessionError.Ledger, refused.Reason);
        }

        await pair.Dialer.DisposeAsync();
        await pair.Listener.WhenHandledAsync();
        FakeLogRecord told = Assert.Single(log.Collector.GetSnapshot(), record => record.Id.Id == 2005);
        Assert.Equal(LogLevel.Error, told.Level);
        Assert.Contains("disk is full", told.Message, StringComparison.Ordinal);
        Assert.NotNull(await disk.FindSessionAsync(session.Id, LedgerRole.Provider, Token));
    }

    [Fact]
    public async Task Provider_DiskFailedAfterAnOffer_AcceptsNoSession()
    {
        FailingStore? disk = null;
        await using var pair = new SessionPair(providerDisk: store => disk = new FailingStore(store));
        Assert.NotNull(await pair.Consumer.AskAsync(pair.Dialer, new SessionWish(), Token));
        disk!.Fail();
        var refused = await Assert.ThrowsAsync<SessionException>(async () => await pair.OpenAsync());
        Assert.Equal(SessionError.Ledger, refused.Reason);
        Assert.Equal(0, await pair.ProviderStore.ReadSessionsAsync(Token).CountAsync(Token));
    }

    private sealed class FailingStore(ILedgerStore kept) : ILedgerStore
    {
        public LedgerException? Fault { get; private set; }

        public void Fail() => Fault = new LedgerException(LedgerError.ReadOnly, "The ledger takes no more writes until it is opened again, because one failed: the disk is full.");

        public ValueTask SaveSessionAsync(SessionRecord session, CancellationToken cancellationToken) =>
            Fault is { } fault ? throw fault : kept.SaveSessionAsync(session, cancellationToken);

        public ValueTask SaveReceiptAsync(ReceiptEntry entry, SessionRecord session, CancellationToken cancellationToken) =>
            Fault is { } fault ? throw fault : kept.SaveReceiptAsync(entry, session, cancellationToken);

        public ValueTask<SessionRecord?> FindSessionAsync(Digest sessionId, LedgerRole role, CancellationToken cancellationToken) => kept.FindSessionAsync(sessionId, role, cancellationToken);

        public ValueTask<IReadOnlyList<SessionRecord>> FindUnsettledAsync(PublicKey counterparty, LedgerRole role, int limit, CancellationToken cancellationToken) =>
            kept.FindUnsettledAsync(counterparty, role, limit, cancellationToken);

        public ValueTask<ReceiptEntry?> FindLatestReceiptAsync(Digest sessionId, LedgerRole role, CancellationToken cancellationToken) => kept.FindLatestReceiptAsync(sessionId, role, cancellationToken);

        public IAsyncEnumerable<SessionRecord> ReadSessionsAsync(CancellationToken cancellationToken) => kept.ReadSessionsAsync(cancellationToken);

        public IAsyncEnumerable<ReceiptEntry> ReadReceiptsAsync(Digest? sessionId, CancellationToken cancellationToken) => kept.ReadReceiptsAsync(sessionId, cancellationToken);

        public ValueTask<IReadOnlyList<LedgerRow<SessionRecord>>> FindNewestSessionsAsync(long? before, int limit, CancellationToken cancellationToken) =>
            kept.FindNewestSessionsAsync(before, limit, cancellationToken);

        public ValueTask<IReadOnlyList<LedgerRow<ReceiptEntry>>> FindNewestReceiptsAsync(Digest sessionId, long? before, int limit, CancellationToken cancellationToken) =>
            kept.FindNewestReceiptsAsync(sessionId, before, limit, cancellationToken);

        public ValueTask<IReadOnlyList<ReceiptEntry>> FindUnsealedAsync(int limit, CancellationToken cancellationToken) => kept.FindUnsealedAsync(limit, cancellationToken);

        public ValueTask SaveBlockAsync(LedgerBlock block, IReadOnlyList<ReceiptEntry> receipts, CancellationToken cancellationToken) =>
            Fault is { } fault ? throw fault : kept.SaveBlockAsync(block, receipts, cancellationToken);

        public ValueTask<LedgerBlock?> FindLatestBlockAsync(CancellationToken cancellationToken) => kept.FindLatestBlockAsync(cancellationToken);

        public IAsyncEnumerable<LedgerBlock> ReadBlocksAsync(ulong first, CancellationToken cancellationToken) => kept.ReadBlocksAsync(first, cancellationToken);

        public ValueTask<IReadOnlyList<ReceiptEntry>> FindSealedAsync(ulong sequence, CancellationToken cancellationToken) => kept.FindSealedAsync(sequence, cancellationToken);

        public ValueTask<BlockPlace?> FindPlaceAsync(Digest sessionId, LedgerRole role, uint leg, CancellationToken cancellationToken) => kept.FindPlaceAsync(sessionId, role, leg, cancellationToken);

        public ValueTask AdoptBlocksAsync(IReadOnlyList<LedgerBlock> blocks, CancellationToken cancellationToken) =>
            Fault is { } fault ? throw fault : kept.AdoptBlocksAsync(blocks, cancellationToken);

        public ValueTask<bool> IsAdoptedAsync(ulong sequence, CancellationToken cancellationToken) => kept.IsAdoptedAsync(sequence, cancellationToken);

        public ValueTask SavePeerBlockAsync(LedgerBlock block, CancellationToken cancellationToken) =>
            Fault is { } fault ? throw fault : kept.SavePeerBlockAsync(block, cancellationToken);

        public ValueTask<IReadOnlyList<LedgerBlock>> FindPeerBlocksAsync(PublicKey author, CancellationToken cancellationToken) => kept.FindPeerBlocksAsync(author, cancellationToken);

        public ValueTask<IReadOnlyList<LedgerHead>> FindHeadsAsync(int limit, CancellationToken cancellationToken) => kept.FindHeadsAsync(limit, cancellationToken);

        public ValueTask SaveForkProofAsync(ForkProof proof, CancellationToken cancellationToken) =>
            Fault is { } fault ? throw fault : kept.SaveForkProofAsync(proof, cancellationToken);

        public ValueTask<bool> HasForkedAsync(PublicKey author, CancellationToken cancellationToken) => kept.HasForkedAsync(author, cancellationToken);

        public ValueTask<ForkProof?> FindForkProofAsync(PublicKey author, CancellationToken cancellationToken) => kept.FindForkProofAsync(author, cancellationToken);

        public ValueTask<IReadOnlyList<ForkProof>> FindForkProofsAsync(CancellationToken cancellationToken) => kept.FindForkProofsAsync(cancellationToken);

        public IAsyncEnumerable<ReceiptEntry> WatchAsync(CancellationToken cancellationToken) => kept.WatchAsync(cancellationToken);

        public ValueTask DisposeAsync() => kept.DisposeAsync();
    }
}
