namespace Overlay.Discovery.Addresses;

/// <summary>How much the address book holds, and for how long. Immutable; change with <c>with</c>.</summary>
/// <remarks>When it is full, a peer that was never reached gives way to a new one; one that was reached gives way to nobody who was not.</remarks>
public sealed record AddressBookOptions
{
    /// <summary>Most peers: 1 to 100,000. 1,000.</summary>
    public int MaxPeerCount { get; init => field = Within(value, 1, 100_000, nameof(MaxPeerCount)); } = 1000;

    /// <summary>Most addresses of one peer: 1 to 64. 16, as many as one dial tries.</summary>
    public int MaxAddressesPerPeer { get; init => field = Within(value, 1, 64, nameof(MaxAddressesPerPeer)); } = 16;

    /// <summary>Most bytes of addresses and records of all peers: 64 KiB to 1 GiB. 4 MiB.</summary>
    public int MaxSize { get; init => field = Within(value, 64 * 1024, 1 << 30, nameof(MaxSize)); } = 4 * 1024 * 1024;

    /// <summary>How long an address is kept at which the peer was reached, from the last time on. 14 days.</summary>
    public TimeSpan KeepReached { get; init => field = Positive(value, nameof(KeepReached)); } = TimeSpan.FromDays(14);

    /// <summary>How long an address is kept at which nobody was reached yet, from the last time it was told. 1 h.</summary>
    public TimeSpan KeepTold { get; init => field = Positive(value, nameof(KeepTold)); } = TimeSpan.FromHours(1);

    /// <summary>Dials in a row that may fail before an address is forgotten: 1 to 100. 5.</summary>
    public int MaxFailures { get; init => field = Within(value, 1, 100, nameof(MaxFailures)); } = 5;

    /// <summary>How often changes are written to the disk. 10 s: what a crash takes is known again soon.</summary>
    public TimeSpan FlushInterval { get; init => field = Positive(value, nameof(FlushInterval)); } = TimeSpan.FromSeconds(10);

    private static int Within(int value, int least, int most, string name) =>
        value >= least && value <= most ? value : throw new ArgumentOutOfRangeException(name, value, $"Must lie between {least} and {most}.");

    private static TimeSpan Positive(TimeSpan value, string name) =>
        value > TimeSpan.Zero ? value : throw new ArgumentOutOfRangeException(name, value, "Must be positive.");
}
