using System.Globalization;

namespace Overlay;

/// <summary>A number of bytes. Binary units: a KiB is 1,024 bytes.</summary>
/// <param name="Bytes">The number.</param>
public readonly record struct ByteSize(ulong Bytes) : IComparable<ByteSize>
{
    private const ulong KiB = 1UL << 10, MiB = 1UL << 20, GiB = 1UL << 30, TiB = 1UL << 40;

    /// <summary>Makes a size of whole kibibytes (2¹⁰ bytes).</summary>
    public static ByteSize FromKibibytes(ulong value) => new(checked(value * KiB));

    /// <summary>Makes a size of whole mebibytes (2²⁰ bytes).</summary>
    public static ByteSize FromMebibytes(ulong value) => new(checked(value * MiB));

    /// <summary>Makes a size of whole gibibytes (2³⁰ bytes).</summary>
    public static ByteSize FromGibibytes(ulong value) => new(checked(value * GiB));

    /// <summary>Reads a size such as <c>256MiB</c>, <c>1.5 GiB</c> or <c>1000</c> (bytes).</summary>
    /// <exception cref="FormatException">The text is no size.</exception>
    public static ByteSize Parse(string text) =>
        TryParse(text, out ByteSize size) ? size : throw new FormatException($"'{text}' is not a size; write 1000, 64KiB, 256MiB, 1.5GiB or 2TiB.");

    /// <summary>Reads a size; false when the text is none, or too large for 64 bits.</summary>
    public static bool TryParse(string? text, out ByteSize size)
    {
        size = default;
        if (string.IsNullOrWhiteSpace(text)) return false;
        ReadOnlySpan<char> rest = text.AsSpan().Trim();
        ulong unit = 1;
        foreach ((string suffix, ulong factor) in new[] { ("KiB", KiB), ("MiB", MiB), ("GiB", GiB), ("TiB", TiB), ("B", 1UL) })
        {
            if (!rest.EndsWith(suffix, StringComparison.OrdinalIgnoreCase)) continue;
            unit = factor;
            rest = rest[..^suffix.Length].TrimEnd();
            break;
        }

        if (!decimal.TryParse(rest, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out decimal number)) return false;
        if (number > ulong.MaxValue / (decimal)unit) return false;
        size = new ByteSize((ulong)(number * unit));
        return true;
    }

    /// <inheritdoc/>
    public int CompareTo(ByteSize other) => Bytes.CompareTo(other.Bytes);

    /// <summary>The size in the largest unit that leaves at least 1, such as <c>1.50 GiB</c>.</summary>
    public override string ToString() => Bytes switch
    {
        >= TiB => Format(TiB, "TiB"),
        >= GiB => Format(GiB, "GiB"),
        >= MiB => Format(MiB, "MiB"),
        >= KiB => Format(KiB, "KiB"),
        _ => string.Create(CultureInfo.InvariantCulture, $"{Bytes} B"),
    };

    private string Format(ulong unit, string name) => string.Create(CultureInfo.InvariantCulture, $"{(decimal)Bytes / unit:0.00} {name}");

    /// <summary>Orders by bytes.</summary>
    public static bool operator <(ByteSize left, ByteSize right) => left.Bytes < right.Bytes;

    /// <summary>Orders by bytes.</summary>
    public static bool operator >(ByteSize left, ByteSize right) => left.Bytes > right.Bytes;

    /// <summary>Orders by bytes.</summary>
    public static bool operator <=(ByteSize left, ByteSize right) => left.Bytes <= right.Bytes;

    /// <summary>Orders by bytes.</summary>
    public static bool operator >=(ByteSize left, ByteSize right) => left.Bytes >= right.Bytes;
}
