using Overlay.Proofs.Receipts;

namespace Overlay.Proofs.Ledger;

/// <summary>Where a node keeps its sessions and receipts. What a method has returned from is durable.</summary>
/// <remarks>Safe on several threads. Writes are applied in the order in which they were called.</remarks>
public interface ILedgerStore : IAsyncDisposable
{
    /// <summary>Adds or replaces the record of a session.</summary>
    /// <exception cref="LedgerException">The store cannot write; nothing was acknowledged.</exception>
    ValueTask SaveSessionAsync(SessionRecord session, CancellationToken cancellationToken);

    /// <summary>Adds a receipt, or adds the provider's signature to the very same receipt, together with its session's record, in one transaction.</summary>
    /// <exception cref="LedgerException">The store cannot write, or the receipt would contradict one already kept: another body for the same
    /// session, leg and sequence; a total below an earlier one; anything after the leg's final receipt; an unknown session.</exception>
    ValueTask SaveReceiptAsync(ReceiptEntry entry, SessionRecord session, CancellationToken cancellationToken);

    /// <summary>The record of one session, or null.</summary>
    ValueTask<SessionRecord?> FindSessionAsync(Digest sessionId, LedgerRole role, CancellationToken cancellationToken);

    /// <summary>Sessions with <paramref name="counterparty"/> in which this node had <paramref name="role"/> and whose state is not
    /// <see cref="SessionState.Closed"/>, oldest first, at most <paramref name="limit"/>.</summary>
    ValueTask<IReadOnlyList<SessionRecord>> FindUnsettledAsync(PublicKey counterparty, LedgerRole role, int limit, CancellationToken cancellationToken);

    /// <summary>The session's newest receipt in <paramref name="role"/>, or null.</summary>
    ValueTask<ReceiptEntry?> FindLatestReceiptAsync(Digest sessionId, LedgerRole role, CancellationToken cancellationToken);

    /// <summary>All sessions, oldest first.</summary>
    IAsyncEnumerable<SessionRecord> ReadSessionsAsync(CancellationToken cancellationToken);

    /// <summary>Receipts in the order they were first stored: all of them, or one session's.</summary>
    IAsyncEnumerable<ReceiptEntry> ReadReceiptsAsync(Digest? sessionId, CancellationToken cancellationToken);
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
}

/// <summary>A kept receipt with the opening that both sides checked.</summary>
/// <param name="Receipt">The receipt; on the consumer's side perhaps not yet countersigned.</param>
/// <param name="Opening">What its commitment opens to.</param>
/// <param name="Role">This node's side.</param>
public sealed record ReceiptEntry(Receipt Receipt, ReceiptOpening Opening, LedgerRole Role);
