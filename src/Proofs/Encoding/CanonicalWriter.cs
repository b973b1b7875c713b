using System.Buffers;
using System.Text;
using MessagePack;

namespace Overlay.Proofs.Encoding;

/// <summary>Writes one MessagePack array in the only encoding that <see cref="CanonicalReader"/> accepts: shortest integer forms, <c>bin</c> for bytes, <c>str</c> for text.</summary>
/// <remarks>Not safe on several threads. Elements are written in order; <see cref="ToArray"/> throws if their number is not the announced one.</remarks>
public sealed class CanonicalWriter
{
    private static readonly UTF8Encoding s_strictUtf8 = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    private readonly ArrayBufferWriter<byte> _buffer = new(256);
    private readonly int _count;
    private int _written;

    /// <summary>Begins an array.</summary>
    /// <param name="elementCount">How many elements will follow, at most 65,535.</param>
    public CanonicalWriter(int elementCount)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(elementCount);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(elementCount, ushort.MaxValue);
        _count = elementCount;
        var writer = new MessagePackWriter(_buffer);
        writer.WriteArrayHeader(elementCount);
        writer.Flush();
    }

    /// <summary>Writes an unsigned integer in its shortest form.</summary>
    public CanonicalWriter Write(ulong value)
    {
        var writer = Next();
        writer.Write(value);
        writer.Flush();
        return this;
    }

    /// <summary>Writes a truth value.</summary>
    public CanonicalWriter Write(bool value)
    {
        var writer = Next();
        writer.Write(value);
        writer.Flush();
        return this;
    }

    /// <summary>Writes bytes as <c>bin</c>.</summary>
    public CanonicalWriter Write(ReadOnlySpan<byte> value)
    {
        var writer = Next();
        writer.Write(value);
        writer.Flush();
        return this;
    }

    /// <summary>Writes text as <c>str</c> in UTF-8.</summary>
    /// <exception cref="ArgumentException">The text is longer than 65,535 bytes in UTF-8, or has half a surrogate pair in it, which UTF-8 cannot say.</exception>
    public CanonicalWriter Write(string value)
    {
        ArgumentNullException.ThrowIfNull(value);
        if (s_strictUtf8.GetByteCount(value) > ushort.MaxValue) throw new ArgumentException($"The text is longer than {ushort.MaxValue} bytes in UTF-8.", nameof(value));
        var writer = Next();
        writer.Write(value);
        writer.Flush();
        return this;
    }

    /// <summary>Begins a nested array of <paramref name="elementCount"/> elements, which are then written with <paramref name="write"/>.</summary>
    public CanonicalWriter WriteArray(int elementCount, Action<CanonicalWriter> write)
    {
        ArgumentNullException.ThrowIfNull(write);
        var inner = new CanonicalWriter(elementCount);
        write(inner);
        _written++;
        _buffer.Write(inner.ToArray());
        return this;
    }

    /// <summary>The whole encoded array.</summary>
    /// <exception cref="InvalidOperationException">More or fewer elements were written than announced.</exception>
    public byte[] ToArray()
    {
        if (_written != _count) throw new InvalidOperationException($"{_written} elements were written, {_count} announced.");
        return _buffer.WrittenSpan.ToArray();
    }

    private MessagePackWriter Next()
    {
        _written++;
        return new MessagePackWriter(_buffer);
    }
}
