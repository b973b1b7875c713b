using System.Buffers;
using Overlay.Transport.Connections;

namespace Overlay.Transport.Yamux;

/// <summary>Payload that has arrived on a stream and was not consumed, in order, without a copy where that is worth it.</summary>
/// <remarks>Guarded by the session's gate. Positions are counted from the stream's first byte.</remarks>
internal sealed class ReceiveQueue(Stack<ReceivedChunk> spareChunks, ArrayPool<byte> pool)
{
    private const int MaxSpareChunks = 64;
    private const int CopyBlockSize = 4096;

    /// <summary>Pieces below this size are copied: holding a large buffer for them would cost more than the copy.</summary>
    private const int MinHeldSize = 2048;

    /// <summary>A piece below this part of its buffer is copied.</summary>
    private const int MinHeldPart = 16;

    private ReceivedChunk? _head;
    private ReceivedChunk? _tail;
    private int _headOffset;
    private long _appended;
    private long _consumed;
    private long _examined;
    private int _pinned;

    /// <summary>Bytes not consumed.</summary>
    internal int UnreadSize => (int)(_appended - _consumed);

    /// <summary>Whether bytes came after those that the reader has already seen.</summary>
    internal bool HasUnexamined => _appended > _examined;

    /// <summary>Bytes of memory kept alive by this queue.</summary>
    internal int PinnedSize => _pinned;

    internal ReadOnlySequence<byte> Unread =>
        _head is null ? ReadOnlySequence<byte>.Empty : new ReadOnlySequence<byte>(_head, _headOffset, _tail!, _tail!.Length);

    /// <summary>Appends a slice of <paramref name="buffer"/>, held or copied.</summary>
    /// <param name="buffer">Where the bytes are; the caller's own hold is not touched.</param>
    /// <param name="offset">First byte.</param>
    /// <param name="count">Number of bytes, at least 1.</param>
    /// <param name="pinLimit">Memory that this queue may keep alive by holding buffers; beyond that it copies.</param>
    internal void Append(SharedBuffer buffer, int offset, int count, int pinLimit)
    {
        int bufferSize = buffer.Array.Length;
        if (count >= MinHeldSize && count >= bufferSize / MinHeldPart && _pinned + bufferSize <= pinLimit)
        {
            ReceivedChunk held = TakeChunk();
            held.Hold(buffer, offset, count, _appended);
            Link(held);
            _appended += count;
            return;
        }

        ReadOnlySpan<byte> source = buffer.Array.AsSpan(offset, count);
        while (!source.IsEmpty)
        {
            if (_tail is null || _tail.Room == 0)
            {
                ReceivedChunk block = TakeChunk();
                block.Rent(pool, Math.Max(source.Length, CopyBlockSize), _appended);
                Link(block);
            }

            ReadOnlySpan<byte> part = source[..Math.Min(source.Length, _tail!.Room)];
            _tail.Append(part);
            _appended += part.Length;
            source = source[part.Length..];
        }
    }

    /// <summary>Drops what was consumed and remembers what was examined.</summary>
    /// <returns>The number of bytes consumed.</returns>
    /// <exception cref="ArgumentOutOfRangeException">A position is not of this queue, or before one given earlier.</exception>
    internal int Advance(SequencePosition consumed, SequencePosition examined)
    {
        long consumedTo = PositionOf(consumed);
        long examinedTo = PositionOf(examined);
        ArgumentOutOfRangeException.ThrowIfLessThan(consumedTo, _consumed, nameof(consumed));
        ArgumentOutOfRangeException.ThrowIfGreaterThan(consumedTo, examinedTo, nameof(consumed));
        ArgumentOutOfRangeException.ThrowIfGreaterThan(examinedTo, _appended, nameof(examined));
        int count = (int)(consumedTo - _consumed);
        _consumed = consumedTo;
        _examined = Math.Max(_examined, examinedTo);
        while (_head is { } head && head.RunningIndex + head.Length <= consumedTo)
        {
            _head = head.NextChunk;
            Return(head);
        }

        if (_head is null) _tail = null;
        _headOffset = _head is null ? 0 : (int)(consumedTo - _head.RunningIndex);
        return count;
    }

    /// <summary>Drops everything.</summary>
    /// <returns>The number of bytes dropped.</returns>
    internal int Clear()
    {
        int count = UnreadSize;
        while (_head is { } head)
        {
            _head = head.NextChunk;
            Return(head);
        }

        _tail = null;
        _headOffset = 0;
        _consumed = _examined = _appended;
        return count;
    }

    private long PositionOf(SequencePosition position) =>
        position.GetObject() is ReceivedChunk chunk ? chunk.RunningIndex + position.GetInteger() : _consumed;

    private void Link(ReceivedChunk chunk)
    {
        if (_tail is null) _head = chunk;
        else _tail.NextChunk = chunk;
        _tail = chunk;
        _pinned += chunk.PinnedSize;
    }

    private ReceivedChunk TakeChunk() => spareChunks.TryPop(out ReceivedChunk? chunk) ? chunk : new ReceivedChunk();

    private void Return(ReceivedChunk chunk)
    {
        _pinned -= chunk.PinnedSize;
        chunk.Clear();
        if (spareChunks.Count < MaxSpareChunks) spareChunks.Push(chunk);
    }
}
