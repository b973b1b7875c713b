using System.Net.Sockets;
using Overlay.Transport.Tcp;

namespace Overlay.Using;

/// <summary>What a local client sends, as a <see cref="Stream"/> to be read. Does not own the socket.</summary>
internal sealed class ClientStream(TcpSocket socket) : ConnectionStream
{
    public override bool CanWrite => false;

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

    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException("The client's bytes are read asynchronously.");

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException("The client's bytes are read only.");
}
