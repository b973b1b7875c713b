namespace Overlay.Discovery.Bootstrap;

/// <summary>How far <c>/dnsaddr</c> addresses are followed. Immutable; change with <c>with</c>.</summary>
public sealed record BootstrapOptions
{
    /// <summary>Links from one name to the next that are followed: 1 to 32. 4; the public bootstrap names need 2.</summary>
    public int MaxDepth { get; init => field = Within(value, 1, 32, nameof(MaxDepth)); } = 4;

    /// <summary>Names asked for one address: 1 to 256. 16.</summary>
    public int MaxLookupCount { get; init => field = Within(value, 1, 256, nameof(MaxLookupCount)); } = 16;

    /// <summary>Addresses taken for one address: 1 to 1,000. 64.</summary>
    public int MaxAddressCount { get; init => field = Within(value, 1, 1000, nameof(MaxAddressCount)); } = 64;

    /// <summary>How long one question may take. 5 s.</summary>
    public TimeSpan LookupTimeout
    {
        get;
        init => field = value > TimeSpan.Zero ? value : throw new ArgumentOutOfRangeException(nameof(LookupTimeout), value, "Must be positive.");
    } = TimeSpan.FromSeconds(5);

    private static int Within(int value, int least, int most, string name) =>
        value >= least && value <= most ? value : throw new ArgumentOutOfRangeException(name, value, $"Must lie between {least} and {most}.");
}
