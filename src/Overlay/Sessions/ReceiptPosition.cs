using Overlay.Proofs;
using Overlay.Proofs.Ledger;
using Overlay.Proofs.Receipts;

namespace Overlay.Sessions;

/// <summary>Where a session's chain of receipts stands: what the next receipt must be.</summary>
/// <param name="Leg">The leg in use.</param>
/// <param name="Sequence">Number of the next receipt in that leg; 0 when the leg has none.</param>
/// <param name="Previous">Hash of the session's newest receipt; zero before the first.</param>
/// <param name="Paid">What the leg's newest receipt states.</param>
/// <param name="Epoch">The leg's epoch, once it has a receipt.</param>
internal readonly record struct ReceiptPosition(uint Leg, ulong Sequence, Digest Previous, ReceiptOpening Paid, ulong? Epoch)
{
    /// <summary>The position behind the newest receipt of a session, or its beginning.</summary>
    internal static ReceiptPosition After(ReceiptEntry? newest) => newest is null ? default : Behind(newest);

    /// <summary>The position behind <paramref name="entry"/>. A final receipt begins the next leg.</summary>
    internal static ReceiptPosition Behind(ReceiptEntry entry)
    {
        ReceiptBody body = entry.Receipt.Body;
        return body.Final
            ? new ReceiptPosition(checked(body.Leg + 1), 0, entry.Receipt.Hash, default, null)
            : new ReceiptPosition(body.Leg, body.Sequence + 1, entry.Receipt.Hash, entry.Opening, body.Epoch);
    }

    /// <summary>Whether <paramref name="body"/> stands exactly here.</summary>
    internal bool IsAt(ReceiptBody body) =>
        body.Leg == Leg && body.Sequence == Sequence && body.PreviousReceiptHash == Previous && (Epoch is null || body.Epoch == Epoch);
}

/// <summary>What a state machine wants done, in this order: store, then send, then end the session if there is an error.</summary>
/// <param name="Receipt">To be made durable together with <paramref name="Record"/>, before anything is sent or credit given.</param>
/// <param name="Record">The session's record; on its own when there is no receipt.</param>
/// <param name="Send">Goes out only once the store has returned.</param>
/// <param name="Error">Other than <see cref="SessionError.None"/>: the other side broke a rule, and the session ends with this reason.</param>
internal readonly record struct SessionStep(ReceiptEntry? Receipt, SessionRecord? Record, Messages.SessionMessage? Send, SessionError Error = SessionError.None)
{
    internal static SessionStep Fail(SessionError error) => new(null, null, null, error);
}
