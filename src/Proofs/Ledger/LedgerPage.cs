using Overlay.Proofs.Crypto;
using Overlay.Proofs.Receipts;

namespace Overlay.Proofs.Ledger;

/// <summary>Some receipts in a ledger's order, whose signatures and commitments are checked together. Used by one thread at a time.</summary>
/// <param name="first">How many receipts stand before it.</param>
internal sealed class LedgerPage(long first)
{
    /// <summary>Receipts in a page: with some two thousand signatures, checking them together no longer gains by more.</summary>
    internal const int Size = 1024;

    private readonly List<(ReceiptEntry Entry, BlindingSeed? Seed)> _entries = [];

    internal long First => first;

    internal int Count => _entries.Count;

    /// <summary>The first thing wrong, once <see cref="Check"/> has found it.</summary>
    internal string? Fault { get; private set; }

    /// <summary>How many receipts stand before the one with the fault.</summary>
    internal long FaultAt { get; private set; }

    internal void Add(ReceiptEntry entry, SessionRecord session) => _entries.Add((entry, session.Seed));

    internal void Check()
    {
        var batch = new Ed25519Batch();
        var owners = new List<int>(2 * Count);
        for (int i = 0; i < Count; i++)
            for (int signatures = _entries[i].Entry.Receipt.AddSignatures(batch); signatures > 0; signatures--) owners.Add(i);
        int forged = batch.VerifyVarTime() ? Count : owners[batch.FindInvalidVarTime()[0]];
        // A store reads its own rows without asking whether a commitment is a point: one that opens is.
        bool opened = ReceiptCommitment.OpenAllVarTime(
            [.. _entries.Take(forged).Where(receipt => receipt.Seed is not null).Select(receipt => (receipt.Entry.Receipt.Body, receipt.Entry.Opening, receipt.Seed!))]);
        for (int i = 0; i < forged; i++)
        {
            (ReceiptEntry entry, BlindingSeed? seed) = _entries[i];
            if ((opened && seed is not null) || ReceiptCommitment.Opens(entry.Receipt.Body, entry.Opening, seed)) continue;
            SetFault(i, "its opening does not open its commitment");
            return;
        }

        if (forged < Count) SetFault(forged, "a signature does not hold");
    }

    private void SetFault(int index, string objection)
    {
        Fault = $"{LedgerRules.Describe(_entries[index].Entry)}: {objection}.";
        FaultAt = first + index;
    }
}
