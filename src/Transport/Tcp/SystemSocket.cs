using System.Net.Sockets;
using System.Runtime.CompilerServices;

namespace Overlay.Transport.Tcp;

/// <summary>By .NET's own engine: where there is no epoll, or none to be had.</summary>
internal sealed class SystemSocket(Socket socket) : TcpSocket(socket)
{
    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder))]
    public override async ValueTask WaitForDataAsync(CancellationToken cancellationToken) =>
        await Socket.ReceiveAsync(Memory<byte>.Empty, SocketFlags.None, cancellationToken).ConfigureAwait(false);

    public override ValueTask<int> ReceiveAsync(Memory<byte> buffer, CancellationToken cancellationToken) =>
        Socket.ReceiveAsync(buffer, SocketFlags.None, cancellationToken);

    public override ValueTask<int> SendAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken) =>
        Socket.SendAsync(buffer, SocketFlags.None, cancellationToken);
}
