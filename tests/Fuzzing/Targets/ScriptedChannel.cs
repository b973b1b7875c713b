using System.Buffers;
using Overlay.Transport.Connections;
using Overlay.Transport.Identity;

namespace Overlay.Fuzzing.Targets;

/// <summary>A secure channel whose peer says what the script says, in pieces, and then ends; keeps what is sent to it.</summary>
/// <remarks>One reader and one writer at a time, which may be different threads.</remarks>
internal sealed class ScriptedChannel(byte[] script, int pieceSize) : SecureChannel
{
    private const int MaxPlaintextSize = 65519;

    private readonly CountingPool _pool = new();
    private readonly ArrayBufferWriter<byte> _sent = new();
    private byte[] _writing = [];
    private int _unflushed;
    private int _position;

    internal override PeerId RemotePeer => FuzzKeys.Peer.PeerId;

    internal override PeerPublicKey RemotePublicKey => FuzzKeys.Peer.PublicKey;

    internal override ReadOnlyMemory<byte> HandshakeHash => new byte[32];

    internal override string? NegotiatedMuxer => NoiseSamples.Muxer;

    internal override int UnflushedSize => _unflushed;

    internal override int MaxWriteSize => MaxPlaintextSize;

    /// <summary>What was flushed so far.</summary>
    internal ReadOnlySpan<byte> Sent => _sent.WrittenSpan;

    /// <summary>Buffers given out that somebody still holds.</summary>
    internal int HeldBuffers => _pool.RentedCount;

    internal override async ValueTask<ReceivedSegment> ReceiveAsync(CancellationToken cancellationToken)
    {
        // Lets the application have a turn between two pieces.
        await Task.Yield();
        cancellationToken.ThrowIfCancellationRequested();
        int size = Math.Min(Math.Max(1, pieceSize), script.Length - _position);
        if (size == 0) return default;
        SharedBuffer buffer = SharedBuffer.Rent(size, _pool);
        script.AsSpan(_position, size).CopyTo(buffer.Array);
        _position += size;
        return new ReceivedSegment(buffer, 0, size);
    }

    internal override Memory<byte> GetMemory(int sizeHint = 1)
    {
        int wanted = _unflushed + Math.Max(1, sizeHint);
        if (wanted > _writing.Length) Array.Resize(ref _writing, Math.Max(wanted, 2 * _writing.Length));
        return _writing.AsMemory(_unflushed);
    }

    internal override void Advance(int count) => _unflushed += count;

    internal override ValueTask FlushAsync(CancellationToken cancellationToken)
    {
        _sent.Write(_writing.AsSpan(0, _unflushed));
        _unflushed = 0;
        return ValueTask.CompletedTask;
    }

    internal override ValueTask CompleteAsync() => FlushAsync(CancellationToken.None);

    internal override void Abort()
    {
    }

    public override ValueTask DisposeAsync() => ValueTask.CompletedTask;

    /// <summary>Counts what is rented and not given back. Arrays are exactly as long as asked for, so that a byte too far is an error and not somebody else's.</summary>
    private sealed class CountingPool : ArrayPool<byte>
    {
        private int _rented;

        internal int RentedCount => Volatile.Read(ref _rented);

        public override byte[] Rent(int minimumLength)
        {
            Interlocked.Increment(ref _rented);
            return new byte[minimumLength];
        }

        public override void Return(byte[] array, bool clearArray = false)
        {
            // Whoever still reads sees what nobody wrote.
            array.AsSpan().Fill(0xDB);
            Interlocked.Decrement(ref _rented);
        }
    }
}
