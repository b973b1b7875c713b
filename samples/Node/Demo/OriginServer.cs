using System.Globalization;
using System.Net;
using System.Net.Sockets;

namespace Overlay.Node.Demo;

/// <summary>A web server on loopback that answers every request with the demo's content and counts what its sockets carry.</summary>
/// <remarks>Speaks as much HTTP/1.1 (RFC 9112) as one GET needs, and closes after each answer. Owns the tasks of its connections and awaits them when disposed.</remarks>
internal sealed class OriginServer : IAsyncDisposable
{
    private const int MaxRequestSize = 16 * 1024;

    private readonly Socket _listener = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
    private readonly CancellationTokenSource _stopping = new();
    private readonly ulong _contentSize;
    private readonly Task _accepting;
    private long _received;
    private long _sent;

    /// <summary>Begins to listen on a free port.</summary>
    /// <param name="contentSize">Bytes of each answer's content, a multiple of 8.</param>
    internal OriginServer(ulong contentSize)
    {
        _contentSize = contentSize;
        _listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        _listener.Listen();
        EndPoint = (IPEndPoint)_listener.LocalEndPoint!;
        _accepting = AcceptAsync();
    }

    internal IPEndPoint EndPoint { get; }

    /// <summary>Bytes that clients sent, headers included.</summary>
    internal ulong Received => (ulong)Interlocked.Read(ref _received);

    /// <summary>Bytes sent to clients, headers included.</summary>
    internal ulong Sent => (ulong)Interlocked.Read(ref _sent);

    public async ValueTask DisposeAsync()
    {
        await _stopping.CancelAsync();
        _listener.Dispose();
        await _accepting;
        _stopping.Dispose();
    }

    private async Task AcceptAsync()
    {
        var serving = new List<Task>();
        try
        {
            while (true) serving.Add(ServeAsync(await _listener.AcceptAsync(_stopping.Token)));
        }
        catch (Exception e) when (e is OperationCanceledException or SocketException or ObjectDisposedException)
        {
            // Being disposed.
        }

        await Task.WhenAll(serving);
    }

    private async Task ServeAsync(Socket client)
    {
        using Socket owned = client;
        try
        {
            if (!await ReadRequestAsync(client)) return;
            string head = string.Create(
                CultureInfo.InvariantCulture,
                $"HTTP/1.1 200 OK\r\nContent-Type: application/octet-stream\r\nContent-Length: {_contentSize}\r\nConnection: close\r\n\r\n");
            await SendAsync(client, System.Text.Encoding.ASCII.GetBytes(head));
            byte[] piece = new byte[64 * 1024];
            for (ulong offset = 0; offset < _contentSize; offset += (ulong)piece.Length)
            {
                Memory<byte> part = piece.AsMemory(0, (int)Math.Min((ulong)piece.Length, _contentSize - offset));
                DemoContent.Fill(part.Span, offset);
                await SendAsync(client, part);
            }

            client.Shutdown(SocketShutdown.Send);
            // Until the other side has taken everything and closed: closing first could cut off what is still under way.
            while (await ReceiveAsync(client, piece) > 0)
            {
            }
        }
        catch (Exception e) when (e is OperationCanceledException or SocketException)
        {
            // The client went away, or the server is being disposed; the counts tell.
        }
    }

    private async Task<bool> ReadRequestAsync(Socket client)
    {
        byte[] request = new byte[MaxRequestSize];
        int size = 0;
        while (size < request.Length)
        {
            int read = await ReceiveAsync(client, request.AsMemory(size));
            if (read == 0) return false;
            size += read;
            if (request.AsSpan(0, size).IndexOf("\r\n\r\n"u8) >= 0) return true;
        }

        return false;
    }

    private async ValueTask<int> ReceiveAsync(Socket client, Memory<byte> buffer)
    {
        int read = await client.ReceiveAsync(buffer, _stopping.Token);
        Interlocked.Add(ref _received, read);
        return read;
    }

    private async ValueTask SendAsync(Socket client, ReadOnlyMemory<byte> bytes)
    {
        while (!bytes.IsEmpty)
        {
            int sent = await client.SendAsync(bytes, _stopping.Token);
            Interlocked.Add(ref _sent, sent);
            bytes = bytes[sent..];
        }
    }
}
