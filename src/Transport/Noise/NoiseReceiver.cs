using System.Buffers;
using System.Buffers.Binary;
using System.Numerics;
using System.Runtime.CompilerServices;
using Overlay.Transport.Connections;
using Overlay.Transport.Crypto;

namespace Overlay.Transport.Noise;

/// <summary>The receiving half of a <see cref="NoiseChannel"/>: reads frames, decrypts each where it lies and hands out slices of the buffer.</summary>
/// <remarks>
/// <code>
/// [ handed out | _start … received, not yet opened … _end | room ]
/// frame = size, 2 bytes big-endian ‖ ciphertext ‖ tag, 16 bytes        (libp2p noise specification, "Wire Format")
/// </code>
/// One thread at a time. This object holds the buffer once while it holds anything unopened, and each slice handed out holds it once more. Memory behind
/// <c>_start</c> is never touched again while others hold the buffer. A buffer starts with the start of a frame, so that two of the largest frames of this
/// library fill the default buffer exactly and need no moving.
/// </remarks>
internal sealed class NoiseReceiver
{
    // Enough for control traffic; doubles while reads fill the buffer.
    private const int MinBufferSize = 4096;

    private const int PrefixSize = NoiseHandshake.PrefixSize;
    private const int TagSize = ChaChaPoly.TagSize;

    private static readonly TimeSpan s_memoryPoll = TimeSpan.FromMilliseconds(50);

    private readonly ByteConnection _connection;
    private readonly CipherState _cipher;
    private readonly ArrayPool<byte> _pool;
    private readonly ConnectionMemory _memory;
    private readonly TimeProvider _time;
    private readonly TimeSpan _memoryTimeout;
    private readonly int _maxBufferSize;
    private readonly int _maxEmptyMessageCount;
    private SharedBuffer? _buffer;
    private int _start;
    private int _end;
    private int _rentSize = MinBufferSize;
    private int _emptyMessageCount;
    private bool _ended;

    internal NoiseReceiver(
        ByteConnection connection, CipherState cipher, ReadOnlySpan<byte> leftover, NoiseOptions options, ArrayPool<byte> pool, ConnectionMemory memory, TimeProvider time)
    {
        _connection = connection;
        _cipher = cipher;
        _pool = pool;
        _memory = memory;
        _time = time;
        _memoryTimeout = options.MemoryTimeout;
        _maxBufferSize = options.MaxReceiveBufferSize;
        _maxEmptyMessageCount = options.MaxEmptyMessageCount;
        if (leftover.IsEmpty) return;
        _buffer = SharedBuffer.Rent(Math.Max(leftover.Length, MinBufferSize), pool);
        leftover.CopyTo(_buffer.Array);
        _end = leftover.Length;
    }

    /// <summary>Takes the next message that has content, if it has arrived whole, or the end.</summary>
    /// <exception cref="ConnectionException">The next message is forged, or content is too long in coming.</exception>
    internal bool TryTake(out ReceivedSegment segment)
    {
        segment = default;
        while (_buffer is not null && TryGetFrameSize(out int frameSize) && _end - _start >= frameSize)
        {
            int text = _start + PrefixSize;
            Span<byte> message = _buffer.Array.AsSpan(text, frameSize - PrefixSize);
            if (!_cipher.TryDecryptWithAd(default, message))
                throw Failure(ConnectionError.AuthenticationFailed, "A message failed authentication.");
            _start += frameSize;
            if (message.Length > TagSize)
            {
                _emptyMessageCount = 0;
                _buffer.Retain();
                segment = new ReceivedSegment(_buffer, text, message.Length - TagSize);
                return true;
            }

            if (++_emptyMessageCount > _maxEmptyMessageCount) throw Failure(ConnectionError.LimitExceeded, "Too many messages without content in a row.");
        }

        return _ended;
    }

    /// <summary>Receives more bytes, or notes the end.</summary>
    /// <exception cref="ConnectionException">The connection failed, or ended inside a message.</exception>
    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder))]
    internal async ValueTask FillAsync(CancellationToken cancellationToken)
    {
        if (_start == _end)
        {
            LetGoWhenIdle();
            await _connection.WaitForDataAsync(cancellationToken).ConfigureAwait(false);
        }

        SharedBuffer buffer = TryMakeRoom() ?? await WaitForRoomAsync(cancellationToken).ConfigureAwait(false);
        int room = buffer.Array.Length - _end;
        int received = await _connection.ReceiveAsync(buffer.Array.AsMemory(_end, room), cancellationToken).ConfigureAwait(false);
        _end += received;
        if (received == room) _rentSize = Math.Min(2 * _rentSize, _maxBufferSize);
        else if (received < _rentSize / 8) _rentSize = Math.Max(_rentSize / 2, MinBufferSize);
        if (received > 0) return;
        if (_end > _start) throw Failure(ConnectionError.EndOfStream, "The connection ended in the middle of a message.");
        _ended = true;
        Release();
    }

    /// <summary>Lets the buffer go; slices handed out stay valid.</summary>
    internal void Release()
    {
        _buffer?.Release();
        _buffer = null;
        _start = _end = 0;
    }

    // Nothing unopened is here. A buffer that others still hold costs nothing to keep and may take more, so that a peer
    // cannot make each byte it sends pin a buffer of its own.
    private void LetGoWhenIdle()
    {
        if (_buffer is null || (!_buffer.IsSoleHolder && _buffer.Array.Length - _end >= _buffer.Array.Length / 2)) return;
        Release();
    }

    // While the budget is used up nothing is taken off the line: what lies here unread is read meanwhile, or the peer has to wait.
    private async ValueTask<SharedBuffer> WaitForRoomAsync(CancellationToken cancellationToken)
    {
        long start = _time.GetTimestamp();
        while (true)
        {
            await Task.Delay(s_memoryPoll, _time, cancellationToken).ConfigureAwait(false);
            if (TryMakeRoom() is { } buffer) return buffer;
            if (_time.GetElapsedTime(start) >= _memoryTimeout)
                throw new ConnectionException(
                    ConnectionError.LimitExceeded, ConnectionStep.Connection, Fault.Local,
                    $"For {_memoryTimeout.TotalSeconds:0.###} s there was no memory to receive into: the budget of the connection, the peer, its address or the node is used up.");
        }
    }

    private SharedBuffer? TryMakeRoom()
    {
        if (_buffer is null) return _buffer = TryRent(_rentSize, 1);

        int capacity = _buffer.Array.Length;
        bool fits = !TryGetFrameSize(out int frameSize) || _start + frameSize <= capacity;
        if (_end < capacity && (fits || _start == 0)) return _buffer;

        // Grows with what has arrived, never with what a length announces.
        int pending = _end - _start;
        int size = pending == capacity ? Math.Min(2 * capacity, Math.Max(_maxBufferSize, capacity)) : Math.Max(_rentSize, 2 * pending);
        if (size <= capacity && _buffer.IsSoleHolder)
        {
            _buffer.Array.AsSpan(_start, pending).CopyTo(_buffer.Array);
        }
        else
        {
            if (TryRent(Math.Min(size, Math.Max(_maxBufferSize, capacity)), pending + 1) is not { } next) return null;
            _buffer.Array.AsSpan(_start, pending).CopyTo(next.Array);
            _buffer.Release();
            _buffer = next;
        }

        _start = 0;
        _end = pending;
        return _buffer;
    }

    // As much of what is wanted as may be had, but no less than is needed.
    private SharedBuffer? TryRent(int wanted, int needed)
    {
        int least = (int)BitOperations.RoundUpToPowerOf2((uint)Math.Max(needed, MinBufferSize));
        for (int size = (int)BitOperations.RoundUpToPowerOf2((uint)Math.Max(wanted, least)); size >= least; size /= 2)
            if (SharedBuffer.TryRent(size, _pool, _memory) is { } buffer) return buffer;
        return null;
    }

    private bool TryGetFrameSize(out int frameSize)
    {
        frameSize = 0;
        if (_end - _start < PrefixSize) return false;
        frameSize = PrefixSize + BinaryPrimitives.ReadUInt16BigEndian(_buffer!.Array.AsSpan(_start));
        return true;
    }

    private static ConnectionException Failure(ConnectionError reason, string message) => new(reason, ConnectionStep.Connection, Fault.Peer, message);
}
