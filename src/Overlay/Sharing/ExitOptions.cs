namespace Overlay.Sharing;

/// <summary>What an exit may reach, and how much of the host it may take for reaching it. Immutable; change with <c>with</c>.</summary>
internal sealed record ExitOptions
{
    /// <summary>Which targets are dialled. Default: ports 80 and 443 of global unicast addresses.</summary>
    public ExitPolicy Policy
    {
        get;
        init
        {
            ArgumentNullException.ThrowIfNull(value);
            field = value;
        }
    } = ExitPolicy.Default;

    /// <summary>How long one name lookup may take. Default 5 s, the time after which resolvers commonly ask the next server.</summary>
    public TimeSpan ResolveTimeout
    {
        get;
        init => field = Positive(value, nameof(ResolveTimeout));
    } = TimeSpan.FromSeconds(5);

    /// <summary>How long connecting may take, over all of a target's addresses. Default 10 s: two retransmitted SYNs and a little.</summary>
    public TimeSpan ConnectTimeout
    {
        get;
        init => field = Positive(value, nameof(ConnectTimeout));
    } = TimeSpan.FromSeconds(10);

    /// <summary>How long one address is tried before the next joins it. Default 250 ms (RFC 8305, section 8).</summary>
    public TimeSpan AttemptDelay
    {
        get;
        init => field = Positive(value, nameof(AttemptDelay));
    } = TimeSpan.FromMilliseconds(250);

    /// <summary>How many addresses of one target are dialled at most; all are checked. 1 or more, default 6.</summary>
    public int MaxAttempts
    {
        get;
        init => field = Positive(value, nameof(MaxAttempts));
    } = 6;

    /// <summary>How many addresses a name may have. A longer answer is refused whole. 1 or more, default 128.</summary>
    public int MaxAnswers
    {
        get;
        init => field = Positive(value, nameof(MaxAnswers));
    } = 128;

    /// <summary>How many targets may be looked up and connected to at the same time; connections that stand do not count. 1 or more, default 256.</summary>
    public int MaxConcurrentDials
    {
        get;
        init => field = Positive(value, nameof(MaxConcurrentDials));
    } = 256;

    /// <summary>How many name lookups may be with the operating system at once, where each may hold a thread. Others wait within
    /// <see cref="ResolveTimeout"/>. 1 or more, default 32.</summary>
    public int MaxConcurrentLookups
    {
        get;
        init => field = Positive(value, nameof(MaxConcurrentLookups));
    } = 32;

    /// <summary>How much a consumer may do before it looks like a search for open doors.</summary>
    public TargetLimits Targets
    {
        get;
        init
        {
            ArgumentNullException.ThrowIfNull(value);
            field = value;
        }
    } = new();

    private static TimeSpan Positive(TimeSpan value, string name)
    {
        if (value <= TimeSpan.Zero || value > TimeSpan.FromHours(1)) throw new ArgumentOutOfRangeException(name, value, $"{name} takes more than zero and at most an hour.");
        return value;
    }

    private static int Positive(int value, string name)
    {
        if (value < 1) throw new ArgumentOutOfRangeException(name, value, $"{name} takes 1 or more.");
        return value;
    }
}
