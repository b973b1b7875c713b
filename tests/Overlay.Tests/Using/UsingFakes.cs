using System.Collections.Concurrent;
using System.IO.Pipelines;
using System.Net;
using System.Net.Sockets;
using System.Text;
using Overlay.Sessions;

namespace Overlay.Tests.Using;

/// <summary>A target connection straight over a socket.</summary>
internal sealed class SocketTarget : MeteredStream
{
    private readonly Socket _socket;
    private readonly NetworkStream _stream;
    private readonly HalfClosingWriter _output;

    public SocketTarget(Socket socket)
    {
        _socket = socket;
        _stream = new NetworkStream(socket, ownsSocket: true);
        Input = PipeReader.Create(_stream, new StreamPipeReaderOptions(leaveOpen: true));
        _output = new HalfClosingWriter(PipeWriter.Create(_stream, new StreamPipeWriterOptions(leaveOpen: true)), socket);
        BoundEndPoint = (IPEndPoint)socket.LocalEndPoint!;
    }

    public override PipeReader Input { get; }

    public override PipeWriter Output => _output;

    public override IPEndPoint? BoundEndPoint { get; }

    public override void Abort(string reason) => _socket.Dispose();

    public override ValueTask DisposeAsync()
    {
        _stream.Dispose();
        return ValueTask.CompletedTask;
    }

    private sealed class HalfClosingWriter(PipeWriter inner, Socket socket) : PipeWriter
    {
        public override void Advance(int bytes) => inner.Advance(bytes);

        public override Memory<byte> GetMemory(int sizeHint = 0) => inner.GetMemory(sizeHint);

        public override Span<byte> GetSpan(int sizeHint = 0) => inner.GetSpan(sizeHint);

        public override ValueTask<FlushResult> FlushAsync(CancellationToken cancellationToken = default) => inner.FlushAsync(cancellationToken);

        public override void CancelPendingFlush() => inner.CancelPendingFlush();

        public override void Complete(Exception? exception = null)
        {
            inner.Complete(exception);
            if (exception is not null) socket.Dispose();
            else if (socket.Connected) socket.Shutdown(SocketShutdown.Send);
        }
    }
}

/// <summary>Connects to one loopback origin, whatever is asked for, and remembers what that was.</summary>
internal sealed class LoopbackConnector(IPEndPoint origin) : ITargetConnector
{
    public ConcurrentQueue<string> Asked { get; } = new();

    public Func<string, int, CancellationToken, Task>? Before { get; init; }

    public async ValueTask<MeteredStream> ConnectAsync(string host, int port, CancellationToken cancellationToken)
    {
        Asked.Enqueue($"{host} {port}");
        if (Before is not null) await Before(host, port, cancellationToken);
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        await socket.ConnectAsync(origin, cancellationToken);
        return new SocketTarget(socket);
    }
}

/// <summary>A raw TCP server: each connection is handed to a function, whose end closes it.</summary>
internal sealed class Origin : IAsyncDisposable
{
    private readonly Socket _listener = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
    private readonly CancellationTokenSource _stop = new();
    private readonly ConcurrentBag<Task> _serving = [];
    private readonly Task _accepting;

    public Origin(Func<NetworkStream, CancellationToken, Task> serve)
    {
        _listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        _listener.Listen(512);
        _accepting = Task.Run(async () =>
        {
            while (true) _serving.Add(ServeAsync(await _listener.AcceptAsync(_stop.Token)));
        });
        async Task ServeAsync(Socket socket)
        {
            await using var stream = new NetworkStream(socket, ownsSocket: true);
            await serve(stream, _stop.Token);
        }
    }

    public IPEndPoint EndPoint => (IPEndPoint)_listener.LocalEndPoint!;

    /// <summary>Sends back what it gets, half-close included.</summary>
    public static Origin Echo() => new((stream, cancellationToken) => stream.CopyToAsync(stream, cancellationToken));

    /// <summary>Takes one HTTP request up to the end of its head, remembers it, answers with <paramref name="response"/>, closes.</summary>
    public static Origin Http(Func<string, string> response, ConcurrentQueue<string>? heads = null) => new(async (stream, cancellationToken) =>
    {
        string head = await stream.ReadToAsync("\r\n\r\n", cancellationToken);
        heads?.Enqueue(head);
        await stream.WriteAsync(Encoding.Latin1.GetBytes(response(head)), cancellationToken);
    });

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        _listener.Dispose();
        await _accepting.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        await Task.WhenAll(_serving).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        _stop.Dispose();
    }
}

internal static class Wire
{
    public static async Task<NetworkStream> ConnectAsync(IPEndPoint endPoint, CancellationToken cancellationToken)
    {
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        await socket.ConnectAsync(endPoint, cancellationToken);
        return new NetworkStream(socket, ownsSocket: true);
    }

    public static ValueTask SendAsync(this NetworkStream stream, string text, CancellationToken cancellationToken) =>
        stream.WriteAsync(Encoding.Latin1.GetBytes(text), cancellationToken);

    /// <summary>Reads byte by byte until the text ends with <paramref name="end"/>; fails if the stream does so first.</summary>
    public static async Task<string> ReadToAsync(this Stream stream, string end, CancellationToken cancellationToken)
    {
        var text = new StringBuilder();
        byte[] one = new byte[1];
        while (text.Length < end.Length || text.ToString(text.Length - end.Length, end.Length) != end)
        {
            await stream.ReadExactlyAsync(one, cancellationToken);
            text.Append((char)one[0]);
        }

        return text.ToString();
    }

    /// <summary>All that comes until the other side closes; a reset ends it too.</summary>
    public static async Task<byte[]> ReadAllAsync(this Stream stream, CancellationToken cancellationToken)
    {
        using var all = new MemoryStream();
        try
        {
            await stream.CopyToAsync(all, cancellationToken);
        }
        catch (IOException)
        {
            // A reset: what came before it is what there is.
        }

        return all.ToArray();
    }

    public static async Task<string> ReadAllTextAsync(this Stream stream, CancellationToken cancellationToken) =>
        Encoding.Latin1.GetString(await stream.ReadAllAsync(cancellationToken));
}
