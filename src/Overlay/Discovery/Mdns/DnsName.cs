using System.Diagnostics.CodeAnalysis;
using System.Text;

namespace Overlay.Discovery.Mdns;

/// <summary>A domain name as its labels (RFC 1035, section 3.1). Equal whatever the case of ASCII letters (RFC 6762, section 16).</summary>
/// <remarks>Immutable and always valid: labels of 1 to 63 bytes, at most 255 bytes in all with lengths and the root. A label may hold any byte.</remarks>
internal sealed class DnsName : IEquatable<DnsName>
{
    /// <summary>Longest name in bytes, lengths and root included (RFC 1035, section 2.3.4).</summary>
    internal const int MaxSize = 255;

    internal const int MaxLabelSize = 63;

    private readonly byte[][] _labels;

    private DnsName(byte[][] labels) => _labels = labels;

    internal int LabelCount => _labels.Length;

    internal ReadOnlySpan<byte> Label(int index) => _labels[index];

    /// <summary>Makes a name of dot-separated ASCII labels; there is no way to escape a dot.</summary>
    /// <exception cref="FormatException">A label or the whole is too long or empty.</exception>
    internal static DnsName Parse(string text) => TryCreate([.. text.TrimEnd('.').Split('.').Select(Encoding.UTF8.GetBytes)], out DnsName? name)
        ? name
        : throw new FormatException($"'{text}' is no domain name.");

    internal static bool TryCreate(byte[][] labels, [NotNullWhen(true)] out DnsName? name)
    {
        name = null;
        int size = 1;
        foreach (byte[] label in labels)
        {
            if (label.Length is 0 or > MaxLabelSize) return false;
            size += 1 + label.Length;
        }

        if (size > MaxSize) return false;
        name = new DnsName(labels);
        return true;
    }

    /// <summary>This name below another: <c>host</c> and <c>p2p.local</c> make <c>host.p2p.local</c>.</summary>
    internal static DnsName Below(string label, DnsName parent) =>
        TryCreate([Encoding.UTF8.GetBytes(label), .. parent._labels], out DnsName? name) ? name : throw new FormatException($"'{label}' cannot stand before {parent}.");

    /// <summary>Whether the name is one label below another.</summary>
    internal bool IsChildOf(DnsName parent)
    {
        if (_labels.Length != parent._labels.Length + 1) return false;
        for (int i = 0; i < parent._labels.Length; i++)
            if (!Same(_labels[i + 1], parent._labels[i])) return false;
        return true;
    }

    public bool Equals(DnsName? other)
    {
        if (other is null || other._labels.Length != _labels.Length) return false;
        for (int i = 0; i < _labels.Length; i++)
            if (!Same(_labels[i], other._labels[i])) return false;
        return true;
    }

    public override bool Equals(object? obj) => Equals(obj as DnsName);

    public override int GetHashCode()
    {
        var hash = new HashCode();
        foreach (byte[] label in _labels)
        {
            hash.Add(label.Length);
            foreach (byte b in label) hash.Add(Lower(b));
        }

        return hash.ToHashCode();
    }

    /// <summary>The labels with dots between them; what is no printable ASCII shows as a question mark.</summary>
    public override string ToString() =>
        string.Join('.', _labels.Select(label => string.Create(label.Length, label, static (span, bytes) =>
        {
            for (int i = 0; i < span.Length; i++) span[i] = bytes[i] is > 0x20 and < 0x7f ? (char)bytes[i] : '?';
        })));

    private static bool Same(byte[] a, byte[] b)
    {
        if (a.Length != b.Length) return false;
        for (int i = 0; i < a.Length; i++)
            if (Lower(a[i]) != Lower(b[i])) return false;
        return true;
    }

    private static byte Lower(byte b) => b is >= (byte)'A' and <= (byte)'Z' ? (byte)(b | 0x20) : b;
}
