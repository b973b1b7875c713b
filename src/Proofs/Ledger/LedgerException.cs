namespace Overlay.Proofs.Ledger;

/// <summary>The ledger refused a write or could not do it. Nothing was acknowledged.</summary>
public sealed class LedgerException : Exception
{
    /// <summary>Says what a store could not do.</summary>
    /// <param name="reason">What went wrong.</param>
    /// <param name="message">The same in words, naming the ledger.</param>
    /// <param name="innerException">What the store met with.</param>
    public LedgerException(LedgerError reason, string message, Exception? innerException = null)
        : base(message, innerException) => Reason = reason;

    /// <summary>What went wrong.</summary>
    public LedgerError Reason { get; }
}

/// <summary>Why a ledger refused.</summary>
public enum LedgerError
{
    /// <summary>The disk or the file failed, or is locked by another program.</summary>
    Storage = 1,

    /// <summary>The write contradicts what is already kept.</summary>
    Contradiction = 2,

    /// <summary>The file is no ledger, or of a newer version than this build knows. It was left as it was.</summary>
    Format = 3,

    /// <summary>The ledger was opened read-only or has been closed.</summary>
    NotWritable = 4,

    /// <summary>Another process, or another store in this one, has the ledger open for writing.</summary>
    InUse = 5,

    /// <summary>The file is a ledger, but what is read from it is not what was written.</summary>
    Damaged = 6,

    /// <summary>A write failed, as on a full or failing disk, and every later one is refused with the same words until the ledger is opened again:
    /// what the file holds behind the failure, nobody can tell otherwise. Reading goes on.</summary>
    ReadOnly = 7,
}
