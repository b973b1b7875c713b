using System.Buffers;
using System.Net.Sockets;
using Overlay.Transport.Tcp;

namespace Overlay.Using;

/// <summary>Sending to a local client, and the careful way to close after a last message.</summary>
internal static class ClientSocket
{
    private const int MaxDrainedSize = 1024 * 1024;

    private static readonly TimeSpan s_drainTimeout = TimeSpan.FromSeconds(2);

    /// <summary>Sends all of <paramref name="bytes"/>.</summary>
    public static async ValueTask SendAsync(TcpSocket socket, ReadOnlyMemory<byte> bytes, CancellationToken cancellationToken)
    {
        while (!bytes.IsEmpty) bytes = bytes[await socket.SendAsync(bytes, cancellationToken).ConfigureAwait(false)..];
    }

    /// <summary>Sends a last message and closes in a way that lets the client read it.</summary>
    public static async ValueTask SendAndCloseAsync(TcpSocket socket, ReadOnlyMemory<byte> bytes, TimeProvider time, CancellationToken cancellationToken)
    {
        using var timeout = new CancellationTokenSource(s_drainTimeout, time);
        using var ended = CancellationTokenSource.CreateLinkedTokenSource(timeout.Token, cancellationToken);
        await SendAsync(socket, bytes, ended.Token).ConfigureAwait(false);
        await CloseAsync(socket, time, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Half-closes and reads, within limits, what the client still sends: closing with unread bytes would reset the connection, and a reset can take away
    /// the last message before the client has read it (RFC 9112, section 9.6).</summary>
    public static async ValueTask CloseAsync(TcpSocket socket, TimeProvider time, CancellationToken cancellationToken)
    {
        using var timeout = new CancellationTokenSource(s_drainTimeout, time);
        using var ended = CancellationTokenSource.CreateLinkedTokenSource(timeout.Token, cancellationToken);
        byte[] sink = ArrayPool<byte>.Shared.Rent(4096);
        try
        {
            socket.Socket.Shutdown(SocketShutdown.Send);
            int count = 1;
            for (int drained = 0; count > 0 && drained < MaxDrainedSize; drained += count)
                count = await socket.ReceiveAsync(sink, ended.Token).ConfigureAwait(false);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(sink);
            socket.Dispose();
        }
    }
}
