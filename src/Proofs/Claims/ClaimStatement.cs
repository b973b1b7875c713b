namespace Overlay.Proofs.Claims;

/// <summary>What kinds of statements a claim can make about the amounts of its receipts.</summary>
public enum ClaimStatementKind
{
    /// <summary>All amounts together are exactly this many bytes.</summary>
    ExactTotal = 1,

    /// <summary>All amounts together are at least this many bytes.</summary>
    MinimumTotal = 2,

    /// <summary>Every single amount lies in [0, 2⁶⁴).</summary>
    AmountsInRange = 3,
}

/// <summary>One statement of a claim.</summary>
/// <param name="Kind">Its kind.</param>
/// <param name="Value">Bytes; 0 where the kind has no number.</param>
public readonly record struct ClaimStatement(ClaimStatementKind Kind, ulong Value)
{
    /// <summary>Every single amount lies in [0, 2⁶⁴).</summary>
    public static ClaimStatement AmountsInRange => new(ClaimStatementKind.AmountsInRange, 0);

    /// <summary>All amounts together are exactly <paramref name="bytes"/>.</summary>
    public static ClaimStatement ExactTotal(ulong bytes) => new(ClaimStatementKind.ExactTotal, bytes);

    /// <summary>All amounts together are at least <paramref name="bytes"/>.</summary>
    public static ClaimStatement AtLeast(ulong bytes) => new(ClaimStatementKind.MinimumTotal, bytes);

    /// <summary>The statement in words.</summary>
    public override string ToString() => Kind switch
    {
        ClaimStatementKind.ExactTotal => $"the total is exactly {Value} bytes",
        ClaimStatementKind.MinimumTotal => $"the total is at least {Value} bytes",
        _ => "every amount lies in [0, 2^64)",
    };
}
