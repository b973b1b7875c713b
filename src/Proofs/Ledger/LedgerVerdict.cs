namespace Overlay.Proofs.Ledger;

/// <summary>What <see cref="LedgerVerifier"/> found in a ledger.</summary>
/// <remarks>The figures cover what was read before the first fault; of a sound ledger that is everything.</remarks>
public sealed record LedgerVerdict
{
    /// <summary>Whether nothing is wrong.</summary>
    public bool IsSound => FirstFault is null;

    /// <summary>The first thing wrong, in words that name the session, leg and sequence concerned; null in a sound ledger.</summary>
    public string? FirstFault { get; init; }

    /// <summary>Sessions read.</summary>
    public required long SessionCount { get; init; }

    /// <summary>Receipts read.</summary>
    public required long ReceiptCount { get; init; }

    /// <summary>Receipts that carry both signatures.</summary>
    public required long CountersignedCount { get; init; }

    /// <summary>What was given as a provider: the newest countersigned receipt of each leg, added up, in bytes.</summary>
    public required ServiceTotal Provided { get; init; }

    /// <summary>What was used as a consumer: the newest countersigned receipt of each leg, added up, in bytes.</summary>
    public required ServiceTotal Consumed { get; init; }
}

/// <summary>Service added up over legs.</summary>
/// <param name="Up">Bytes from consumers to providers.</param>
/// <param name="Down">Bytes from providers to consumers.</param>
public readonly record struct ServiceTotal(UInt128 Up, UInt128 Down);
