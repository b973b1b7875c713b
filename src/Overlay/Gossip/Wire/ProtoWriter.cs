using System.Buffers;

namespace Overlay.Gossip.Wire;

/// <summary>Writes protobuf fields one behind the other. Clear it to use it again.</summary>
internal sealed class ProtoWriter
{
    private readonly ArrayBufferWriter<byte> _buffer = new(256);

    internal ReadOnlySpan<byte> Written => _buffer.WrittenSpan;

    internal int Size => _buffer.WrittenCount;

    internal void Clear() => _buffer.ResetWrittenCount();

    internal void Bytes(int name, ReadOnlySpan<byte> value)
    {
        Varint(((ulong)name << 3) | (ulong)ProtoKind.Bytes);
        Varint((ulong)value.Length);
        _buffer.Write(value);
    }

    internal void Text(int name, string value)
    {
        Varint(((ulong)name << 3) | (ulong)ProtoKind.Bytes);
        int size = System.Text.Encoding.UTF8.GetByteCount(value);
        Varint((ulong)size);
        System.Text.Encoding.UTF8.GetBytes(value, _buffer.GetSpan(Math.Max(size, 1)));
        _buffer.Advance(size);
    }

    internal void Number(int name, ulong value)
    {
        Varint((ulong)name << 3);
        Varint(value);
    }

    internal void Varint(ulong value)
    {
        Span<byte> span = _buffer.GetSpan(10);
        int size = 0;
        for (; value >= 0x80; value >>= 7) span[size++] = (byte)(value | 0x80);
        span[size++] = (byte)value;
        _buffer.Advance(size);
    }
}
