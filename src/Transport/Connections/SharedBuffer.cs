using System.Buffers;

namespace Overlay.Transport.Connections;

/// <summary>A pooled array with a count of its holders: the secure channel decrypts into it, streams keep slices of it, and the last to let go returns it.</summary>
/// <remarks>Each holder calls <see cref="Release"/> exactly once and does not touch the memory afterwards.</remarks>
internal sealed class SharedBuffer
{
    private readonly ArrayPool<byte> _pool;
    private readonly ConnectionMemory? _memory;
    private readonly int _chargedSize;
    private byte[]? _array;
    private int _holders;

    private SharedBuffer(ArrayPool<byte> pool, int minimumSize, ConnectionMemory? memory)
    {
        _pool = pool;
        _memory = memory;
        _chargedSize = memory is null ? 0 : minimumSize;
        _array = pool.Rent(minimumSize);
        _holders = 1;
    }

    /// <summary>The whole array; may be larger than what was asked for.</summary>
    internal byte[] Array => _array ?? throw new ObjectDisposedException(nameof(SharedBuffer));

    /// <summary>Rents a buffer of at least <paramref name="minimumSize"/> bytes, held once by the caller.</summary>
    internal static SharedBuffer Rent(int minimumSize) => Rent(minimumSize, ArrayPool<byte>.Shared);

    internal static SharedBuffer Rent(int minimumSize, ArrayPool<byte> pool) => new(pool, minimumSize, null);

    /// <summary>Rents a buffer of <paramref name="size"/> bytes if the connection may hold as much; null otherwise. It is charged until the last holder lets go.</summary>
    internal static SharedBuffer? TryRent(int size, ArrayPool<byte> pool, ConnectionMemory memory) =>
        memory.TryHold(size) ? new SharedBuffer(pool, size, memory) : null;

    /// <summary>For a holder to ask: whether it is the only one. True stays true, for only holders make more.</summary>
    internal bool IsSoleHolder => Volatile.Read(ref _holders) == 1;

    internal void Retain()
    {
        ObjectDisposedException.ThrowIf(Interlocked.Increment(ref _holders) <= 1, this);
    }

    internal void Release()
    {
        int left = Interlocked.Decrement(ref _holders);
        ObjectDisposedException.ThrowIf(left < 0, this);
        if (left != 0 || Interlocked.Exchange(ref _array, null) is not { } array) return;
        _pool.Return(array);
        _memory?.LetGo(_chargedSize);
    }
}

/// <summary>Decrypted bytes inside a <see cref="SharedBuffer"/>. Whoever receives one owns one hold on the buffer.</summary>
/// <param name="Buffer">The buffer, or null at the end of the channel.</param>
/// <param name="Offset">First byte.</param>
/// <param name="Length">Number of bytes; 0 only at the end.</param>
internal readonly record struct ReceivedSegment(SharedBuffer? Buffer, int Offset, int Length)
{
    internal bool IsEnd => Buffer is null;

    internal ReadOnlySpan<byte> Span => Buffer!.Array.AsSpan(Offset, Length);
}
