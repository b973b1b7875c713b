namespace Overlay.Transport.Identify;

/// <summary>What this node tells of itself, and how much it takes from a peer.</summary>
public sealed record IdentifyOptions
{
    /// <summary>The software's name and version, sent to every peer. Empty sends nothing.</summary>
    public string AgentVersion { get; init; } = "overlay/" + ThisVersion;

    /// <summary>The protocol family. <c>ipfs/0.1.0</c>, as the other implementations send.</summary>
    public string ProtocolVersion { get; init; } = "ipfs/0.1.0";

    /// <summary>How long one exchange may take. 10 s.</summary>
    public TimeSpan Timeout
    {
        get;
        init => field = value > TimeSpan.Zero ? value : throw new ArgumentOutOfRangeException(nameof(Timeout), value, "Must be positive.");
    } = TimeSpan.FromSeconds(10);

    /// <summary>Largest message taken, in bytes. 8 KiB, as js-libp2p and go-libp2p send at most.</summary>
    public int MaxMessageSize
    {
        get;
        init => field = value is >= 1024 and <= 65536 ? value : throw new ArgumentOutOfRangeException(nameof(MaxMessageSize), value, "1024 to 65536 bytes.");
    } = 8192;

    /// <summary>How many messages of one exchange are merged. 10, as go-libp2p takes.</summary>
    public int MaxMessageCount
    {
        get;
        init => field = value is >= 1 and <= 64 ? value : throw new ArgumentOutOfRangeException(nameof(MaxMessageCount), value, "1 to 64.");
    } = 10;

    /// <summary>Most addresses taken from one peer; one more is a violation. 128.</summary>
    public int MaxAddressCount
    {
        get;
        init => field = value is >= 1 and <= 4096 ? value : throw new ArgumentOutOfRangeException(nameof(MaxAddressCount), value, "1 to 4096.");
    } = 128;

    /// <summary>Most protocols taken from one peer; one more is a violation. 256.</summary>
    public int MaxProtocolCount
    {
        get;
        init => field = value is >= 1 and <= 4096 ? value : throw new ArgumentOutOfRangeException(nameof(MaxProtocolCount), value, "1 to 4096.");
    } = 256;

    /// <summary>Pushes of one connection that are read at once; one more is reset. 32: a node that starts up may announce each of its protocols.</summary>
    public int PushBurst
    {
        get;
        init => field = value >= 1 ? value : throw new ArgumentOutOfRangeException(nameof(PushBurst), value, "Must be at least 1.");
    } = 32;

    /// <summary>How many further pushes are read per second. 1.</summary>
    public int PushesPerSecond
    {
        get;
        init => field = value >= 1 ? value : throw new ArgumentOutOfRangeException(nameof(PushesPerSecond), value, "Must be at least 1.");
    } = 1;

    private static string ThisVersion => typeof(IdentifyOptions).Assembly.GetName().Version?.ToString(3) ?? "0";
}
