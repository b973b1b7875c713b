namespace Overlay.Transport.Identity;

/// <summary>Unsigned varints as multiformats defines them (github.com/multiformats/unsigned-varint): at most 9 bytes, shortest form only.</summary>
internal static class Varint
{
    internal const int MaxSize = 9;

    internal static int Size(ulong value)
    {
        int size = 1;
        while ((value >>= 7) != 0) size++;
        return size;
    }

    /// <summary>Writes <paramref name="value"/>, which must be below 2^63, and returns the number of bytes.</summary>
    internal static int Write(Span<byte> destination, ulong value)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(value, (ulong)long.MaxValue);
        int i = 0;
        for (; value >= 0x80; value >>= 7) destination[i++] = (byte)(value | 0x80);
        destination[i++] = (byte)value;
        return i;
    }

    /// <summary>Reads a varint from the start of <paramref name="source"/>.</summary>
    internal static VarintStatus TryRead(ReadOnlySpan<byte> source, out ulong value, out int size)
    {
        value = 0;
        for (size = 0; size < source.Length && size < MaxSize; size++)
        {
            byte b = source[size];
            value |= (ulong)(b & 0x7F) << (7 * size);
            if (b >= 0x80) continue;
            // A last byte of zero adds nothing: a shorter form exists.
            if (b == 0 && size > 0) return VarintStatus.Invalid;
            size++;
            return VarintStatus.Done;
        }

        return size >= MaxSize ? VarintStatus.Invalid : VarintStatus.NeedMore;
    }
}

/// <summary>How far a varint could be read.</summary>
internal enum VarintStatus
{
    Done,
    NeedMore,
    Invalid,
}
