using Overlay.Transport;
using Overlay.Transport.Identity;
using Overlay.Transport.Resources;

namespace Overlay.Benchmarks;

/// <summary>A host for measuring, with a new identity. The one place where a benchmark changes limits: what is measured is the protocol, not the budget.</summary>
internal sealed class BenchmarkHost : IAsyncDisposable
{
    private readonly PeerIdentity _identity = PeerIdentity.Generate();

    private BenchmarkHost(TransportOptions options) => Peers = new PeerHost(_identity, options);

    internal PeerHost Peers { get; }

    /// <summary>A host with room for <paramref name="connectionCount"/> connections, all of them with one peer if need be, that serves perf.</summary>
    /// <param name="connectionCount">Room for so many connections.</param>
    /// <param name="identifiesOnConnect">Whether the host asks every new peer what it is, as it does unless told otherwise.</param>
    internal static BenchmarkHost Create(int connectionCount = 64, bool identifiesOnConnect = true) => new(new TransportOptions
    {
        Resources = new ResourceOptions
        {
            Node = new ResourceLimits { MaxConnectionCount = connectionCount },
            Transient = new ResourceLimits(),
            Peer = new ResourceLimits { MaxConnectionCount = connectionCount },
            Connection = new ResourceLimits(),
            Protocol = new ResourceLimits(),
            ProtocolPeer = new ResourceLimits(),
        },
        Trimming = new TrimOptions { HighWater = Math.Max(connectionCount, 1) + 1 },
        IdentifyOnConnect = identifiesOnConnect,
        ServePerf = true,
    });

    /// <summary>Begins to listen on a free port of loopback.</summary>
    internal ValueTask<Multiaddr> ListenAsync() => Peers.ListenAsync(Multiaddr.Parse("/ip4/127.0.0.1/tcp/0"));

    public async ValueTask DisposeAsync()
    {
        await Peers.DisposeAsync();
        _identity.Dispose();
    }
}
