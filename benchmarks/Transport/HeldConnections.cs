using Overlay.Benchmarks.Transport.Carriers;

namespace Overlay.Benchmarks.Transport;

/// <summary>Connections that the far end dials and holds, and streams on them.</summary>
internal sealed class HeldConnections : IAsyncDisposable
{
    private const int MessageSize = 32;

    private readonly Dictionary<string, Carrier> _carriers = new(StringComparer.Ordinal);
    private readonly List<IAsyncDisposable> _connections = [];
    private readonly List<Task> _waiting = [];
    private readonly List<List<Stream>> _streams = [];

    /// <summary>Dials so many, one after another.</summary>
    internal async Task DialAsync(string key, int count, string address)
    {
        if (!_carriers.TryGetValue(key, out Carrier? carrier)) _carriers.Add(key, carrier = Carrier.Create(key));
        for (int i = 0; i < count; i++)
        {
            IAsyncDisposable connection = await carrier.ConnectAsync(address);
            _connections.Add(connection);
            if (connection is Stream stream) _waiting.Add(WaitForByteAsync(stream));
        }
    }

    /// <summary>Opens so many streams on every connection of Overlay and sends a message there and back on each.</summary>
    internal async Task OpenStreamsAsync(int count)
    {
        byte[] first = StreamServices.FirstEcho(MessageSize), message = new byte[MessageSize];
        foreach (OverlayCarrier.Identified connection in _connections.OfType<OverlayCarrier.Identified>())
        {
            var streams = new List<Stream>();
            for (int i = 0; i < count; i++)
            {
                Stream stream = await OverlayCarrier.OpenAsync(connection.Connection);
                streams.Add(stream);
                await stream.WriteAsync(first);
                await stream.ReadExactlyAsync(message);
            }

            _streams.Add(streams);
        }
    }

    /// <summary>Sends one message there and back on one stream of every connection.</summary>
    internal async Task ExchangeAsync(int index)
    {
        byte[] message = new byte[MessageSize];
        foreach (List<Stream> streams in _streams)
        {
            await streams[index].WriteAsync(message);
            await streams[index].ReadExactlyAsync(message);
        }
    }

    public async ValueTask DisposeAsync()
    {
        foreach (Stream stream in _streams.SelectMany(streams => streams)) await stream.DisposeAsync();
        foreach (Stream stream in _connections.OfType<Stream>()) await stream.DisposeAsync();
        await Task.WhenAll(_waiting);
        // A host closes its connections all at once.
        foreach (Carrier carrier in _carriers.Values) await carrier.DisposeAsync();
    }

    private static async Task WaitForByteAsync(Stream stream)
    {
        try
        {
            _ = await stream.ReadAsync(new byte[1]);
        }
        catch (Exception e) when (e is IOException or ObjectDisposedException)
        {
            // Held long enough.
        }
    }
}
