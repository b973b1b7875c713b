using System.Runtime.CompilerServices;

namespace Overlay.Sessions;

/// <summary>Limits and deadlines of sessions on both sides. Immutable; change with <c>with</c>.</summary>
internal sealed record SessionOptions
{
    /// <summary>How long after the first unpaid byte the consumer pays at the latest: 5 s (docs/protocols/metering.md). At least 1 s: more often a
    /// provider takes no small receipts; at most 10 s: a provider does not wait for long.</summary>
    public TimeSpan ReceiptDelay
    {
        get;
        init => field = value >= CreditWindowRule.SmallReceiptSpacing && value <= TimeSpan.FromSeconds(10)
            ? value
            : throw new ArgumentOutOfRangeException(nameof(value), value, "ReceiptDelay must be 1 to 10 s.");
    } = TimeSpan.FromSeconds(5);

    /// <summary>How long one side waits for the other's next message where the protocol owes one: 30 s, which leaves room for a slow disk.</summary>
    public TimeSpan AnswerTimeout { get; init => field = Positive(value); } = TimeSpan.FromSeconds(30);

    /// <summary>How long a connect may take, resolving and dialling at the provider included: 30 s.</summary>
    public TimeSpan ConnectTimeout { get; init => field = Positive(value); } = TimeSpan.FromSeconds(30);

    /// <summary>How long disposing waits for last receipts: 5 s.</summary>
    public TimeSpan CloseTimeout { get; init => field = Positive(value); } = TimeSpan.FromSeconds(5);

    /// <summary>A leg ends once it amounts to this many bytes: 1 GiB.</summary>
    public long LegSize { get; init => field = Positive(value); } = 1L << 30;

    /// <summary>A leg ends after this time: 1 h.</summary>
    public TimeSpan LegDuration { get; init => field = Positive(value); } = TimeSpan.FromHours(1);

    /// <summary>Live sessions of one consumer key: 4, a few connections of one node.</summary>
    public int MaxSessionsPerPeer { get; init => field = Positive(value); } = 4;

    /// <summary>Live sessions of a provider: 256.</summary>
    public int MaxSessions { get; init => field = Positive(value); } = 256;

    /// <summary>Connects at once in one session: 256, more than a browser opens.</summary>
    public int MaxConnectsPerSession { get; init => field = Positive(value); } = 256;

    /// <summary>Connects at once of a provider: 4,096.</summary>
    public int MaxConnects { get; init => field = Positive(value); } = 4096;

    /// <summary>Lost sessions settled at one Open, oldest first: 16; more wait for the next.</summary>
    public int MaxSettlements { get; init => field = Positive(value); } = 16;

    /// <summary>What a provider does with a consumer who refused to settle an earlier session.</summary>
    public DebtPolicy Debt { get; init; } = DebtPolicy.Refuse;

    private static TimeSpan Positive(TimeSpan value, [CallerMemberName] string option = "") =>
        value > TimeSpan.Zero ? value : throw new ArgumentOutOfRangeException(option, value, $"{option} must be above zero.");

    private static long Positive(long value, [CallerMemberName] string option = "") =>
        value > 0 ? value : throw new ArgumentOutOfRangeException(option, value, $"{option} must be above zero.");

    private static int Positive(int value, [CallerMemberName] string option = "") =>
        value > 0 ? value : throw new ArgumentOutOfRangeException(option, value, $"{option} must be above zero.");
}

/// <summary>How a provider treats a consumer that left a session disputed.</summary>
internal enum DebtPolicy
{
    /// <summary>No new session until the old one is settled.</summary>
    Refuse = 1,

    /// <summary>Serve again, from the smallest window.</summary>
    Forgive,
}
