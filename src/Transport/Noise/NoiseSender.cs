using System.Buffers;
using System.Buffers.Binary;
using Overlay.Transport.Crypto;

namespace Overlay.Transport.Noise;

/// <summary>The sending half of a <see cref="NoiseChannel"/>: plaintext is written to its final place, sealed there by the flush, and sent as one block of frames.</summary>
/// <remarks>
/// <code>
/// frame | frame | … | size, 2 bytes ‖ plaintext so far | room
/// </code>
/// One thread at a time. Between flushes this object holds a pooled array only while something is written and not yet flushed.
/// </remarks>
internal sealed class NoiseSender
{
    /// <summary>Most plaintext of one message. One byte less than Noise allows: frames of exactly 64 KiB fill buffers of powers of two.</summary>
    internal const int MaxPlaintextSize = FrameSize - FrameOverhead;

    private const int FrameSize = 64 << 10;
    private const int FrameOverhead = PrefixSize + TagSize;
    private const int PrefixSize = NoiseHandshake.PrefixSize;
    private const int TagSize = ChaChaPoly.TagSize;
    private const int MinBufferSize = 4096;

    private readonly CipherState _cipher;
    private readonly ArrayPool<byte> _pool;
    private readonly int _maxUnflushedSize;
    private byte[]? _buffer;
    private int _frameStart;
    private int _end;
    private int _granted;
    private int _rentSize = MinBufferSize;

    internal NoiseSender(CipherState cipher, NoiseOptions options, ArrayPool<byte> pool)
    {
        _cipher = cipher;
        _pool = pool;
        _maxUnflushedSize = options.MaxUnflushedSize;
    }

    internal int UnflushedSize { get; private set; }

    internal Memory<byte> GetMemory(int sizeHint)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(sizeHint);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(sizeHint, MaxPlaintextSize);
        int wanted = Math.Max(sizeHint, 1);
        if (UnflushedSize + wanted > _maxUnflushedSize) throw new InvalidOperationException("Too much is unflushed: flush first.");

        if (_buffer is null)
        {
            _buffer = _pool.Rent(Math.Max(_rentSize, wanted + FrameOverhead));
            _frameStart = 0;
            _end = PrefixSize;
        }
        else if (PlaintextSize + wanted > MaxPlaintextSize)
        {
            EndFrame();
        }

        if (_end + wanted + TagSize > _buffer.Length) Grow(_end + wanted + TagSize);
        int room = Math.Min(_buffer.Length - TagSize - _end, MaxPlaintextSize - PlaintextSize);
        _granted = Math.Min(room, _maxUnflushedSize - UnflushedSize);
        return _buffer.AsMemory(_end, _granted);
    }

    internal void Advance(int count)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(count);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(count, _granted);
        _granted -= count;
        _end += count;
        UnflushedSize += count;
    }

    /// <summary>Gives away what was written, as frames yet to be sealed, with the array they lie in, to be returned to the pool; null when there is nothing.</summary>
    internal byte[]? Take(out int size)
    {
        size = 0;
        byte[]? frames = _buffer;
        if (frames is null) return null;
        if (UnflushedSize > 0)
        {
            if (PlaintextSize > 0) EndFrame();
            size = _frameStart;
            _rentSize = Math.Max(size, MinBufferSize);
        }
        else
        {
            _pool.Return(frames);
            frames = null;
        }

        Drop();
        return frames;
    }

    /// <summary>Seals the taken frames where they lie.</summary>
    /// <exception cref="NoiseException">The nonces are used up.</exception>
    internal void Seal(Span<byte> frames)
    {
        while (!frames.IsEmpty)
        {
            int messageSize = BinaryPrimitives.ReadUInt16BigEndian(frames);
            _cipher.EncryptWithAd(default, frames.Slice(PrefixSize, messageSize));
            frames = frames[(PrefixSize + messageSize)..];
        }
    }

    /// <summary>Forgets what was written. The array is left to the garbage collector: whoever got memory of it may still write there.</summary>
    internal void Drop()
    {
        _buffer = null;
        _granted = 0;
        UnflushedSize = 0;
    }

    private int PlaintextSize => _end - _frameStart - PrefixSize;

    private void EndFrame()
    {
        BinaryPrimitives.WriteUInt16BigEndian(_buffer.AsSpan(_frameStart), (ushort)(PlaintextSize + TagSize));
        _frameStart = _end + TagSize;
        _end = _frameStart + PrefixSize;
    }

    private void Grow(int minimumSize)
    {
        byte[] next = _pool.Rent(Math.Max(minimumSize, 2 * _buffer!.Length));
        // The start of an empty frame may lie past the end of the array.
        _buffer.AsSpan(0, Math.Min(_end, _buffer.Length)).CopyTo(next);
        _pool.Return(_buffer);
        _buffer = next;
    }
}
