using System.Net;
using System.Net.Sockets;

namespace Overlay.Benchmarks.Transport.Carriers;

/// <summary>Accepts sockets on loopback and serves each in a task of its own, until disposed.</summary>
internal sealed class SocketListener : IAsyncDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly List<Task> _serving = [];
    private readonly Task _accepting;

    internal SocketListener(Func<NetworkStream, Task> serve)
    {
        _listener.Start(backlog: 512);
        _accepting = Task.Run(() => AcceptAsync(serve));
    }

    internal IPEndPoint EndPoint => (IPEndPoint)_listener.LocalEndpoint;

    /// <summary>Connects to such a listener.</summary>
    internal static async Task<NetworkStream> ConnectAsync(IPEndPoint endPoint)
    {
        var socket = new Socket(endPoint.AddressFamily, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        try
        {
            await socket.ConnectAsync(endPoint);
            return new NetworkStream(socket, ownsSocket: true);
        }
        catch (SocketException)
        {
            socket.Dispose();
            throw;
        }
    }

    public async ValueTask DisposeAsync()
    {
        _listener.Stop();
        await _accepting;
    }

    private async Task AcceptAsync(Func<NetworkStream, Task> serve)
    {
        while (true)
        {
            Socket socket;
            try
            {
                socket = await _listener.AcceptSocketAsync();
            }
            catch (Exception e) when (e is SocketException or ObjectDisposedException)
            {
                break;
            }

            socket.NoDelay = true;
            _serving.RemoveAll(task => task.IsCompletedSuccessfully);
            _serving.Add(Task.Run(() => ServeAsync(socket, serve)));
        }

        await Task.WhenAll(_serving);
    }

    private static async Task ServeAsync(Socket socket, Func<NetworkStream, Task> serve)
    {
        await using var stream = new NetworkStream(socket, ownsSocket: true);
        try
        {
            await serve(stream);
        }
        catch (IOException)
        {
            // The near end has measured enough and left.
        }
    }
}
