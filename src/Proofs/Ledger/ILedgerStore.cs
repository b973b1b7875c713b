using Overlay.Proofs.Receipts;

namespace Overlay.Proofs.Ledger;

/// <summary>Where a node keeps its sessions and receipts. What a method has returned from is durable, as far as the store promises any durability.</summary>
/// <remarks>
/// Safe on several threads. Writes are applied in the order in which they were called. Cancelling a write that waits to be queued leaves nothing
/// behind; once queued it runs to its end, and its caller hears how it ended. A write that fails with <see cref="LedgerError.ReadOnly"/> was not
/// acknowledged, but may be found after reopening.
/// </remarks>
public interface ILedgerStore : IPeerChainStore, IAsyncDisposable
{
    /// <summary>Why the store takes no more writes until it is opened again (<see cref="LedgerError.ReadOnly"/>), or null while it does. Reading goes on either way.</summary>
    LedgerException? Fault { get; }

    /// <summary>Adds or replaces the record of a session.</summary>
    /// <exception cref="LedgerException">The store cannot write, or the record would contradict the one kept: another counterparty, offer, price or
    /// time of opening; an earlier leg; a closed session that would open again. Nothing was acknowledged.</exception>
    ValueTask SaveSessionAsync(SessionRecord session, CancellationToken cancellationToken);

    /// <summary>Adds a receipt, or adds the provider's signature to the very same receipt, together with its session's record, in one transaction.</summary>
    /// <remarks>Saving what is already kept succeeds and changes nothing; a provider's signature once kept is never taken away.</remarks>
    /// <exception cref="LedgerException">The store cannot write, or the receipt would contradict what is kept: an unknown or closed session; keys or a
    /// price that are not the session's; an opening that does not open the commitment; another body or opening for the same session, leg and
    /// sequence; a sequence that is not the next of its leg, from 0; bytes up or down below those of the receipt before; a leg that begins before
    /// the one before it has ended, or goes on after its final receipt; a previous hash that is not that of the session's newest receipt.
    /// A session record is refused as by <see cref="SaveSessionAsync"/>. Nothing was acknowledged.</exception>
    /// <exception cref="ArgumentException"><paramref name="entry"/> and <paramref name="session"/> are of different sessions or roles.</exception>
    ValueTask SaveReceiptAsync(ReceiptEntry entry, SessionRecord session, CancellationToken cancellationToken);

    /// <summary>The record of one session, or null.</summary>
    ValueTask<SessionRecord?> FindSessionAsync(Digest sessionId, LedgerRole role, CancellationToken cancellationToken);

    /// <summary>Sessions with <paramref name="counterparty"/> in which this node had <paramref name="role"/> and whose state is not
    /// <see cref="SessionState.Closed"/>, in the order they were first saved, at most <paramref name="limit"/>.</summary>
    ValueTask<IReadOnlyList<SessionRecord>> FindUnsettledAsync(PublicKey counterparty, LedgerRole role, int limit, CancellationToken cancellationToken);

    /// <summary>The session's newest receipt in <paramref name="role"/>, or null.</summary>
    ValueTask<ReceiptEntry?> FindLatestReceiptAsync(Digest sessionId, LedgerRole role, CancellationToken cancellationToken);

    /// <summary>All sessions, in the order they were first saved. What is saved meanwhile may be among them.</summary>
    IAsyncEnumerable<SessionRecord> ReadSessionsAsync(CancellationToken cancellationToken);

    /// <summary>Receipts in the order they were first stored: all of them, or one session's in either role. What is saved meanwhile may be among them.</summary>
    /// <remarks>Signatures are not checked again; <see cref="LedgerVerifier"/> does that.</remarks>
    IAsyncEnumerable<ReceiptEntry> ReadReceiptsAsync(Digest? sessionId, CancellationToken cancellationToken);

    /// <summary>Sessions, the one saved first last: the newest <paramref name="limit"/>, or of those with numbers below <paramref name="before"/>.</summary>
    ValueTask<IReadOnlyList<LedgerRow<SessionRecord>>> FindNewestSessionsAsync(long? before, int limit, CancellationToken cancellationToken);

    /// <summary>One session's receipts in either role, the one stored first last: the newest <paramref name="limit"/>, or of those with numbers below <paramref name="before"/>.</summary>
    ValueTask<IReadOnlyList<LedgerRow<ReceiptEntry>>> FindNewestReceiptsAsync(Digest sessionId, long? before, int limit, CancellationToken cancellationToken);

    /// <summary>Finished legs that stand in no block yet: their final receipts with both signatures, in the order they were first stored, at most <paramref name="limit"/>.</summary>
    ValueTask<IReadOnlyList<ReceiptEntry>> FindUnsealedAsync(int limit, CancellationToken cancellationToken);

    /// <summary>Adds the next block of this ledger's own chain, and which finished legs stand in it, in one transaction.</summary>
    /// <param name="block">The block, of this node's own chain. Its signature is not checked again.</param>
    /// <param name="receipts">The final receipts in the order of the block's tree, at least one.</param>
    /// <param name="cancellationToken">As for every write.</param>
    /// <exception cref="LedgerException">The store cannot write, or the block would contradict what is kept: a sequence that is not the next, another previous hash
    /// or author than the newest block's, an epoch or time before its; a receipt that is not kept as final with both signatures, or stands in a block already. Nothing was acknowledged.</exception>
    /// <exception cref="ArgumentException">There are no receipts, or the block's root and count are not those of <paramref name="receipts"/>.</exception>
    ValueTask SaveBlockAsync(LedgerBlock block, IReadOnlyList<ReceiptEntry> receipts, CancellationToken cancellationToken);

    /// <summary>The newest block, or null before the first.</summary>
    ValueTask<LedgerBlock?> FindLatestBlockAsync(CancellationToken cancellationToken);

    /// <summary>Blocks from <paramref name="first"/> on, in order. What is saved meanwhile may be among them.</summary>
    IAsyncEnumerable<LedgerBlock> ReadBlocksAsync(ulong first, CancellationToken cancellationToken);

    /// <summary>The final receipts in a block, in the order of its tree; none when there is no such block.</summary>
    ValueTask<IReadOnlyList<ReceiptEntry>> FindSealedAsync(ulong sequence, CancellationToken cancellationToken);

    /// <summary>Where a finished leg stands, or null while it is in no block.</summary>
    ValueTask<BlockPlace?> FindPlaceAsync(Digest sessionId, LedgerRole role, uint leg, CancellationToken cancellationToken);

    /// <summary>Takes blocks of this ledger's own chain back that it has lost, as after a restored backup: what they sealed stays unknown, but the chain goes on behind them.</summary>
    /// <param name="blocks">Blocks of the own chain whose signatures hold, each the next of the one before it, all higher than the newest kept. What lies between that and
    /// the first of them stays missing.</param>
    /// <param name="cancellationToken">As for every write.</param>
    /// <exception cref="LedgerException">The store cannot write, or the blocks contradict what is kept: another author, a sequence that is not higher, an epoch or time before
    /// the newest block's, a previous hash that is not that of the block before. Nothing was changed.</exception>
    /// <exception cref="ArgumentException">There are no blocks.</exception>
    ValueTask AdoptBlocksAsync(IReadOnlyList<LedgerBlock> blocks, CancellationToken cancellationToken);

    /// <summary>Whether a block was adopted and not sealed by this ledger (<see cref="AdoptBlocksAsync"/>). False when there is no such block.</summary>
    ValueTask<bool> IsAdoptedAsync(ulong sequence, CancellationToken cancellationToken);

    /// <summary>Receipts as they become countersigned and durable, each once, from the first <c>MoveNextAsync</c> on, until the store is closed.</summary>
    /// <remarks>Never holds up a write: 1,024 receipts wait for a slow watcher, then the oldest are dropped. They are still in the ledger,
    /// and receipts are cumulative, so a session's next one tells what a dropped one told.</remarks>
    IAsyncEnumerable<ReceiptEntry> WatchAsync(CancellationToken cancellationToken);
}

/// <summary>On which side of a session or receipt this node stands.</summary>
public enum LedgerRole
{
    /// <summary>It gave the service.</summary>
    Provider = 1,

    /// <summary>It used the service.</summary>
    Consumer = 2,
}

/// <summary>How far a session has come.</summary>
public enum SessionState
{
    /// <summary>In use, or ended without a word (a lost connection, a crash): to be settled at the next meeting.</summary>
    Open = 1,

    /// <summary>The final receipt of its last leg is countersigned and stored here; the other side may not have it yet.</summary>
    Settled = 2,

    /// <summary>Both sides are known to hold the final receipt. Nothing more will come.</summary>
    Closed = 3,

    /// <summary>The counts could not be agreed; both hold the last receipt that was.</summary>
    Disputed = 4,
}

/// <summary>A session as kept on disk: who with, at what terms, and the counts from which a lost connection is settled.</summary>
public sealed record SessionRecord
{
    /// <summary>The session's id.</summary>
    public required Digest SessionId { get; init; }

    /// <summary>This node's side.</summary>
    public required LedgerRole Role { get; init; }

    /// <summary>The other side's key.</summary>
    public required PublicKey Counterparty { get; init; }

    /// <summary>The offer the session is bound to.</summary>
    public required Digest OfferId { get; init; }

    /// <summary>Price in micro-credits for a GiB.</summary>
    public required ulong PricePerGiB { get; init; }

    /// <summary>Credit window in bytes when this record was written: the most that can be unpaid.</summary>
    public required ulong CreditWindow { get; init; }

    /// <summary>The leg in use, from 0.</summary>
    public required uint Leg { get; init; }

    /// <summary>Counts of the leg in use, as this side has counted them.</summary>
    public required ReceiptOpening Counted { get; init; }

    /// <summary>Whether <see cref="Counted"/> is the whole truth (written after the last byte) and not a checkpoint that bytes may have followed.</summary>
    public required bool CountedExactly { get; init; }

    /// <summary>How far it has come.</summary>
    public required SessionState State { get; init; }

    /// <summary>When it was opened, seconds since the Unix epoch.</summary>
    public required ulong OpenedAt { get; init; }

    /// <summary>What both sides derive the blindings of its receipts from; null in a session from before receipts hid their totals.</summary>
    public required BlindingSeed? Seed { get; init; }
}

/// <summary>A kept receipt with the opening that both sides checked.</summary>
/// <param name="Receipt">The receipt; on the consumer's side perhaps not yet countersigned.</param>
/// <param name="Opening">What its commitment opens to.</param>
/// <param name="Role">This node's side.</param>
public sealed record ReceiptEntry(Receipt Receipt, ReceiptOpening Opening, LedgerRole Role);
