using Overlay.Transport;
using Overlay.Transport.Connections;
using Overlay.Transport.Identity;

namespace Overlay.Benchmarks.Transport;

/// <summary>One Overlay stream: TCP, Noise and Yamux, between two hosts on loopback.</summary>
internal sealed class OneStream : ThroughputSubject
{
    private const string Protocol = "/overlay/benchmark/1";

    internal override string Name => "Overlay, one stream (TCP + Noise + Yamux)";

    internal override async Task<ConnectedEnds> ConnectAsync()
    {
        var (near, far) = (PeerIdentity.Generate(), PeerIdentity.Generate());
        var (dialler, listener) = (new PeerHost(near), new PeerHost(far));
        var inbound = new TaskCompletionSource<PeerStream>();
        listener.Protocols.Handle(Protocol, async (stream, _) =>
        {
            inbound.SetResult(stream);
            await stream.Completion;
        });

        Multiaddr address = await listener.ListenAsync(Multiaddr.Parse("/ip4/127.0.0.1/tcp/0"));
        PeerConnection connection = await dialler.ConnectAsync(address);
        Stream sender = (await connection.OpenStreamAsync(Protocol, CancellationToken.None)).AsStream();
        Stream receiver = (await inbound.Task).AsStream();
        return new ConnectedEnds(sender, receiver, dialler, listener);
    }
}
