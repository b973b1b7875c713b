namespace Overlay.Discovery.Mdns;

/// <summary>How peers are looked for on the local network (libp2p discovery/mdns specification; RFC 6762). Immutable; change with <c>with</c>.</summary>
/// <remarks>A node that listens nowhere but on loopback neither asks nor answers: nobody on the network could reach it.</remarks>
public sealed record MdnsOptions
{
    /// <summary>The service asked for. <c>_p2p._udp.local</c>; a network of one's own has one of its own.</summary>
    /// <exception cref="ArgumentException">The value is no name of a service below <c>local</c>.</exception>
    public string ServiceName
    {
        get;
        init => field = IsServiceName(value)
            ? value
            : throw new ArgumentException($"'{value}' is no service name such as _p2p._udp.local, at most 100 characters long.", nameof(ServiceName));
    } = "_p2p._udp.local";

    /// <summary>How often is asked at most, once the first questions are answered: 10 s to 1 h. 5 min. The first come 1, 2, 4… s after another.</summary>
    public TimeSpan QueryInterval
    {
        get;
        init => field = Within(value, TimeSpan.FromSeconds(10), TimeSpan.FromHours(1), nameof(QueryInterval));
    } = TimeSpan.FromMinutes(5);

    /// <summary>How long others may believe an answer: 30 s to 75 min. 6 min, a little longer than the interval of questions.</summary>
    public TimeSpan TimeToLive
    {
        get;
        init => field = Within(value, TimeSpan.FromSeconds(30), TimeSpan.FromMinutes(75), nameof(TimeToLive));
    } = TimeSpan.FromMinutes(6);

    /// <summary>Most peers of the local network that are remembered: 1 to 10,000. 256.</summary>
    public int MaxPeerCount { get; init => field = Within(value, 1, 10_000, nameof(MaxPeerCount)); } = 256;

    /// <summary>Most addresses taken of one peer: 1 to 64. 16.</summary>
    public int MaxAddressesPerPeer { get; init => field = Within(value, 1, 64, nameof(MaxAddressesPerPeer)); } = 16;

    /// <summary>Packets of one interface that are read at once: 10 to 10,000. 200; more than the rate allows are dropped unread.</summary>
    public int PacketBurst { get; init => field = Within(value, 10, 10_000, nameof(PacketBurst)); } = 200;

    /// <summary>Packets of one interface that are read per second: 1 to 10,000. 50.</summary>
    public int PacketsPerSecond { get; init => field = Within(value, 1, 10_000, nameof(PacketsPerSecond)); } = 50;

    /// <summary>Answers to single askers that are sent per second, over all interfaces: 1 to 1,000. 10.</summary>
    public int UnicastAnswersPerSecond { get; init => field = Within(value, 1, 1000, nameof(UnicastAnswersPerSecond)); } = 10;

    /// <summary>Largest packet read, in bytes: 512 to 9,000, what RFC 6762, section 17 allows at most. 9,000.</summary>
    public int MaxPacketSize { get; init => field = Within(value, 512, 9000, nameof(MaxPacketSize)); } = 9000;

    /// <summary>Most questions in a packet read: 1 to 1,000. 64.</summary>
    public int MaxQuestionCount { get; init => field = Within(value, 1, 1000, nameof(MaxQuestionCount)); } = 64;

    /// <summary>Most records in a packet read: 1 to 1,000. 256.</summary>
    public int MaxRecordCount { get; init => field = Within(value, 1, 1000, nameof(MaxRecordCount)); } = 256;

    internal DnsLimits Limits => new(MaxPacketSize, MaxQuestionCount, MaxRecordCount);

    private static bool IsServiceName(string? value)
    {
        if (value is null || value.Length > 100 || !value.EndsWith(".local", StringComparison.OrdinalIgnoreCase)) return false;
        string[] labels = value.Split('.');
        return labels.Length == 3 && labels.All(label => label.Length is > 0 and <= 63 && label.All(char.IsAscii)) && labels[0][0] == '_'
            && labels[1] == "_udp";
    }

    private static int Within(int value, int least, int most, string name) =>
        value >= least && value <= most ? value : throw new ArgumentOutOfRangeException(name, value, $"Must lie between {least} and {most}.");

    private static TimeSpan Within(TimeSpan value, TimeSpan least, TimeSpan most, string name) =>
        value >= least && value <= most ? value : throw new ArgumentOutOfRangeException(name, value, $"Must lie between {least} and {most}.");
}
