using System.Globalization;

namespace Overlay;

/// <summary>A port of targets, or a range of them, both ends included.</summary>
public readonly record struct PortRange
{
    private readonly ushort _last;
    private readonly ushort _first;

    /// <summary>One port.</summary>
    /// <param name="port">1 to 65535.</param>
    public PortRange(int port)
        : this(port, port)
    {
    }

    /// <summary>A range.</summary>
    /// <param name="first">1 to 65535.</param>
    /// <param name="last">From <paramref name="first"/> to 65535.</param>
    /// <exception cref="ArgumentOutOfRangeException">An end is no port, or the last lies before the first.</exception>
    public PortRange(int first, int last)
    {
        if (first is < 1 or > 65535) throw new ArgumentOutOfRangeException(nameof(first), first, "A port is from 1 to 65535.");
        if (last < first || last > 65535) throw new ArgumentOutOfRangeException(nameof(last), last, "A range ends at a port from its first to 65535.");
        _first = (ushort)first;
        _last = (ushort)last;
    }

    /// <summary>The first port; 0 in a default instance, which holds none.</summary>
    public int First => _first;

    /// <summary>The last port.</summary>
    public int Last => _last;

    /// <summary>Whether it is one port, named by itself.</summary>
    public bool IsOnePort => _first == _last;

    /// <summary>Whether it holds a port.</summary>
    public bool Contains(int port) => _first != 0 && port >= _first && port <= _last;

    /// <summary>Reads a port or two with a hyphen, such as <c>443</c> or <c>1000-2000</c>; false for anything else.</summary>
    public static bool TryParse(string? text, out PortRange range)
    {
        range = default;
        if (text is null) return false;
        int hyphen = text.IndexOf('-', StringComparison.Ordinal);
        if (!TryReadPort(hyphen < 0 ? text : text.AsSpan(0, hyphen), out int first)) return false;
        int last = first;
        if (hyphen >= 0 && (!TryReadPort(text.AsSpan(hyphen + 1), out last) || last < first)) return false;
        range = new PortRange(first, last);
        return true;
    }

    /// <summary>Reads a port or two with a hyphen.</summary>
    /// <exception cref="FormatException">The text is neither.</exception>
    public static PortRange Parse(string text) =>
        TryParse(text, out PortRange range) ? range : throw new FormatException($"'{text}' is neither a port from 1 to 65535 nor a range such as 1000-2000.");

    /// <summary>As <see cref="Parse"/> takes it.</summary>
    public override string ToString() => IsOnePort ? First.ToString(CultureInfo.InvariantCulture) : string.Create(CultureInfo.InvariantCulture,
        $"{First}-{Last}");

    /// <summary>One port, so that options can be written as numbers.</summary>
    /// <exception cref="ArgumentOutOfRangeException">It is not from 1 to 65535.</exception>
    public static implicit operator PortRange(int port) => new(port);

    /// <summary>One port, as languages without operators write it.</summary>
    public static PortRange FromInt32(int port) => new(port);

    private static bool TryReadPort(ReadOnlySpan<char> text, out int port) =>
        int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out port) && port is >= 1 and <= 65535;
}
