using System.Diagnostics.CodeAnalysis;
using System.Text;

namespace Overlay.Discovery.Mdns;

/// <summary>A domain name (RFC 1035, section 3.1). Equal whatever the case of ASCII letters (RFC 6762, section 16).</summary>
/// <remarks>Immutable and always valid: labels of 1 to 63 bytes, at most 255 bytes in all with lengths and the root. A label may hold any byte. One
/// array for each name, since a small packet can name many.</remarks>
internal sealed class DnsName : IEquatable<DnsName>
{
    /// <summary>Longest name in bytes, lengths and root included (RFC 1035, section 2.3.4).</summary>
    internal const int MaxSize = 255;

    internal const int MaxLabelSize = 63;

    // length (1) label, over and over, without the root's length of 0.
    private readonly byte[] _wire;

    private DnsName(byte[] wire) => _wire = wire;

    /// <summary>The labels, each with its length in front, without the root at the end.</summary>
    internal ReadOnlySpan<byte> Wire => _wire;

    /// <summary>Makes a name of dot-separated labels; there is no way to escape a dot.</summary>
    /// <exception cref="FormatException">A label or the whole is too long or empty.</exception>
    internal static DnsName Parse(string text)
    {
        var wire = new List<byte>();
        foreach (string label in text.TrimEnd('.').Split('.')) Append(wire, label);
        return TryCreate(wire.ToArray(), out DnsName? name) ? name : throw new FormatException($"'{text}' is no domain name.");
    }

    /// <summary>Takes labels with their lengths in front, without the root; false when they are not whole or too long.</summary>
    internal static bool TryCreate(ReadOnlySpan<byte> wire, [NotNullWhen(true)] out DnsName? name)
    {
        name = null;
        if (wire.Length >= MaxSize) return false;
        for (int at = 0; at < wire.Length; at += 1 + wire[at])
            if (wire[at] is 0 or > MaxLabelSize || at + 1 + wire[at] > wire.Length) return false;
        name = new DnsName(wire.ToArray());
        return true;
    }

    /// <summary>This name below another: <c>host</c> and <c>p2p.local</c> make <c>host.p2p.local</c>.</summary>
    internal static DnsName Below(string label, DnsName parent)
    {
        var wire = new List<byte>();
        Append(wire, label);
        wire.AddRange(parent._wire);
        return TryCreate(wire.ToArray(), out DnsName? name) ? name : throw new FormatException($"'{label}' cannot stand before {parent}.");
    }

    /// <summary>Whether the name is one label below another.</summary>
    internal bool IsChildOf(DnsName parent) => _wire.Length > 0 && Same(_wire.AsSpan(1 + _wire[0]), parent._wire);

    public bool Equals(DnsName? other) => other is not null && Same(_wire, other._wire);

    public override bool Equals(object? obj) => Equals(obj as DnsName);

    public override int GetHashCode()
    {
        var hash = new HashCode();
        foreach (byte b in _wire) hash.Add(Lower(b));
        return hash.ToHashCode();
    }

    /// <summary>The labels with dots between them; what is no printable ASCII shows as a question mark.</summary>
    public override string ToString()
    {
        var text = new StringBuilder(_wire.Length);
        for (int at = 0; at < _wire.Length; at += 1 + _wire[at])
        {
            if (at > 0) text.Append('.');
            foreach (byte b in _wire.AsSpan(at + 1, _wire[at])) text.Append(b is > 0x20 and < 0x7f ? (char)b : '?');
        }

        return text.ToString();
    }

    private static void Append(List<byte> wire, string label)
    {
        byte[] bytes = Encoding.UTF8.GetBytes(label);
        wire.Add((byte)Math.Min(bytes.Length, byte.MaxValue));
        wire.AddRange(bytes);
    }

    // Lengths are below any letter, so that the same bytes compared as text compare names.
    private static bool Same(ReadOnlySpan<byte> a, ReadOnlySpan<byte> b)
    {
        if (a.Length != b.Length) return false;
        for (int i = 0; i < a.Length; i++)
            if (Lower(a[i]) != Lower(b[i])) return false;
        return true;
    }

    private static byte Lower(byte b) => b is >= (byte)'A' and <= (byte)'Z' ? (byte)(b | 0x20) : b;
}
