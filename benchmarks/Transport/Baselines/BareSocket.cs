using System.Net;
using System.Net.Sockets;

namespace Overlay.Benchmarks.Transport.Baselines;

/// <summary>TCP over loopback and nothing else: what no protocol on top of it can pass.</summary>
internal sealed class BareSocket : ThroughputSubject
{
    internal override string Name => "bare TCP";

    internal override async Task<ConnectedEnds> ConnectAsync()
    {
        (NetworkStream sender, NetworkStream receiver) = await PairAsync();
        return new ConnectedEnds(sender, receiver);
    }

    /// <summary>Two connected sockets as streams that own them.</summary>
    internal static async Task<(NetworkStream Sender, NetworkStream Receiver)> PairAsync()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        var dialer = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        await dialer.ConnectAsync(listener.LocalEndpoint);
        Socket accepted = await listener.AcceptSocketAsync();
        accepted.NoDelay = true;
        return (new NetworkStream(dialer, ownsSocket: true), new NetworkStream(accepted, ownsSocket: true));
    }
}
