using System.Net.Sockets;
using Overlay.Transport.Tcp;

namespace Overlay.Using;

/// <summary>What a local client sends, as a <see cref="Stream"/> to be read. Does not own the socket.</summary>
internal sealed class ClientStream(TcpSocket socket) : Stream
{
    public override bool CanRead => true;

    public override bool CanWrite => false;

    public override bool CanSeek => false;

    public override long Length => throw new NotSupportedException("A network stream has no length.");

    public override long Position
    {
        get => throw new NotSupportedException("A network stream has no position.");
        set => throw new NotSupportedException("A network stream has no position.");
    }

    /// <summary>Receives; into no bytes, waits until there is something to receive.</summary>
    /// <exception cref="IOException">The connection failed.</exception>
    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        try
        {
            if (!buffer.IsEmpty) return await socket.ReceiveAsync(buffer, cancellationToken).ConfigureAwait(false);
            await socket.WaitForDataAsync(cancellationToken).ConfigureAwait(false);
            return 0;
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            throw new IOException("The client's connection was lost.", e);
        }
    }

    public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
        ReadAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException("The client's bytes are read asynchronously.");

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException("The client's bytes are read only.");

    public override void Flush()
    {
    }

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException("A network stream cannot seek.");

    public override void SetLength(long value) => throw new NotSupportedException("A network stream has no length.");
}
