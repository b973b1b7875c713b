namespace Overlay.Discovery.Addresses;

/// <summary>How long a peer that could not be reached is left alone. Immutable; change with <c>with</c>.</summary>
/// <remarks>The n-th failure in a row waits <see cref="Initial"/> · 2ⁿ⁻¹, at most <see cref="Longest"/>, of which a random part up to <see cref="Jitter"/>
/// is taken off.</remarks>
public sealed record BackoffOptions
{
    /// <summary>After the first failure. 5 s.</summary>
    public TimeSpan Initial { get; init => field = Positive(value, nameof(Initial)); } = TimeSpan.FromSeconds(5);

    /// <summary>At most. 30 min.</summary>
    public TimeSpan Longest { get; init => field = Positive(value, nameof(Longest)); } = TimeSpan.FromMinutes(30);

    /// <summary>At most for a peer with whom the owner wants to be connected. 2 min.</summary>
    public TimeSpan LongestPersistent { get; init => field = Positive(value, nameof(LongestPersistent)); } = TimeSpan.FromMinutes(2);

    /// <summary>The share of a wait that is left to chance, so that nodes cut off together do not come back together: 0 to 1. 0.5.</summary>
    public double Jitter
    {
        get;
        init => field = value is >= 0 and <= 1 ? value : throw new ArgumentOutOfRangeException(nameof(Jitter), value, "Must lie between 0 and 1.");
    } = 0.5;

    private static TimeSpan Positive(TimeSpan value, string name) =>
        value > TimeSpan.Zero ? value : throw new ArgumentOutOfRangeException(name, value, "Must be positive.");
}
