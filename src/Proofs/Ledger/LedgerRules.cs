using Overlay.Proofs.Merkle;
using Overlay.Proofs.Receipts;

namespace Overlay.Proofs.Ledger;

/// <summary>What may follow what in a ledger: the one statement of the rules, for the stores before they write and for the verifier after.</summary>
/// <remarks>Pure functions. Each answers null, or in words what is wrong.</remarks>
internal static class LedgerRules
{
    /// <summary>Of how many other chains a ledger remembers blocks.</summary>
    public const int MaxPeerChainCount = 1024;

    /// <summary>How many blocks of another chain a ledger remembers.</summary>
    public const int MaxPeerBlockCount = 8;

    /// <summary>How many proofs of forks a ledger keeps, one for an author.</summary>
    public const int MaxForkProofCount = 1024;

    /// <summary>Of how many authors a ledger remembers that they have forked, with or without the proof.</summary>
    public const int MaxForkedCount = 65_536;

    /// <summary>Whether a block's tree is that of <paramref name="receipts"/>, in this order.</summary>
    public static bool Covers(LedgerBlock block, IReadOnlyList<ReceiptEntry> receipts) =>
        block.Body.ReceiptCount == receipts.Count && new MerkleTree([.. receipts.Select(entry => LedgerBlock.LeafHash(entry.Receipt))]).Root == block.Body.ReceiptsRoot;

    /// <summary>A caller's mistake rather than a contradiction: a block without receipts, or of others than are given.</summary>
    public static void ThrowIfNoBlock(LedgerBlock block, IReadOnlyList<ReceiptEntry> receipts)
    {
        ArgumentNullException.ThrowIfNull(block);
        ArgumentNullException.ThrowIfNull(receipts);
        if (receipts.Count == 0) throw new ArgumentException("A block has at least one receipt.", nameof(receipts));
        if (!Covers(block, receipts)) throw new ArgumentException("The block's root is not that of the receipts.", nameof(receipts));
    }

    /// <summary>Whether <paramref name="next"/> may follow <paramref name="latest"/>, the newest block kept, or null when there is none.</summary>
    public static string? ObjectToBlock(LedgerBlock? latest, LedgerBlock next)
    {
        if (latest is not null) return LedgerChain.ObjectToSuccessor(latest, next);
        return next.Body.Sequence == 0 ? null : "sequence 0 is due";
    }

    /// <summary>Whether a final receipt may stand in a block.</summary>
    /// <param name="asked">The receipt.</param>
    /// <param name="kept">What is kept in its place, or null.</param>
    /// <param name="isSealed">Whether that stands in a block.</param>
    public static string? ObjectToLeaf(ReceiptEntry asked, ReceiptEntry? kept, bool isSealed)
    {
        if (kept is null || kept.Receipt.Hash != asked.Receipt.Hash) return "it is not in the ledger";
        if (!kept.Receipt.Body.Final || !kept.Receipt.IsCountersigned) return "it is not final with both signatures";
        return isSealed ? "it stands in a block already" : null;
    }

    /// <summary>Whether <paramref name="next"/>, which was lost, may follow <paramref name="latest"/>, the newest block kept or the adopted one before it, perhaps with a gap between.</summary>
    public static string? ObjectToAdopted(LedgerBlock? latest, LedgerBlock next)
    {
        if (latest is null) return null;
        if (next.Body.Sequence == latest.Body.Sequence + 1) return LedgerChain.ObjectToSuccessor(latest, next);
        if (next.Body.Author != latest.Body.Author) return $"its author is {next.Body.Author}, the chain's is {latest.Body.Author}";
        if (next.Body.Sequence <= latest.Body.Sequence) return $"block {latest.Body.Sequence} is kept already";
        return next.Body.Epoch < latest.Body.Epoch || next.Body.Time < latest.Body.Time ? "it is older than the one before it" : null;
    }

    /// <summary>Finds the first of a run of lost blocks that may not be taken back.</summary>
    /// <exception cref="LedgerException">There is one.</exception>
    public static void ThrowIfNotAdoptable(LedgerBlock? latest, IReadOnlyList<LedgerBlock> blocks)
    {
        for (int i = 0; i < blocks.Count; i++)
        {
            string? objection = i == 0 ? ObjectToAdopted(latest, blocks[0]) : LedgerChain.ObjectToSuccessor(blocks[i - 1], blocks[i]);
            if (objection is not null) throw Contradiction(blocks[i], objection);
        }
    }

    /// <summary>A caller's mistake rather than a contradiction: nothing to adopt.</summary>
    public static void ThrowIfNone(IReadOnlyList<LedgerBlock> blocks)
    {
        ArgumentNullException.ThrowIfNull(blocks);
        if (blocks.Count == 0) throw new ArgumentException("There are no blocks.", nameof(blocks));
    }

    /// <summary>Whether a block and the one kept in its place are two that their author cannot both have signed in good faith.</summary>
    public static string? ObjectToPeerBlock(Digest? kept, LedgerBlock next) => kept is { } known && known != next.Hash ? "its author has signed another in its place" : null;

    /// <summary>The exception for an objection to a block.</summary>
    public static LedgerException Contradiction(LedgerBlock block, string objection) => new(LedgerError.Contradiction, $"Block {block.Body.Sequence}: {objection}.");

    /// <summary>A caller's mistake rather than a contradiction: an entry handed over with the record of another session.</summary>
    public static void ThrowIfMismatched(ReceiptEntry entry, SessionRecord session)
    {
        ArgumentNullException.ThrowIfNull(entry);
        ArgumentNullException.ThrowIfNull(session);
        if (entry.Receipt.Body.SessionId != session.SessionId || entry.Role != session.Role)
            throw new ArgumentException("The receipt and the session record are not of the same session and role.", nameof(session));
    }

    /// <summary>Whether <paramref name="next"/> may take the place of <paramref name="kept"/>: the terms stand still, legs and the closing only go forward.</summary>
    public static string? ObjectToSession(SessionRecord kept, SessionRecord next)
    {
        if (next.Counterparty != kept.Counterparty) return "the counterparty would change";
        if (next.OfferId != kept.OfferId) return "the offer would change";
        if (next.PricePerGiB != kept.PricePerGiB) return $"the price would change from {kept.PricePerGiB} to {next.PricePerGiB}";
        if (next.OpenedAt != kept.OpenedAt) return "the time of opening would change";
        if (!Equals(next.Seed, kept.Seed)) return "the seed of its blindings would change";
        if (next.Leg < kept.Leg) return $"the leg in use would go back from {kept.Leg} to {next.Leg}";
        if (kept.State == SessionState.Closed && next.State != SessionState.Closed) return $"it is closed and would become {next.State}";
        return null;
    }

    /// <summary>Whether <paramref name="next"/> may be kept at all in <paramref name="session"/>, whatever came before it. To be asked of what is new: its commitment is computed again.</summary>
    public static string? ObjectToReceipt(SessionRecord session, ReceiptEntry next) => ObjectToTerms(session, next)
        ?? (ReceiptCommitment.Opens(next.Receipt.Body, next.Opening, session.Seed) ? null : "its opening does not open its commitment");

    /// <summary>The part of <see cref="ObjectToReceipt"/> that computes nothing.</summary>
    public static string? ObjectToTerms(SessionRecord session, ReceiptEntry next)
    {
        ReceiptBody body = next.Receipt.Body;
        PublicKey other = next.Role == LedgerRole.Provider ? body.Consumer : body.Provider;
        if (other != session.Counterparty) return $"it names {other} where the session's counterparty is {session.Counterparty}";
        if (body.PricePerGiB != session.PricePerGiB) return $"its price is {body.PricePerGiB}, the session's {session.PricePerGiB}";
        if (ReceiptCommitment.IsHidden(body.Commitment.Span) != session.Seed is not null)
            return session.Seed is null ? "its commitment hides the total, which the session does not" : "its commitment does not hide the total";
        return null;
    }

    /// <summary>Whether <paramref name="next"/> may follow <paramref name="previous"/>, the newest receipt kept of the same session and role, or null when there is none.</summary>
    public static string? ObjectToSuccessor(ReceiptEntry? previous, ReceiptEntry next)
    {
        ReceiptBody body = next.Receipt.Body;
        if (previous is null)
        {
            if (body.Leg != 0 || body.Sequence != 0) return "it is the session's first but not leg 0, sequence 0";
            return body.PreviousReceiptHash.IsZero ? null : "it is the session's first but names one before it";
        }

        ReceiptBody last = previous.Receipt.Body;
        if (body.Provider != last.Provider || body.Consumer != last.Consumer) return "its keys are not those of the receipt before it";
        if (body.Leg == last.Leg)
        {
            if (last.Final) return $"the leg ended with sequence {last.Sequence}";
            if (body.Sequence != last.Sequence + 1) return $"sequence {last.Sequence + 1} is due";
            if (next.Opening.Up < previous.Opening.Up) return $"its bytes up ({next.Opening.Up}) are fewer than before ({previous.Opening.Up})";
            if (next.Opening.Down < previous.Opening.Down) return $"its bytes down ({next.Opening.Down}) are fewer than before ({previous.Opening.Down})";
        }
        else
        {
            if (!last.Final) return $"leg {last.Leg} has not ended";
            if (body.Leg != (ulong)last.Leg + 1) return $"leg {(ulong)last.Leg + 1} is due";
            if (body.Sequence != 0) return "a leg begins with sequence 0";
        }

        return body.PreviousReceiptHash == previous.Receipt.Hash ? null : "the hash it names is not that of the receipt before it";
    }

    /// <summary>Whether <paramref name="again"/> is the receipt already kept under its session, leg and sequence.</summary>
    public static string? ObjectToRepetition(ReceiptEntry kept, ReceiptEntry again)
    {
        if (kept.Receipt.Hash != again.Receipt.Hash) return "another receipt is kept under that sequence";
        return kept.Opening == again.Opening ? null : "the same receipt is kept with another opening";
    }

    /// <summary>Whether keeping <paramref name="again"/> in place of the same receipt <paramref name="kept"/> gains the provider's signature.</summary>
    public static bool Improves(ReceiptEntry kept, ReceiptEntry again) => again.Receipt.IsCountersigned && !kept.Receipt.IsCountersigned;

    /// <summary>The exception for an objection to a session record.</summary>
    public static LedgerException Contradiction(SessionRecord session, string objection) =>
        new(LedgerError.Contradiction, $"Session {session.SessionId} ({session.Role}): {objection}.");

    /// <summary>The exception for an objection to a receipt.</summary>
    public static LedgerException Contradiction(ReceiptEntry entry, string objection) =>
        new(LedgerError.Contradiction, $"{Describe(entry)}: {objection}.");

    /// <summary>Names a receipt in words.</summary>
    public static string Describe(ReceiptEntry entry) =>
        $"Session {entry.Receipt.Body.SessionId} ({entry.Role}), leg {entry.Receipt.Body.Leg}, sequence {entry.Receipt.Body.Sequence}";
}
