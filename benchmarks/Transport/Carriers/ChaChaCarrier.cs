using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;

namespace Overlay.Benchmarks.Transport.Carriers;

/// <summary>ChaCha20-Poly1305 in frames of Noise's size with a fixed key, and nothing else: no handshake, no muxer, no flow control.</summary>
internal sealed class ChaChaCarrier : Carrier
{
    internal const string Key = "chacha", Title = "bare ChaCha20-Poly1305 frames of 64 KiB";

    private SocketListener? _listener;

    internal override Task<string> ListenAsync(Func<Stream, Task> serve)
    {
        _listener = new SocketListener(async socket =>
        {
            await using var framed = new FramedStream(socket);
            await serve(framed);
        });
        return Task.FromResult(_listener.EndPoint.ToString());
    }

    internal override async Task<Stream> OpenAsync(string address) => new FramedStream(await SocketListener.ConnectAsync(IPEndPoint.Parse(address)));

    internal override async Task<IAsyncDisposable> ConnectAsync(string address) => await OpenAsync(address);

    public override ValueTask DisposeAsync() => _listener?.DisposeAsync() ?? ValueTask.CompletedTask;

    // Frame: 2 bytes big-endian, the size of what follows; ciphertext; 16 bytes of tag.
    private const int HeaderSize = 2, TagSize = 16, MaxFrame = ushort.MaxValue, MaxPlaintext = MaxFrame - TagSize;

    private static readonly byte[] s_key = new byte[32];

    private static void WriteNonce(Span<byte> nonce, ulong counter) => BinaryPrimitives.WriteUInt64LittleEndian(nonce[4..], counter);

    /// <summary>Both directions; each has its own buffers and counter.</summary>
    private sealed class FramedStream(NetworkStream socket) : Stream
    {
        private readonly ChaCha20Poly1305 _sealing = new(s_key), _opening = new(s_key);
        private readonly byte[] _frame = new byte[HeaderSize + MaxFrame];
        private readonly byte[] _received = new byte[4 * (HeaderSize + MaxFrame)];
        private readonly byte[] _plaintext = new byte[MaxPlaintext];
        private readonly byte[] _sealNonce = new byte[12], _openNonce = new byte[12];
        private ulong _sealed, _opened;
        private int _start, _end, _plainStart, _plainEnd;

        public override bool CanRead => true;

        public override bool CanWrite => true;

        public override bool CanSeek => false;

        public override long Length => throw new NotSupportedException("A connection has no length.");

        public override long Position
        {
            get => throw new NotSupportedException("A connection has no position.");
            set => throw new NotSupportedException("A connection has no position.");
        }

        public override async ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
        {
            while (!buffer.IsEmpty)
            {
                int size = Math.Min(buffer.Length, MaxPlaintext);
                WriteNonce(_sealNonce, _sealed++);
                BinaryPrimitives.WriteUInt16BigEndian(_frame, (ushort)(size + TagSize));
                _sealing.Encrypt(_sealNonce, buffer.Span[..size], _frame.AsSpan(HeaderSize, size), _frame.AsSpan(HeaderSize + size, TagSize));
                await socket.WriteAsync(_frame.AsMemory(0, HeaderSize + size + TagSize), cancellationToken);
                buffer = buffer[size..];
            }
        }

        public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
        {
            while (_plainStart == _plainEnd && !TryOpenFrame())
            {
                if (_start > 0)
                {
                    Buffer.BlockCopy(_received, _start, _received, 0, _end - _start);
                    (_start, _end) = (0, _end - _start);
                }

                int count = await socket.ReadAsync(_received.AsMemory(_end), cancellationToken);
                if (count == 0) return 0;
                _end += count;
            }

            int taken = Math.Min(buffer.Length, _plainEnd - _plainStart);
            _plaintext.AsMemory(_plainStart, taken).CopyTo(buffer);
            _plainStart += taken;
            return taken;
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
            if (disposing)
            {
                socket.Dispose();
                _sealing.Dispose();
                _opening.Dispose();
            }

            base.Dispose(disposing);
        }

        private bool TryOpenFrame()
        {
            if (_end - _start < HeaderSize) return false;
            int size = BinaryPrimitives.ReadUInt16BigEndian(_received.AsSpan(_start)) - TagSize;
            if (_end - _start < HeaderSize + size + TagSize) return false;
            ReadOnlySpan<byte> frame = _received.AsSpan(_start + HeaderSize, size + TagSize);
            WriteNonce(_openNonce, _opened++);
            _opening.Decrypt(_openNonce, frame[..size], frame[size..], _plaintext.AsSpan(0, size));
            _start += HeaderSize + size + TagSize;
            (_plainStart, _plainEnd) = (0, size);
            return true;
        }
    }
}
