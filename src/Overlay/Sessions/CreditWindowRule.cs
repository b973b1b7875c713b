namespace Overlay.Sessions;

/// <summary>How large the credit window is: what may be served and not yet paid. See docs/protocols/metering.md.</summary>
internal static class CreditWindowRule
{
    /// <summary>Where every session starts, and the least a provider may offer: 256 KiB.</summary>
    internal const long Smallest = 256 * 1024;

    /// <summary>The most any session reaches: 16 MiB.</summary>
    internal const long Largest = 16 * 1024 * 1024;

    /// <summary>Receipts that add little are taken no more often than this.</summary>
    internal static readonly TimeSpan SmallReceiptSpacing = TimeSpan.FromSeconds(1);

    // The window need not cover more than this much time at the rate measured.
    private const long SecondsAtRate = 2;

    /// <summary>The window after an honoured receipt: doubled, as far as the rate gives reason to and the offer allows. It never shrinks within a session.</summary>
    /// <param name="current">The window so far.</param>
    /// <param name="offered">The most the offer allows.</param>
    /// <param name="paid">Bytes that the receipt added.</param>
    /// <param name="elapsed">Time since the receipt before it, or since the session began.</param>
    internal static long Next(long current, long offered, long paid, TimeSpan elapsed)
    {
        double seconds = Math.Max(elapsed.TotalSeconds, 0.001);
        long atRate = (long)Math.Min(Largest, SecondsAtRate * (paid / seconds));
        return Math.Max(current, Math.Min(Math.Min(current * 2, Math.Min(offered, Largest)), atRate));
    }

    /// <summary>Unpaid bytes, arrived but not all served, at which a provider ends the session: a quarter over the window.</summary>
    internal static long Violation(long window) => window + window / 4;

    /// <summary>Unacknowledged up bytes to which a consumer holds itself, so that it stays within <see cref="Violation"/>.</summary>
    internal static long UpAllowance(long window) => window / 4;

    /// <summary>Whether unacknowledged counts of this size are worth a receipt at once.</summary>
    internal static bool IsReceiptDue(long window, long unacknowledged, long unacknowledgedUp) =>
        unacknowledged >= window / 2 || unacknowledgedUp >= window / 8;

    /// <summary>What a receipt must at least add if it comes sooner than <see cref="SmallReceiptSpacing"/> after the one before: keeps a consumer from filling the provider's disk.</summary>
    internal static long LeastWorthwhile(long window) => window / 16;
}
