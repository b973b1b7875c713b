using System.Net;

namespace Overlay.Using;

/// <summary>Where a local proxy listens, whom it serves, and what its clients may take. Immutable; change with <c>with</c>.</summary>
public abstract record ListenerOptions
{
    private protected ListenerOptions(int port) => EndPoint = new IPEndPoint(IPAddress.Loopback, port);

    /// <summary>Address and port to listen on. The default is loopback only; another address opens the proxy to that network and should come with
    /// <see cref="Credentials"/>. Port 0 takes a free one.</summary>
    public IPEndPoint EndPoint
    {
        get;
        init
        {
            ArgumentNullException.ThrowIfNull(value);
            field = value;
        }
    }

    /// <summary>What clients must present; null, the default, for none.</summary>
    public ProxyCredentials? Credentials { get; init; }

    /// <summary>How many client connections are served at once; more wait in the system's queue. 1 or more, default 1,024.</summary>
    public int MaxConnections
    {
        get;
        init
        {
            if (value < 1) throw new ArgumentOutOfRangeException(nameof(MaxConnections), value, "MaxConnections takes 1 or more.");
            field = value;
        }
    } = 1024;

    /// <summary>How long a client may take to say what it wants, from its connection's start. Default 10 s.</summary>
    public TimeSpan HandshakeTimeout
    {
        get;
        init => field = Positive(value, nameof(HandshakeTimeout));
    } = TimeSpan.FromSeconds(10);

    /// <summary>How long a connection to a target may take to come about. Default 30 s: longer than an exit's own limits, so that its reason arrives.</summary>
    public TimeSpan ConnectTimeout
    {
        get;
        init => field = Positive(value, nameof(ConnectTimeout));
    } = TimeSpan.FromSeconds(30);

    private protected static TimeSpan Positive(TimeSpan value, string name)
    {
        if (value <= TimeSpan.Zero || value > TimeSpan.FromDays(1)) throw new ArgumentOutOfRangeException(name, value, $"{name} takes more than zero and at most a day.");
        return value;
    }
}

/// <summary>Options of the SOCKS5 listener. The default port is 1080 (RFC 1928, section 3).</summary>
public sealed record Socks5Options() : ListenerOptions(1080);

/// <summary>Options of the HTTP proxy. The default port is 8080.</summary>
public sealed record HttpProxyOptions() : ListenerOptions(8080)
{
    /// <summary>Largest head of a message, start line and fields, in bytes. 1 KiB to 1 MiB, default 32 KiB.</summary>
    public int MaxHeadSize
    {
        get;
        init => field = InRange(value, 1024, 1024 * 1024, nameof(MaxHeadSize));
    } = 32 * 1024;

    /// <summary>Longest single line of a head or of a chunked body's framing, in bytes. 256 to 1 MiB, default 16 KiB.</summary>
    public int MaxLineSize
    {
        get;
        init => field = InRange(value, 256, 1024 * 1024, nameof(MaxLineSize));
    } = 16 * 1024;

    /// <summary>Most fields in a head. 1 to 10,000, default 128.</summary>
    public int MaxFieldCount
    {
        get;
        init => field = InRange(value, 1, 10_000, nameof(MaxFieldCount));
    } = 128;

    /// <summary>How long a connection may stay open between two requests. Default 60 s.</summary>
    public TimeSpan IdleTimeout
    {
        get;
        init => field = Positive(value, nameof(IdleTimeout));
    } = TimeSpan.FromSeconds(60);

    /// <summary>How long a target may take to begin its answer, and either side to go on with a message's body. Default 5 min.</summary>
    public TimeSpan ResponseTimeout
    {
        get;
        init => field = Positive(value, nameof(ResponseTimeout));
    } = TimeSpan.FromMinutes(5);

    private static int InRange(int value, int min, int max, string name)
    {
        if (value < min || value > max) throw new ArgumentOutOfRangeException(name, value, $"{name} takes {min} to {max}.");
        return value;
    }
}
