namespace Overlay.Proofs.Ledger;

/// <summary>The ledger refused a write or could not do it. Nothing was acknowledged.</summary>
public sealed class LedgerException : Exception
{
    internal LedgerException(LedgerError reason, string message, Exception? innerException = null)
        : base(message, innerException) => Reason = reason;

    /// <summary>What went wrong.</summary>
    public LedgerError Reason { get; }
}

/// <summary>Why a ledger refused.</summary>
public enum LedgerError
{
    /// <summary>The disk or the file failed.</summary>
    Storage = 1,

    /// <summary>The write contradicts what is already kept.</summary>
    Contradiction = 2,

    /// <summary>The file is no ledger, or of a newer version than this build knows.</summary>
    Format = 3,

    /// <summary>The ledger was opened read-only or has been closed.</summary>
    NotWritable = 4,
}
