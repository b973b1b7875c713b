namespace Overlay.Sealing;

/// <summary>Says when waiting legs are due, without I/O. Not safe on several threads; the sealing loop owns it.</summary>
/// <remarks>How long a leg has waited is measured from when this process first saw one wait: consumers' clocks stand in receipts, and are not believed.</remarks>
internal sealed class SealingRule(SealingOptions options)
{
    private DateTimeOffset? _waitingSince;

    /// <summary>Whether to seal now.</summary>
    /// <param name="legs">How many legs wait.</param>
    /// <param name="size">What they amount to, in bytes.</param>
    /// <param name="now">The time.</param>
    internal bool IsDue(int legs, UInt128 size, DateTimeOffset now)
    {
        if (legs == 0)
        {
            _waitingSince = null;
            return false;
        }

        _waitingSince ??= now;
        return legs >= options.MaxLegs || size >= (UInt128)options.Size || now - _waitingSince >= options.Patience;
    }

    /// <summary>What waited has been sealed; what still waits begins anew.</summary>
    internal void Sealed() => _waitingSince = null;
}
