using System.Buffers;
using Overlay.Transport.Connections;

namespace Overlay.Transport.Yamux;

/// <summary>Bytes that a stream's writer has written and the session has not sent, in pooled blocks. Holds no memory while empty.</summary>
/// <remarks>
/// The links are guarded by the session's gate. Outside it, the writer fills the free part of the tail between <see cref="GetMemory"/> and
/// <see cref="Commit"/>, and the sender copies claimed bytes between <see cref="Claim"/> and <see cref="Sent"/>; no block that either of them uses is
/// returned to the pool meanwhile.
/// </remarks>
internal sealed class SendQueue(ArrayPool<byte> pool, ConnectionMemory memory)
{
    // What a writer gets that did not say how much it has to write.
    private const int BlockSize = 16 * 1024;

    // Of what is here already, only what it needs: a thousand streams may each have a small message waiting.
    internal const int MinCopyBlockSize = 1024;
    private const int MaxCopyBlockSize = 64 * 1024;

    private Block? _head;
    private Block? _tail;
    private Block? _spare;
    private int _uncommitted;
    private bool _writerHoldsTail;
    private bool _senderHoldsHead;
    private bool _discarded;

    /// <summary>Committed bytes that were not sent.</summary>
    internal int UnsentSize { get; private set; }

    /// <summary>Bytes advanced over and not committed.</summary>
    internal int UncommittedSize => _uncommitted;

    /// <summary>Whether the connection may hold no more memory: the last block is there all the same, and the writer is to wait until it is sent.</summary>
    internal bool IsStarved { get; private set; }

    internal bool IsEmpty => UnsentSize == 0 && _uncommitted == 0 && !_senderHoldsHead;

    /// <summary>Free memory behind what was written.</summary>
    internal Memory<byte> GetMemory(int sizeHint) => Reserve(Math.Max(sizeHint, 1), BlockSize);

    // As much as is wanted if the connection may hold it, else what is needed; that even where it may hold nothing more.
    private Memory<byte> Reserve(int needed, int wanted)
    {
        _writerHoldsTail = true;
        if (_tail is { } tail && tail.Array.Length - tail.End >= needed) return tail.Array.AsMemory(tail.End);

        Block block = _spare ?? new Block();
        _spare = null;
        int size = SizeOf(Math.Max(needed, wanted));
        bool isCharged = memory.TryHold(size);
        int least = SizeOf(Math.Max(needed, MinCopyBlockSize));
        if (!isCharged && least < size)
        {
            size = least;
            isCharged = memory.TryHold(size);
        }

        block.ChargedSize = isCharged ? size : 0;
        IsStarved = !isCharged;
        block.Array = pool.Rent(size);
        if (_tail is null) _head = block;
        else _tail.Next = block;
        _tail = block;
        return block.Array;
    }

    /// <summary>Copies as much of <paramref name="source"/> as <paramref name="limit"/> and memory allow and commits it.</summary>
    /// <param name="source">What to send.</param>
    /// <param name="limit">Most bytes that are taken.</param>
    /// <param name="whole">Whether up to the limit all is taken, memory or not.</param>
    /// <returns>Bytes taken: fewer than both only where the connection may hold no more.</returns>
    internal int Write(ReadOnlySpan<byte> source, int limit, bool whole = false)
    {
        int left = Math.Min(source.Length, limit);
        int count = left;
        while (left > 0)
        {
            Span<byte> room = Reserve(1, Math.Clamp(left, MinCopyBlockSize, MaxCopyBlockSize)).Span;
            int part = Math.Min(left, room.Length);
            source[..part].CopyTo(room);
            Advance(part);
            source = source[part..];
            left -= part;
            if (IsStarved && !whole) break;
        }

        Commit();
        return count - left;
    }

    private static int SizeOf(int size) => (int)System.Numerics.BitOperations.RoundUpToPowerOf2((uint)size);

    /// <exception cref="ArgumentOutOfRangeException"><paramref name="count"/> is more than the last memory held.</exception>
    internal void Advance(int count)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(count);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(count, _writerHoldsTail ? _tail!.Array.Length - _tail.End : 0);
        if (count == 0) return;
        _tail!.End += count;
        _uncommitted += count;
    }

    /// <summary>Lets the sender have what was written. The writer's memory is no longer its own.</summary>
    internal void Commit()
    {
        UnsentSize += _uncommitted;
        _uncommitted = 0;
        _writerHoldsTail = false;
        Trim();
    }

    /// <summary>Takes <paramref name="count"/> committed bytes to be sent: they count as sent from here on.</summary>
    internal void Claim(int count)
    {
        UnsentSize -= count;
        _senderHoldsHead = true;
    }

    /// <summary>Copies the first claimed bytes. Called by the sender without the gate.</summary>
    internal void CopyTo(Span<byte> destination)
    {
        for (Block block = _head!; !destination.IsEmpty; block = block.Next!)
        {
            int part = Math.Min(destination.Length, block.End - block.Start);
            block.Array.AsSpan(block.Start, part).CopyTo(destination);
            destination = destination[part..];
        }
    }

    /// <summary>Drops <paramref name="count"/> claimed bytes, which have been copied.</summary>
    internal void Sent(int count)
    {
        _senderHoldsHead = false;
        while (count > 0)
        {
            Block head = _head!;
            int part = Math.Min(count, head.End - head.Start);
            head.Start += part;
            count -= part;
            if (head.Start < head.End || head == _tail) continue;
            _head = head.Next;
            Return(head);
        }

        if (_discarded) Release();
        else Trim();
    }

    /// <summary>Drops everything that was not claimed; writing afterwards is not possible.</summary>
    internal void Discard()
    {
        _discarded = true;
        UnsentSize = 0;
        _uncommitted = 0;
        if (!_senderHoldsHead) Release();
    }

    /// <summary>Ends the writer's use of its memory after <see cref="Discard"/>.</summary>
    internal void LetGo()
    {
        _writerHoldsTail = false;
        if (_discarded && !_senderHoldsHead) Release();
    }

    private void Release()
    {
        while (_head is { } head && !(_writerHoldsTail && head == _tail))
        {
            _head = head.Next;
            Return(head);
        }

        if (_head is null) _tail = null;
    }

    /// <summary>Returns the last block once all of it is sent and nobody writes to it.</summary>
    private void Trim()
    {
        if (_writerHoldsTail || _senderHoldsHead || UnsentSize != 0 || _uncommitted != 0) return;
        Release();
    }

    private void Return(Block block)
    {
        pool.Return(block.Array);
        memory.LetGo(block.ChargedSize);
        block.ChargedSize = 0;
        block.Array = [];
        block.Start = block.End = 0;
        block.Next = null;
        _spare = block;
    }

    private sealed class Block
    {
        internal byte[] Array = [];
        internal int Start;
        internal int End;
        internal int ChargedSize;
        internal Block? Next;
    }
}
