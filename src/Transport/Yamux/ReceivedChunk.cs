using System.Buffers;
using Overlay.Transport.Connections;

namespace Overlay.Transport.Yamux;

/// <summary>A stretch of received payload in a stream's queue: a slice of the channel's buffer, held, or a small array of its own that bytes are copied to.</summary>
/// <remarks>Linked and released with the session's gate held; a reader walks what it was given without it, as the links before the tail never change.</remarks>
internal sealed class ReceivedChunk : ReadOnlySequenceSegment<byte>
{
    private SharedBuffer? _shared;
    private ArrayPool<byte>? _pool;
    private byte[]? _owned;

    /// <summary>Bytes of memory that this chunk keeps alive.</summary>
    internal int PinnedSize { get; private set; }

    internal int Length => Memory.Length;

    /// <summary>Bytes that can still be copied behind the payload.</summary>
    internal int Room => _owned is null ? 0 : _owned.Length - Memory.Length;

    internal ReceivedChunk? NextChunk
    {
        get => (ReceivedChunk?)Next;
        set => Next = value;
    }

    internal void Hold(SharedBuffer buffer, int offset, int count, long runningIndex)
    {
        buffer.Retain();
        _shared = buffer;
        PinnedSize = buffer.Array.Length;
        Memory = buffer.Array.AsMemory(offset, count);
        RunningIndex = runningIndex;
    }

    internal void Rent(ArrayPool<byte> pool, int size, long runningIndex)
    {
        _pool = pool;
        _owned = pool.Rent(size);
        PinnedSize = _owned.Length;
        Memory = _owned.AsMemory(0, 0);
        RunningIndex = runningIndex;
    }

    /// <summary>Copies behind the payload; <paramref name="source"/> must fit into <see cref="Room"/>.</summary>
    internal void Append(ReadOnlySpan<byte> source)
    {
        int length = Memory.Length;
        source.CopyTo(_owned.AsSpan(length));
        Memory = _owned.AsMemory(0, length + source.Length);
    }

    /// <summary>Lets go of the memory, so that the chunk can be used again.</summary>
    internal void Clear()
    {
        _shared?.Release();
        if (_owned is not null) _pool!.Return(_owned);
        _shared = null;
        _owned = null;
        Memory = default;
        Next = null;
        RunningIndex = 0;
        PinnedSize = 0;
    }
}
