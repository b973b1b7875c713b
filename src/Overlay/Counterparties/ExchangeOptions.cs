using System.Runtime.CompilerServices;

namespace Overlay.Counterparties;

/// <summary>Limits of the exchange of blocks. Immutable; change with <c>with</c>.</summary>
internal sealed record ExchangeOptions
{
    /// <summary>Requests answered on one stream: 64.</summary>
    public int MaxRequestsPerStream { get; init => field = Positive(value); } = 64;

    /// <summary>Streams that one connection may have open for requests: 2.</summary>
    public int MaxStreamsPerConnection { get; init => field = Positive(value); } = 2;

    /// <summary>How long one side waits for the other's next message: 10 s.</summary>
    public TimeSpan AnswerTimeout { get; init => field = Positive(value); } = TimeSpan.FromSeconds(10);

    /// <summary>How long one exchange may take in all: 1 min.</summary>
    public TimeSpan MaxDuration { get; init => field = Positive(value); } = TimeSpan.FromMinutes(1);

    /// <summary>Exchanges that this node begins at once: 16. A peer met beyond that is asked at the next session.</summary>
    public int MaxExchanges { get; init => field = Positive(value); } = 16;

    /// <summary>How long a connection's last exchange lets another wait: 10 min.</summary>
    public TimeSpan Interval { get; init => field = Positive(value); } = TimeSpan.FromMinutes(10);

    /// <summary>How many blocks are followed from the newest one known to the one shown: 1,024, at most 300 KB for ordinary blocks. Of a chain that has grown by more,
    /// only the place that is known is compared.</summary>
    public int MaxFollowed { get; init => field = Positive(value); } = 1024;

    /// <summary>Heads of others in a peer's block that contradict what is known, and that are looked into: 8.</summary>
    public int MaxContradictions { get; init => field = Positive(value); } = 8;

    private static TimeSpan Positive(TimeSpan value, [CallerMemberName] string option = "") =>
        value > TimeSpan.Zero ? value : throw new ArgumentOutOfRangeException(option, value, $"{option} must be above zero.");

    private static int Positive(int value, [CallerMemberName] string option = "") =>
        value > 0 ? value : throw new ArgumentOutOfRangeException(option, value, $"{option} must be above zero.");
}
