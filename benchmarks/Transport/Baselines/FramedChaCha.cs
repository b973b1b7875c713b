using System.Buffers.Binary;
using System.Net.Sockets;
using System.Security.Cryptography;

namespace Overlay.Benchmarks.Transport.Baselines;

/// <summary>ChaCha20-Poly1305 in frames of Noise's size with a fixed key, and nothing else: no handshake, no muxer, no flow control.</summary>
internal sealed class FramedChaCha : ThroughputSubject
{
    internal override string Name => "bare ChaCha20-Poly1305 frames of 64 KiB";

    internal override async Task<ConnectedEnds> ConnectAsync()
    {
        (NetworkStream sender, NetworkStream receiver) = await BareSocket.PairAsync();
        return new ConnectedEnds(new SealingStream(sender), new OpeningStream(receiver));
    }

    // Frame: 2 bytes big-endian, the size of what follows; ciphertext; 16 bytes of tag.
    private const int HeaderSize = 2, TagSize = 16, MaxFrame = ushort.MaxValue, MaxPlaintext = MaxFrame - TagSize;

    private static readonly byte[] s_key = new byte[32];

    private static void WriteNonce(Span<byte> nonce, ulong counter) => BinaryPrimitives.WriteUInt64LittleEndian(nonce[4..], counter);

    private sealed class SealingStream(NetworkStream socket) : OneWayStream(socket)
    {
        private readonly ChaCha20Poly1305 _cipher = new(s_key);
        private readonly byte[] _frame = new byte[HeaderSize + MaxFrame];
        private readonly byte[] _nonce = new byte[12];
        private ulong _counter;

        public override async ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
        {
            while (!buffer.IsEmpty)
            {
                int size = Math.Min(buffer.Length, MaxPlaintext);
                WriteNonce(_nonce, _counter++);
                BinaryPrimitives.WriteUInt16BigEndian(_frame, (ushort)(size + TagSize));
                _cipher.Encrypt(_nonce, buffer.Span[..size], _frame.AsSpan(HeaderSize, size), _frame.AsSpan(HeaderSize + size, TagSize));
                await Socket.WriteAsync(_frame.AsMemory(0, HeaderSize + size + TagSize), cancellationToken);
                buffer = buffer[size..];
            }
        }

        protected override void Dispose(bool disposing)
        {
            _cipher.Dispose();
            base.Dispose(disposing);
        }
    }

    private sealed class OpeningStream(NetworkStream socket) : OneWayStream(socket)
    {
        private readonly ChaCha20Poly1305 _cipher = new(s_key);
        private readonly byte[] _received = new byte[4 * (HeaderSize + MaxFrame)];
        private readonly byte[] _plaintext = new byte[MaxPlaintext];
        private readonly byte[] _nonce = new byte[12];
        private ulong _counter;
        private int _start, _end, _plainStart, _plainEnd;

        public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
        {
            while (_plainStart == _plainEnd && !TryOpenFrame())
            {
                if (_start > 0)
                {
                    Buffer.BlockCopy(_received, _start, _received, 0, _end - _start);
                    (_start, _end) = (0, _end - _start);
                }

                int count = await Socket.ReadAsync(_received.AsMemory(_end), cancellationToken);
                if (count == 0) return 0;
                _end += count;
            }

            int taken = Math.Min(buffer.Length, _plainEnd - _plainStart);
            _plaintext.AsMemory(_plainStart, taken).CopyTo(buffer);
            _plainStart += taken;
            return taken;
        }

        private bool TryOpenFrame()
        {
            if (_end - _start < HeaderSize) return false;
            int size = BinaryPrimitives.ReadUInt16BigEndian(_received.AsSpan(_start)) - TagSize;
            if (_end - _start < HeaderSize + size + TagSize) return false;
            ReadOnlySpan<byte> frame = _received.AsSpan(_start + HeaderSize, size + TagSize);
            WriteNonce(_nonce, _counter++);
            _cipher.Decrypt(_nonce, frame[..size], frame[size..], _plaintext.AsSpan(0, size));
            _start += HeaderSize + size + TagSize;
            (_plainStart, _plainEnd) = (0, size);
            return true;
        }

        protected override void Dispose(bool disposing)
        {
            _cipher.Dispose();
            base.Dispose(disposing);
        }
    }

    // The parts of Stream that neither end has.
    private abstract class OneWayStream(NetworkStream socket) : Stream
    {
        protected NetworkStream Socket { get; } = socket;

        public override bool CanRead => true;

        public override bool CanWrite => true;

        public override bool CanSeek => false;

        public override long Length => throw new NotSupportedException("A connection has no length.");

        public override long Position
        {
            get => throw new NotSupportedException("A connection has no position.");
            set => throw new NotSupportedException("A connection has no position.");
        }

        public override void Flush()
        {
        }

        public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException("Only asynchronous.");

        public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException("Only asynchronous.");

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException("A connection has no position.");

        public override void SetLength(long value) => throw new NotSupportedException("A connection has no length.");

        protected override void Dispose(bool disposing)
        {
            if (disposing) Socket.Dispose();
            base.Dispose(disposing);
        }
    }
}
