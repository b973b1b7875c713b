using System.Globalization;
using System.Net;

namespace Overlay.Market.Witnessing;

/// <summary>How a node takes part as a witness: it buys a little of providers, by the hour, and signs what it saw (docs/market.md). Immutable; change with
/// <c>with</c>.</summary>
public sealed record WitnessOptions
{
    /// <summary>Where exits find this node's own target, such as <c>203.0.113.7:443</c> or <c>[2001:db8::7]:443</c>: an address or name, and a port. By
    /// default exits reach only public addresses at
    /// ports 80 and 443; one at another port sees no exit that keeps to that.</summary>
    /// <exception cref="ArgumentException">The text is not a host and a port from 1 to 65535.</exception>
    public required string Target
    {
        get;
        init
        {
            if (!TryRead(value, out string host, out int port))
                throw new ArgumentException($"'{value}' is not a host and a port such as 203.0.113.7:443.", nameof(Target));
            (TargetHost, TargetPort) = (host, port);
            field = value;
        }
    }

    /// <summary>Where the target takes connections. Null for every address of this host at the target's port; another one where a router passes that port
    /// on.</summary>
    public IPEndPoint? ListenOn { get; init; }

    /// <summary>Providers looked at in one epoch, most of which are others' to attest. 64. 1 to 1,000.</summary>
    public int MaxProvidersPerEpoch { get; init => field = OptionChecks.InRange(value, 1, 1000); } = 64;

    /// <summary>The highest price that is paid, in credits a GiB; who asks more is not attested. 1, so that a look costs at most half a thousandth of a
    /// credit. 0 to 1,000,000.</summary>
    public decimal MaxPricePerGiB { get; init => field = Price.Validate(value, nameof(MaxPricePerGiB)); } = 1;

    /// <summary>What is bought at one look, each way. 256 KiB. 16 KiB to 512 KiB.</summary>
    public ByteSize ProbeSize
    {
        get;
        init => field = value.Bytes is >= 16 << 10 and <= 512 << 10
            ? value
            : throw new ArgumentOutOfRangeException(nameof(ProbeSize), value, "A look is from 16 KiB to 512 KiB each way.");
    } = new(256 << 10);

    /// <summary>Connections to the target at once, whoever makes them; more are closed. 16. 1 to 1,000.</summary>
    public int MaxTargetConnections { get; init => field = OptionChecks.InRange(value, 1, 1000); } = 16;

    /// <summary>Of those, how many from one network (IPv4 /24, IPv6 /56) may not have said yet why they come, so that one stranger does not fill the target.
    /// 4. 1 to 1,000.</summary>
    public int MaxTargetStrangersPerNetwork { get; init => field = OptionChecks.InRange(value, 1, 1000); } = 4;

    /// <summary>How long one look may take. 1 min. 1 s to 5 min.</summary>
    public TimeSpan ProbeTime { get; init => field = OptionChecks.InRange(value, TimeSpan.FromSeconds(1), TimeSpan.FromMinutes(5)); } = TimeSpan.FromMinutes(1);

    internal string TargetHost { get; private init; } = "";

    internal int TargetPort { get; private init; }

    /// <summary>Over how much of an epoch the looks are spread; the rest is for telling what was seen.</summary>
    internal TimeSpan Spread { get; init; } = TimeSpan.FromMinutes(45);

    /// <summary>Between two looks at what is due.</summary>
    internal TimeSpan Interval { get; init; } = TimeSpan.FromMinutes(1);

    /// <summary>Whether a text can be a <see cref="Target"/>.</summary>
    public static bool IsTarget(string? text) => TryRead(text, out _, out _);

    private static bool TryRead(string? text, out string host, out int port)
    {
        host = "";
        port = 0;
        int colon = text?.LastIndexOf(':') ?? -1;
        if (colon <= 0) return false;
        if (!int.TryParse(text.AsSpan(colon + 1), NumberStyles.None, CultureInfo.InvariantCulture, out port) || port is < 1 or > IPEndPoint.MaxPort)
            return false;
        host = text![..colon];
        if (host is ['[', .., ']'])
        {
            host = host[1..^1];
            return IPAddress.TryParse(host, out _);
        }

        return host.Length <= 253 && !host.Any(character => character == ':' || char.IsWhiteSpace(character) || char.IsControl(character));
    }
}
