using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Overlay.Tests.Hosting;

/// <summary>A web server on loopback with one page. Serves one client after the other, and awaits its loop when disposed.</summary>
internal sealed class TinyOrigin : IAsyncDisposable
{
    internal const string Page = "from the origin";

    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource _stopping = new();
    private readonly Task _serving;

    internal TinyOrigin()
    {
        _listener.Start();
        Port = ((IPEndPoint)_listener.LocalEndpoint).Port;
        _serving = ServeAsync();
    }

    internal int Port { get; }

    /// <summary>Whether what it answers has no end.</summary>
    internal bool Endless { get; init; }

    internal Uri Address => new($"http://127.0.0.1:{Port}/");

    public async ValueTask DisposeAsync()
    {
        await _stopping.CancelAsync();
        _listener.Dispose();
        await _serving;
        _stopping.Dispose();
    }

    private async Task ServeAsync()
    {
        try
        {
            while (true)
            {
                using TcpClient client = await _listener.AcceptTcpClientAsync(_stopping.Token);
                try
                {
                    await ServeAsync(client);
                }
                catch (IOException)
                {
                    // A client that resets its connection harms no other.
                }
            }
        }
        catch (Exception e) when (e is OperationCanceledException or SocketException or ObjectDisposedException)
        {
            // Being disposed; a test that goes on without its server fails by itself.
        }
    }

    private async Task ServeAsync(TcpClient client)
    {
        await using NetworkStream stream = client.GetStream();
        using var reader = new StreamReader(stream, Encoding.ASCII, leaveOpen: true);
        while (await reader.ReadLineAsync(_stopping.Token) is { Length: > 0 })
        {
        }

        byte[] more = new byte[16 * 1024];
        while (Endless) await stream.WriteAsync(more, _stopping.Token);

        await stream.WriteAsync(Encoding.ASCII.GetBytes($"HTTP/1.1 200 OK\r\nContent-Length: {Page.Length}\r\nConnection: close\r\n\r\n{Page}"), _stopping.Token);
        client.Client.Shutdown(SocketShutdown.Send);
        // Until the other side has closed too: closing first could cut off what is under way.
        while (await reader.ReadLineAsync(_stopping.Token) is not null)
        {
        }
    }
}
