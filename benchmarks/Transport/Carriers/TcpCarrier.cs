using System.Net;

namespace Overlay.Benchmarks.Transport.Carriers;

/// <summary>TCP over loopback and nothing else: what no protocol on top of it can pass.</summary>
internal sealed class TcpCarrier : Carrier
{
    internal const string Key = "tcp", Title = "bare TCP";

    private SocketListener? _listener;

    internal override Task<string> ListenAsync(Func<Stream, Task> serve)
    {
        _listener = new SocketListener(serve);
        return Task.FromResult(_listener.EndPoint.ToString());
    }

    internal override async Task<Stream> OpenAsync(string address) => await SocketListener.ConnectAsync(IPEndPoint.Parse(address));

    internal override async Task<IAsyncDisposable> ConnectAsync(string address) => await OpenAsync(address);

    public override ValueTask DisposeAsync() => _listener?.DisposeAsync() ?? ValueTask.CompletedTask;
}
