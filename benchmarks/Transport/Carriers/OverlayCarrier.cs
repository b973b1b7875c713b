using Overlay.Transport.Connections;
using Overlay.Transport.Identity;

namespace Overlay.Benchmarks.Transport.Carriers;

/// <summary>Overlay: TCP, Noise and Yamux between two hosts, all streams on one connection.</summary>
internal sealed class OverlayCarrier(BenchmarkHost host) : Carrier
{
    internal const string Key = "overlay", Title = "Overlay (TCP + Noise + Yamux)";

    /// <summary>The same among strangers: with the limits of a node and of an address, from which loopback is exempt otherwise.</summary>
    internal const string LimitedKey = "overlay-limited", LimitedTitle = "Overlay with the limits of a node and an address";

    private const string Protocol = "/overlay/benchmark/1";
    private const int ConnectionRoom = 4096;

    internal static OverlayCarrier CreateRoomy() => new(BenchmarkHost.CreateRoomy(ConnectionRoom));

    internal static OverlayCarrier CreateLimited() => new(BenchmarkHost.CreateAmongStrangers());

    internal override async Task<string> ListenAsync(Func<Stream, Task> serve)
    {
        // The host ends the stream behind its handler, with half-closes where the peer goes along.
        host.Peers.Protocols.Handle(Protocol, (stream, _) => serve(stream.AsStream()));
        return (await host.ListenAsync()).ToString();
    }

    internal override async Task<Stream> OpenAsync(string address)
    {
        PeerConnection connection = await host.Peers.ConnectAsync(Multiaddr.Parse(address));
        return await OpenAsync(connection);
    }

    /// <summary>Opens a stream on a given connection.</summary>
    internal static async Task<Stream> OpenAsync(PeerConnection connection) => (await connection.OpenStreamAsync(Protocol, CancellationToken.None)).AsStream();

    /// <summary>One more connection, through the handshake and the identify exchange. Disposing it lets its streams end first.</summary>
    internal override async Task<IAsyncDisposable> ConnectAsync(string address)
    {
        Multiaddr target = Multiaddr.Parse(address);
        PeerConnection connection = await host.Peers.ConnectAnewAsync(target.PeerId!, [target]);
        await host.Peers.IdentifyAsync(connection);
        return new Identified(connection);
    }

    public override ValueTask DisposeAsync() => host.DisposeAsync();

    /// <summary>A connection whose peer has said what it is.</summary>
    internal sealed class Identified(PeerConnection connection) : IAsyncDisposable
    {
        internal PeerConnection Connection => connection;

        public ValueTask DisposeAsync() => connection.CloseAsync(CancellationToken.None);
    }
}
