using System.Buffers;
using MessagePack;

namespace Overlay.Proofs.Encoding;

/// <summary>Writes one MessagePack array in the only encoding that <see cref="CanonicalReader"/> accepts: shortest integer forms, <c>bin</c> for bytes, <c>str</c> for text.</summary>
/// <remarks>Not safe on several threads. Elements are written in order; <see cref="ToArray"/> throws if their number is not the announced one.</remarks>
public sealed class CanonicalWriter
{
    private readonly ArrayBufferWriter<byte> _buffer = new(256);
    private readonly int _count;
    private int _written;

    /// <summary>Begins an array.</summary>
    /// <param name="elementCount">How many elements will follow.</param>
    public CanonicalWriter(int elementCount)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(elementCount);
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
    public CanonicalWriter Write(string value)
    {
        ArgumentNullException.ThrowIfNull(value);
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
